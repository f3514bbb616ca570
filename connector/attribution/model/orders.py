"""An order of StormCom's that came from Facebook, Instagram or a conversation. Recorded once; it never changes.

Its sums are exact, to the last minor unit of one currency, or it is refused.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from connector.checkout.model.links import Channel
from connector.conversions.model.values import Conversion
from connector.errors import AlreadyExists, InvalidInput, NotFound
from connector.values import Money


class OptIn(StrEnum):
    """Whether a buyer wants to be written to for marketing; nobody asked unless it is said."""

    UNSPECIFIED = "UNSPECIFIED"
    YES = "YES"
    NO = "NO"


class Line(NamedTuple):
    """One line: amounts in minor units of the order's currency."""

    retailer_id: str
    product_id: str
    variant_id: str
    quantity: int
    unit_price: int
    discount: int
    total: int


class Totals(NamedTuple):
    """The sums, in minor units of the order's currency."""

    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What StormCom says of an order; the part of it that is kept."""

    local_order_id: str
    channel: Channel
    currency_code: str
    lines: tuple[Line, ...]
    totals: Totals
    order_time: datetime | None = None
    external_order_id: str = ""
    conversation_id: UUID | None = None
    draft_order_id: UUID | None = None
    hold_ids: tuple[UUID, ...] = ()
    opt_in: OptIn = OptIn.UNSPECIFIED
    opt_in_time: datetime | None = None

    @property
    def event_id(self) -> str:
        """Name the order's conversion: a pixel in the browser that uses the same is not counted twice."""
        return f"order.{self.local_order_id}"

    @property
    def name_on_channel(self) -> str:
        """Name the order on its channel: as StormCom says, or by the draft it came out of, or by its conversion."""
        return self.external_order_id or (str(self.draft_order_id) if self.draft_order_id else self.event_id)

    def digest(self) -> bytes:
        """Hash all that is said, to tell a repetition from another order under the same id."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=list)).digest()


def require_sums(lines: Sequence[Line], totals: Totals) -> None:
    """Refuse an order whose sums do not add up.

    Raises:
        InvalidInput: ORDER_TOTAL_MISMATCH, naming the first sum that is wrong.

    """
    for place, line in enumerate(lines):
        _require(f"lines[{place}].total", line.quantity * line.unit_price - line.discount, line.total)
    _require("totals.subtotal", sum(line.total for line in lines), totals.subtotal)
    _require("totals.total", totals.subtotal - totals.discount + totals.shipping + totals.tax, totals.total)


def _require(field: str, expected: int, given: int) -> None:
    if expected != given or given < 0:
        message = f"is {given} minor units, and the amounts it is made of come to {expected}"
        raise InvalidInput.of(field, "ORDER_TOTAL_MISMATCH", message, expected=expected, given=given)


@dataclass(frozen=True, slots=True)
class Order:
    """An order, as it is kept."""

    id: UUID
    store_id: str
    connection_id: UUID
    local_order_id: str
    channel: Channel
    external_order_id: str
    currency_code: str
    lines: tuple[Line, ...]
    totals: Totals
    order_time: datetime
    conversation_id: UUID | None
    draft_order_id: UUID | None
    opt_in: OptIn
    opt_in_time: datetime | None
    event_id: str
    conversion_reason: str
    hold_ids: tuple[str, ...]
    lost_hold_ids: tuple[str, ...]
    receipt_message_id: UUID | None
    receipt_reason: str
    digest: bytes
    create_time: datetime

    def document(self, conversion: Conversion | None) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = (
            "store_id", "local_order_id", "external_order_id", "order_time", "event_id", "conversion_reason",
            "receipt_reason", "create_time",
        )  # fmt: skip
        return {name: getattr(self, name) for name in same} | {
            "attributed_order_id": str(self.id),
            "connection_id": str(self.connection_id),
            "channel": f"ORDER_CHANNEL_{self.channel}",
            "lines": [self._line(line) for line in self.lines],
            "totals": {name: self._money(amount) for name, amount in self.totals._asdict().items()},
            "conversation_id": str(self.conversation_id or ""),
            "draft_order_id": str(self.draft_order_id or ""),
            "marketing_opt_in": f"MARKETING_OPT_IN_{self.opt_in}",
            "marketing_opt_in_time": self.opt_in_time,
            "notification_policy": "NOTIFICATION_POLICY_NOTIFY",
            "conversion": conversion.document() if conversion else None,
            "receipt_message_id": str(self.receipt_message_id or ""),
            "hold_ids": list(self.hold_ids),
            "lost_hold_ids": list(self.lost_hold_ids),
        }

    def _line(self, line: Line) -> Mapping[str, Any]:
        amounts = {name: self._money(getattr(line, name)) for name in ("unit_price", "discount", "total")}
        return line._asdict() | amounts

    def _money(self, minor_units: int) -> dict[str, Any]:
        return Money(self.currency_code, minor_units)._asdict()


def missing(local_order_id: str) -> NotFound:
    """Say that no such order was recorded."""
    message = "No such order was recorded in this store"
    return NotFound("ATTRIBUTED_ORDER_NOT_FOUND", message, local_order_id=local_order_id)


def recorded_otherwise(local_order_id: str, field: str) -> AlreadyExists:
    """Say that an order, or its name on the channel, was recorded with other content."""
    message = f"{field}: an order was recorded under it with other content, and a recorded order never changes"
    return AlreadyExists("ORDER_ALREADY_RECORDED", message, local_order_id=local_order_id, field=field)
