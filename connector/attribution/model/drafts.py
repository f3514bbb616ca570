"""A cart that somebody sent in a conversation: the wish for an order, until StormCom answers it.

REQUESTED ──answer──▶ CREATED | DECLINED | LINKED
    │                     ▲                  │
    └──nobody did─▶ EXPIRED ──an order came──┘ after all: CREATED
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.checkout.model.links import Channel
from connector.errors import FailedPrecondition, NotFound
from connector.messaging.model.attachments import AttachedProduct
from connector.values import Money, decimals_of

# Unverified: how long the Page may answer a person; an answer that comes later reaches nobody.
LIFETIME = timedelta(hours=24)
LONGEST_NOTE = 2_000
_LARGEST_AMOUNT = 10**15


class State(StrEnum):
    """Where a draft order stands."""

    REQUESTED = "REQUESTED"
    CREATED = "CREATED"
    DECLINED = "DECLINED"
    LINKED = "LINKED"
    EXPIRED = "EXPIRED"


def write_sent(goods: AttachedProduct) -> dict[str, Any]:
    """Write goods of a cart as Meta sent them, with the contract's field names."""
    price = read_price(goods.unit_price, goods.currency_code)
    same = {"item_id": goods.item_id, "retailer_id": goods.retailer_id, "title": goods.title}
    return same | {"quantity": min(max(goods.quantity, 0), 2**31 - 1), "unit_price": price._asdict() if price else None}


def read_price(amount: str, currency: str) -> Money | None:
    """Read a decimal number of a currency exactly; None when it is none, or has more decimals than the currency."""
    decimals, (whole, point, fraction) = decimals_of(currency.upper()), amount.strip().partition(".")
    fraction = fraction.rstrip("0")
    if decimals is None or len(fraction) > decimals or not whole.isascii() or not whole.isdecimal() or len(whole) > 15:
        return None
    if point and fraction and not (fraction.isascii() and fraction.isdecimal()):
        return None
    minor_units = int(whole + fraction.ljust(decimals, "0"))
    return Money(currency.upper(), minor_units) if minor_units <= _LARGEST_AMOUNT else None


class Answer(NamedTuple):
    """What StormCom makes of a draft order; one of the three says it."""

    local_order_id: str = ""
    decline_reason: str = ""
    checkout_link: str = ""

    @property
    def state(self) -> State:
        """Tell where it leads."""
        if self.local_order_id:
            return State.CREATED
        return State.LINKED if self.checkout_link else State.DECLINED


@dataclass(frozen=True, slots=True)
class DraftOrder:
    """A draft order, as it is kept."""

    id: UUID
    store_id: str
    connection_id: UUID
    conversation_id: UUID
    channel: Channel
    state: State
    lines: tuple[dict[str, Any], ...]
    sent_lines: tuple[dict[str, Any], ...]
    note: str
    send_time: datetime
    expire_time: datetime
    answer_time: datetime | None
    local_order_id: str
    decline_reason: str
    checkout_link: str

    def seen(self, *, at: datetime) -> State:
        """Tell where it stands as callers see it: one whose time has come is expired, though that is told a moment later."""
        return State.EXPIRED if self.state is State.REQUESTED and self.expire_time <= at else self.state

    def answered(self, answer: Answer) -> bool:
        """Tell whether this very answer was given already."""
        return (
            answer == Answer(self.local_order_id, self.decline_reason, self.checkout_link)
            and self.state is answer.state
        )

    def document(self, *, at: datetime) -> dict[str, Any]:
        """Write it as it is at a moment, with the contract's field names."""
        same = (
            "store_id", "note", "send_time", "expire_time", "answer_time", "local_order_id", "decline_reason",
            "checkout_link",
        )  # fmt: skip
        return {name: getattr(self, name) for name in same} | {
            "draft_order_id": str(self.id),
            "connection_id": str(self.connection_id),
            "conversation_id": str(self.conversation_id),
            "channel": f"ORDER_CHANNEL_{self.channel}",
            "state": f"STATE_{self.seen(at=at)}",
            "lines": list(self.lines),
            "sent_lines": list(self.sent_lines),
        }


def missing(draft_order_id: str) -> NotFound:
    """Say that a store has no such draft order."""
    message = "No such draft order in this store"
    return NotFound("DRAFT_ORDER_NOT_FOUND", message, draft_order_id=draft_order_id)


def ended(draft: DraftOrder, *, at: datetime) -> FailedPrecondition:
    """Say that a draft order cannot be answered any more."""
    state = draft.seen(at=at)
    message = f"The draft order is {state}: look at it, and write to the person if something else is meant"
    return FailedPrecondition("DRAFT_ORDER_ANSWERED", message, draft_order_id=str(draft.id), state=state)
