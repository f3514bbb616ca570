"""Who calls, behind any number of proxies, true ones and made-up ones; and how often one may ask."""

import pytest
from aiohttp.test_utils import make_mocked_request

from connector.settings.forms import networks
from webhook_ingress.callers import Callers, Rate

PROXIES = networks("10.0.0.0/8, ::1/128")


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("::1", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_the_caller_is_the_first_address_that_is_no_proxy(remote: str, forwarded: str, address: str) -> None:
    """Only what our own proxies wrote counts: whatever a caller puts before it is ignored."""
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    assert address == Callers(PROXIES).address(request)


def test_a_rate_lets_the_first_ones_through_and_then_one_at_a_time() -> None:
    """Sixty a minute: sixty at once, then one a second; another address has its own."""
    time = [0.0]
    rate = Rate(60, now=lambda: time[0])
    assert (60, False, True) == (sum(rate.allows("a") for _ in range(60)), rate.allows("a"), rate.allows("b"))
    time[0] = 1.0
    assert [True, False] == [rate.allows("a"), rate.allows("a")]
