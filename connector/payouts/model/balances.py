"""Compares what an order should bring with what it brought. Pure.

Expected is what Meta charged for the order's shipments, less what was paid back; taxes that Meta hands on itself are in neither.
What Meta takes off at its own expense it makes good: it is in what was charged.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.values import Money

DUE_WITHIN = timedelta(days=30)
"""Meta pays 2 to 30 days after shipping."""
# Unverified: how long after a charge its transaction is told; two days leave room for a weekend's batch.
TOLD_WITHIN = timedelta(days=2)


class State(StrEnum):
    """How the two compare; in the words of the contract's OrderBalance.State."""

    NOT_DUE = "NOT_DUE"
    PENDING = "PENDING"
    SETTLED = "SETTLED"
    DIFFERS = "DIFFERS"
    OVERDUE = "OVERDUE"


WRONG = frozenset({State.DIFFERS, State.OVERDUE})
"""Somebody should look at it."""


class Facts(NamedTuple):
    """What is known of an order's money. `change_time` is of its last charge or refund, `open_time` of the oldest one not paid out."""

    charged: int
    refunded: int
    received: int
    fees: int
    foreign: bool  # a transaction in another currency than the order's: they cannot be added up
    charge_time: datetime | None
    change_time: datetime | None
    open_time: datetime | None
    paid: bool  # something was paid out

    @property
    def expected(self) -> int:
        """Tell what it should bring."""
        return self.charged - self.refunded

    @property
    def difference(self) -> int:
        """Tell what there is too much, or too little when negative."""
        return self.received - self.expected


def compare(facts: Facts, *, at: datetime) -> State:
    """Tell how an order's money compares, by a reading of `at`."""
    if facts.foreign:
        return State.DIFFERS
    if facts.charge_time is None:
        return State.DIFFERS if facts.difference else State.NOT_DUE
    if facts.difference == 0:
        return State.SETTLED if facts.open_time is None else _waiting(facts.open_time, at=at)
    if facts.change_time is not None and at - facts.change_time <= TOLD_WITHIN:
        return State.PENDING
    return State.DIFFERS if facts.paid else _waiting(facts.charge_time, at=at)


def _waiting(since: datetime, *, at: datetime) -> State:
    return State.OVERDUE if at - since > DUE_WITHIN else State.PENDING


class Balance(NamedTuple):
    """What an order should bring and what it brought, as of the last reading."""

    order_id: UUID
    external_order_id: str
    local_order_id: str
    state: State
    currency_code: str
    expected: int
    received: int
    fees: int
    order_time: datetime

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        amounts = {name: getattr(self, name) for name in ("expected", "received", "fees")}
        amounts["difference"] = self.received - self.expected
        return {
            "order_id": str(self.order_id),
            "external_order_id": self.external_order_id,
            "local_order_id": self.local_order_id,
            "state": f"STATE_{self.state}",
            **{name: Money(self.currency_code, amount)._asdict() for name, amount in amounts.items()},
        }
