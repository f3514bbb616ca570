"""What is reported, how Meta reads it, and how far a report came.

PENDING ──taken──▶ SENT
├────refused──▶ REJECTED      alone: a batch that Meta refuses is halved until the wrong one is found
├────too old──▶ EXPIRED       it never went out in time
└────no answer for two days──▶ UNKNOWN   a repetition would no longer be recognised as one
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.conversions.model.matching import Buyer, write_match
from connector.values import Money

# Unverified: recalled of the Conversions API's pages (parameters, using the API, deduplication).
MOST_EVENTS = 1_000
OLDEST, OLDEST_IN_STORE = timedelta(days=7), timedelta(days=62)
RECOGNISED = timedelta(hours=48)
MARGIN = timedelta(minutes=10)
"""How far a caller's clock may be ahead of ours."""
PURCHASE = "Purchase"


class ActionSource(StrEnum):
    """Where it happened, in Meta's words."""

    # SDK 26.0.3, serverside/action_source.py
    WEBSITE = "website"
    EMAIL = "email"
    APP = "app"
    PHONE_CALL = "phone_call"
    CHAT = "chat"
    PHYSICAL_STORE = "physical_store"
    SYSTEM_GENERATED = "system_generated"
    OTHER = "other"


class State(StrEnum):
    """How far a report came."""

    PENDING = "PENDING"
    SENT = "SENT"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Pixel:
    """What conversions are sent to, and how."""

    pixel_id: str = ""
    test_event_code: str = ""
    limited_data_use: bool = False


class Content(NamedTuple):
    """An item of a conversion, by its name at Meta."""

    retailer_id: str
    quantity: int
    price: Money | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Something a buyer did, to be reported."""

    event_name: str
    event_id: str
    event_time: datetime
    action_source: ActionSource
    buyer: Buyer
    event_source_url: str = ""
    opt_out: bool = False
    value: Money | None = None
    contents: Sequence[Content] = ()
    order_id: str = ""
    search_string: str = ""

    @property
    def oldest(self) -> timedelta:
        """Tell how old it may be for Meta to take it."""
        return OLDEST_IN_STORE if self.action_source is ActionSource.PHYSICAL_STORE else OLDEST

    def wire(self) -> dict[str, Any]:
        """Write it as Meta reads it; of the buyer only what is hashed, or has to be plain."""
        # SDK 26.0.3, serverside/event.py, custom_data.py, content.py
        event: dict[str, Any] = {
            "event_name": self.event_name,
            "event_time": int(self.event_time.timestamp()),
            "event_id": self.event_id,
            "action_source": self.action_source,
            "user_data": write_match(self.buyer),
        }
        event |= {"event_source_url": self.event_source_url} if self.event_source_url else {}
        event |= {"opt_out": True} if self.opt_out else {}
        custom = self._custom()
        return event | ({"custom_data": custom} if custom else {})

    def _custom(self) -> dict[str, Any]:
        custom: dict[str, Any] = {}
        if self.value is not None:
            custom |= {"value": amount(self.value), "currency": self.value.currency_code}
        if self.contents:
            custom["content_type"] = "product"
            custom["content_ids"] = [one.retailer_id for one in self.contents]
            custom["contents"] = [_content(one) for one in self.contents]
            custom["num_items"] = sum(one.quantity for one in self.contents)
        custom |= {"order_id": self.order_id} if self.order_id else {}
        return custom | ({"search_string": self.search_string} if self.search_string else {})


def _content(content: Content) -> dict[str, Any]:
    told: dict[str, Any] = {"id": content.retailer_id, "quantity": content.quantity}
    return told if content.price is None else told | {"item_price": amount(content.price)}


def amount(money: Money) -> float:
    """Write an amount as Meta reads it: a decimal number, the currency beside it."""
    return float(str(money).partition(" ")[0])


@dataclass(frozen=True, slots=True)
class Conversion:
    """A report, as it is kept."""

    id: UUID
    store_id: str
    connection_id: UUID
    event_name: str
    event_id: str
    event_time: datetime
    state: State
    reason: str
    message: str
    create_time: datetime
    send_time: datetime | None

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = "store_id", "event_name", "event_id", "event_time", "reason", "message", "create_time", "send_time"
        named = {"conversion_id": str(self.id), "connection_id": str(self.connection_id)}
        return {name: getattr(self, name) for name in same} | named | {"state": f"STATE_{self.state}"}


class Waiting(NamedTuple):
    """A report that waits; `attempt_time` is when it first went out, `expire_time` until when Meta takes it."""

    id: UUID
    body: Mapping[str, Any]
    expire_time: datetime
    attempt_time: datetime | None


End = tuple[State, str, str]
"""How a report ended, with the reason and its explanation."""


def end_of(waiting: Waiting, *, at: datetime) -> End | None:
    """Tell why a report that waits is not sent any more, if so."""
    if waiting.attempt_time is not None and at >= waiting.attempt_time + RECOGNISED:
        message = "It went out and was never answered; after two days Meta would count it twice"
        return State.UNKNOWN, "META_OUTCOME_UNKNOWN", message
    if at >= waiting.expire_time:
        return State.EXPIRED, "CONVERSION_TOO_OLD", "It could not be sent while Meta would have taken it"
    return None
