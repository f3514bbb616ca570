"""Rate limits are real sliding windows."""

import json

import pytest

from simulator.clock import Clock
from simulator.errors import GraphError
from simulator.limits import Limits
from simulator.switches import Switches


def _limits(**allowances: int) -> tuple[Limits, Clock, Switches]:
    switches, clock = Switches(), Clock()
    switches.change(allowances=allowances)
    return Limits(switches, clock), clock, switches


@pytest.mark.parametrize(
    ("bucket", "user_token", "code"),
    [
        ("app", True, 4),
        ("pages", True, 32),
        ("pages", False, 80001),
        ("messenger", False, 80006),
        ("catalog_management", True, 80009),
        ("catalog_batch", True, 80014),
        ("send_rate", False, 613),
    ],
)
def test_each_bucket_refuses_with_its_code(bucket: str, *, user_token: bool, code: int) -> None:
    """The call after the allowance is refused with the bucket's documented code."""
    limits, _, _ = _limits(**{bucket: 3})
    for _ in range(3):
        limits.spend(bucket, "1", user_token=user_token)
    with pytest.raises(GraphError) as caught:
        limits.spend(bucket, "1", user_token=user_token)
    assert code == caught.value.code


def test_the_window_slides() -> None:
    """Each call leaves the window exactly one window after it was made."""
    limits, clock, switches = _limits(catalog_batch=2)
    switches.throttled_calls_count = False
    limits.spend("catalog_batch", "1")
    clock.advance(1_800)
    limits.spend("catalog_batch", "1")
    with pytest.raises(GraphError):
        limits.spend("catalog_batch", "1")
    clock.advance(1_801)
    limits.spend("catalog_batch", "1")
    with pytest.raises(GraphError):
        limits.spend("catalog_batch", "1")


def test_refused_calls_still_count() -> None:
    """Who goes on calling while throttled waits longer."""
    limits, clock, _ = _limits(catalog_batch=1)
    limits.spend("catalog_batch", "1")
    clock.advance(3_000)
    with pytest.raises(GraphError):
        limits.spend("catalog_batch", "1")
    clock.advance(601)
    with pytest.raises(GraphError):
        limits.spend("catalog_batch", "1")


def test_waiting_as_long_as_told_is_enough() -> None:
    """After the minutes in the header the next call passes."""
    limits, clock, _ = _limits(catalog_batch=5)
    for _ in range(5):
        limits.spend("catalog_batch", "1")
        clock.advance(60)
    with pytest.raises(GraphError):
        limits.spend("catalog_batch", "1")
    clock.advance(60 * limits.minutes_to_regain("catalog_batch", "1"))
    limits.spend("catalog_batch", "1")


def test_owners_do_not_share_a_bucket() -> None:
    """One catalog's calls never throttle another's."""
    limits, _, _ = _limits(catalog_batch=1)
    limits.spend("catalog_batch", "1")
    limits.spend("catalog_batch", "2")
    assert {"1": 1, "2": 1} == limits.usage()["catalog_batch"]


@pytest.mark.parametrize("flat", [False, True])
def test_the_header_has_both_shapes(*, flat: bool) -> None:
    """The business use case is nested under its owner, or flat when the switch says so."""
    limits, _, switches = _limits(catalog_batch=4)
    switches.flat_usage_header = flat
    limits.spend("catalog_batch", "77")
    header = json.loads(limits.headers("catalog_batch", "77", "")["X-Business-Use-Case-Usage"])
    use_case = header if flat else header["77"][0]
    assert ("catalog_batch", 25, 0) == (
        use_case["type"], use_case["call_count"], use_case["estimated_time_to_regain_access"],
    )  # fmt: skip


def test_calls_inside_a_block_are_counted() -> None:
    """Whoever calls before the minutes it was told are over is counted; afterwards no more."""
    limits, clock, _ = _limits(catalog_batch=1)
    limits.spend("catalog_batch", "1")
    for _ in range(2):
        with pytest.raises(GraphError):
            limits.spend("catalog_batch", "1")
    clock.advance(60 * limits.minutes_to_regain("catalog_batch", "1"))
    limits.spend("catalog_batch", "1")
    [account] = limits.accounts()
    assert (4, 2, 1) == (account["calls"], account["refused"], account["inside_block"])


@pytest.mark.parametrize(("shoppers", "allowance"), [(0, 200), (1, 200), (2, 400), (1024, 2200)])
def test_a_catalogs_allowance_grows_with_its_shoppers(shoppers: int, allowance: int) -> None:
    """Each doubling of the people with intent to buy adds the allowance of the first."""
    limits, _, switches = _limits()
    switches.shoppers = shoppers
    assert allowance == limits.allowance("catalog_batch")
