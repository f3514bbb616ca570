"""Returns: a buyer wants to send something back. Pure.

    REQUESTED ──▶ APPROVED ──▶ REFUNDED
        │            └───────▶ COMPLETED ──▶ REFUNDED
        └──▶ DISAPPROVED

A return never goes back: of two readings, however they come, the farther one counts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from connector.errors import FailedPrecondition, NotFound
from connector.order_changes.model.changes import Part, pieces
from connector.orders.model.values import Order


class State(StrEnum):
    """Where a return stands, in the words of the contract's Return.State, nearest first."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    DISAPPROVED = "DISAPPROVED"
    COMPLETED = "COMPLETED"
    REFUNDED = "REFUNDED"


# SDK 25.0.0, commerceorder.py (graph-api.md 6.2)
METAS_WORDS = {
    "REQUESTED": State.REQUESTED,
    "APPROVED": State.APPROVED,
    "DISAPPROVED": State.DISAPPROVED,
    "MERCHANT_MARKED_COMPLETED": State.COMPLETED,
    "REFUNDED": State.REFUNDED,
}
OPEN = frozenset({State.REQUESTED, State.APPROVED})
"""The merchant can still answer it."""
_RANK = {state: rank for rank, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Told:
    """A return as Meta tells it."""

    external_id: str
    state: State
    merchant_return_id: str
    parts: tuple[Part, ...]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Return:
    """A return, as it is kept."""

    order_id: UUID
    external_id: str
    state: State
    merchant_return_id: str
    parts: tuple[Part, ...]
    reason: str
    message: str
    create_time: datetime
    update_time: datetime

    def document(self, order: Order) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = "merchant_return_id", "reason", "message", "create_time", "update_time"
        return {name: getattr(self, name) for name in same} | {
            "return_id": self.external_id,
            "order_id": str(self.order_id),
            "state": f"STATE_{self.state}",
            "lines": pieces(order, self.parts),
        }


def goes_on(known: State, told: State) -> bool:
    """Tell whether a return has come farther than is known."""
    return _RANK[told] > _RANK[known]


def missing(return_id: str) -> NotFound:
    """Say that an order has no such return."""
    return NotFound("RETURN_NOT_FOUND", "No such return of this order", return_id=return_id)


def resolved(one: Return) -> FailedPrecondition:
    """Say that a return was answered already."""
    message = f"The return is {one.state}: it cannot be answered any more"
    return FailedPrecondition("RETURN_RESOLVED", message, return_id=one.external_id, state=one.state)


def require_answerable(one: Return, to: State) -> None:
    """Refuse an answer that the return cannot become.

    Raises:
        FailedPrecondition: RETURN_RESOLVED.

    """
    if one.state not in OPEN or not goes_on(one.state, to) or (one.state, to) == (State.APPROVED, State.DISAPPROVED):
        raise resolved(one)
