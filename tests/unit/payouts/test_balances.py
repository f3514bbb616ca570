"""How an order's money compares, by every way it can stand."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.payouts.model.balances import Facts, State, compare

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def facts(**given: object) -> Facts:
    """A charge of 100 five days ago that was paid out whole, unless said otherwise."""
    usual = {
        "charged": 100, "refunded": 0, "received": 100, "fees": 5, "foreign": False, "charge_time": NOW - 5 * DAY,
        "change_time": NOW - 5 * DAY, "open_time": None, "paid": True,
    }  # fmt: skip
    return Facts(**usual | given)  # type: ignore[arg-type] # each by its name


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, State.SETTLED),
        ({"charged": 0, "received": 0, "charge_time": None, "change_time": None, "paid": False}, State.NOT_DUE),
        ({"charged": 0, "charge_time": None, "change_time": None}, State.DIFFERS),
        ({"open_time": NOW - 5 * DAY, "paid": False}, State.PENDING),
        ({"open_time": NOW - 30 * DAY}, State.PENDING),
        ({"open_time": NOW - 31 * DAY}, State.OVERDUE),
        ({"received": 99}, State.DIFFERS),
        ({"received": 101}, State.DIFFERS),
        ({"refunded": 100, "received": 0}, State.SETTLED),
        ({"refunded": 40, "change_time": NOW - DAY}, State.PENDING),
        ({"received": 0, "paid": False}, State.PENDING),
        ({"received": 0, "paid": False, "charge_time": NOW - 31 * DAY}, State.OVERDUE),
        ({"foreign": True}, State.DIFFERS),
    ],
)
def test_money_compares(given: dict[str, object], expected: State) -> None:
    """Equal and paid is settled; equal and unpaid waits 30 days; unequal is looked at once Meta had time to tell."""
    assert expected is compare(facts(**given), at=NOW)
