"""A hold: pieces kept aside for somebody who may buy them, until a time.

ACTIVE ──complete──▶ COMPLETED   they were sold, and StormCom's own count says so
   ├────release────▶ RELEASED    they were not
   └────expire─────▶ EXPIRED     nobody said anything in time
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.errors import ConnectorError, FailedPrecondition, NotFound
from connector.inventory.model.stock import Key, Shelf
from connector.values import ConnectionId

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=26)
"""How long a hold may last: longer than the day that Meta gives for cancelling an order that is being processed."""
KEPT = timedelta(days=30)
"""For how long an ended hold can still be looked at."""


class State(StrEnum):
    """Where a hold stands."""

    ACTIVE = "ACTIVE"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    COMPLETED = "COMPLETED"


class Want(NamedTuple):
    """So many pieces of a product without variants, or of one variant."""

    product_id: str
    variant_id: str
    quantity: int


class Held(NamedTuple):
    """So many pieces of an item."""

    retailer_id: str
    product_id: str
    variant_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks to be kept aside, all of it or nothing. `purpose` and `reference` say what for, in the caller's words."""

    wants: tuple[Want, ...]
    duration: timedelta
    purpose: str = ""
    reference: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it is kept."""

    id: UUID
    store_id: str
    connection_id: ConnectionId
    state: State
    purpose: str
    reference: str
    create_time: datetime
    expire_time: datetime
    end_time: datetime | None
    lines: tuple[Held, ...] = ()

    def seen(self, *, at: datetime) -> State:
        """Tell its state as callers see it: one whose time has come is expired, though its pieces may be let go of a moment later."""
        return State.EXPIRED if self.state is State.ACTIVE and self.expire_time <= at else self.state

    def document(self, *, at: datetime) -> dict[str, Any]:
        """Write it as it is seen at a moment, with the contract's field names."""
        same = "purpose", "reference", "create_time", "expire_time", "end_time"
        return {name: getattr(self, name) for name in same} | {
            "hold_id": str(self.id),
            "connection_id": str(self.connection_id),
            "state": f"STATE_{self.seen(at=at)}",
            "lines": [line._asdict() for line in self.lines],
        }


def reserve(wants: Sequence[Want], shelves: Mapping[Key, Shelf]) -> dict[Key, Shelf] | ConnectorError:
    """Keep pieces aside: tells how the items stand then, or why nothing is kept aside."""
    after: dict[Key, Shelf] = {}
    for place, want in enumerate(wants):
        key = want.product_id, want.variant_id
        shelf = shelves.get(key)
        if shelf is None:
            named = {"product_id": want.product_id, "variant_id": want.variant_id}
            return NotFound("ITEM_NOT_FOUND", "No such item in this connection", line=f"lines[{place}]", **named)
        if shelf.available < want.quantity:
            return _too_few(f"lines[{place}]", want, shelf.available)
        after[key] = shelf._replace(reserved=shelf.reserved + want.quantity)
    return after


def _too_few(line: str, want: Want, available: int) -> FailedPrecondition:
    message = f"{line}: {want.quantity} pieces are wanted and {available} can be had; nothing was reserved"
    named = {"product_id": want.product_id, "variant_id": want.variant_id}
    fix = "Ask for less, or send newer stock: UpdateInventory."
    return FailedPrecondition("STOCK_INSUFFICIENT", message, fix=fix, line=line, available=available, **named)


def missing(hold_id: str) -> NotFound:
    """Tell that a store has no such hold."""
    return NotFound("HOLD_NOT_FOUND", "No such hold in this store", hold_id=hold_id)


def ended(hold: Hold, *, at: datetime) -> FailedPrecondition:
    """Tell that a hold has ended already."""
    state = hold.seen(at=at)
    message = f"The hold is {state}: reserve anew, and tell of a sale by UpdateInventory"
    return FailedPrecondition("HOLD_ENDED", message, hold_id=str(hold.id), state=state)
