"""The circuit breaker as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.budgets.model import PROBE_LEASE, Breaker

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


OPEN, TRYING = Breaker("", 1, later(5)), Breaker("", 1, NOW + PROBE_LEASE, probing=True)


@pytest.mark.parametrize(
    ("before", "calls", "after"),
    [
        (Breaker(), ".", Breaker(".")),
        (Breaker("."), "xxxx", Breaker(".xxxx")),
        (Breaker(".xxxx"), "x", OPEN),
        (Breaker("xxxx"), "......x", Breaker("xxx......x")),
        (Breaker("xxxx.xxx"[:8]), ".", OPEN),
        (Breaker("x.x.x.x.."), "x", OPEN),
        (Breaker("xxxx"), "..........", Breaker("..........")),
        (OPEN, ".", OPEN),
        (OPEN, "x", OPEN),
        (TRYING, ".", Breaker()),
        (TRYING, "x", Breaker("", 2, later(10))),
        (Breaker("", 4, later(60), probing=True), "x", Breaker("", 5, later(80))),
        (Breaker("", 99, later(60), probing=True), "x", Breaker("", 100, later(160))),
    ],
)
def test_a_breaker_opens_tries_and_closes(before: Breaker, calls: str, after: Breaker) -> None:
    """Five failures of the last ten open it; open, it learns from the call that tries only, and rests longer each time."""
    assert after == before.after(calls, NOW)


def test_the_call_that_tries_has_a_lease() -> None:
    """Half open it stays shut to all others for as long as the one call may take."""
    assert Breaker("", 1, NOW + PROBE_LEASE, probing=True) == OPEN.tries(NOW)


@pytest.mark.parametrize(("breaker", "troubled"), [(Breaker(), False), (Breaker("...x"), True), (OPEN, True)])
def test_a_troubled_breaker_wants_to_hear_every_call(breaker: Breaker, *, troubled: bool) -> None:
    """Only while calls have failed of late is each of them worth a note."""
    assert troubled is breaker.troubled
