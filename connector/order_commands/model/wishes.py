"""What may be asked for, kind by kind: each checks itself against the order and what waits, and becomes a wish in Meta's words. Pure.

Of everything that is left, the pieces are chosen when it is asked for: what is ordered or decided later is another wish.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from connector.order_commands.model.carriers import Tracking
from connector.order_commands.model.commands import Command, Kind, Pieces, Wish
from connector.order_commands.model.moves import (
    choose,
    left_to_ship,
    require_alone,
    require_lines,
    require_new_shipment,
    require_new_tracking,
    require_shipment,
    require_state,
)
from connector.order_commands.model.refunds import Asked, require_refundable, write_body
from connector.order_commands.model.totals import read_totals, require_totals
from connector.orders.model.values import Order


class Asking(Protocol):
    """Something asked for, as the caller says it."""

    @property
    def kind(self) -> Kind:
        """Tell what it does."""
        ...

    def wish(self, order: Order, commands: Sequence[Command]) -> Wish:
        """Check it, and write it as Meta reads it.

        Raises:
            NotFound, AlreadyExists, FailedPrecondition, InvalidInput: it cannot be.

        """
        ...


def make_wish(asking: Asking, order: Order, commands: Sequence[Command], *, now: datetime) -> Wish:
    """Check what is asked for, and make the wish."""
    require_state(asking.kind, order, now=now)
    require_alone(asking.kind, order, commands)
    return asking.wish(order, commands)


def check_again(wish: Wish, order: Order, commands: Sequence[Command], *, now: datetime) -> None:
    """Refuse a wish that cannot be any more, before it is tried again.

    Raises:
        NotFound, AlreadyExists, FailedPrecondition, InvalidInput: as when it was asked for.

    """
    require_state(wish.kind, order, now=now)
    require_alone(wish.kind, order, commands)
    if wish.kind is Kind.RESTATE:
        require_totals(order, read_totals(wish.body))
    if wish.kind in _TAKING:
        choose(wish.lines, left_to_ship(order, commands), word=_TAKING[wish.kind])
    if wish.kind is Kind.FULFILL:
        require_new_shipment(commands, wish.shipment_id)
    if wish.kind is Kind.REFUND:
        # Shipping is counted as it is told: in pounds with its tax.
        require_refundable(order, commands, Asked(wish.lines, wish.shipping, 0, wish.deduction, wish.everything))
    require_new_tracking(commands, wish.shipment_id, wish.tracking_number)


_TAKING = {Kind.FULFILL: "shipped", Kind.CANCEL: "cancelled"}


def digest(asking: Asking) -> bytes:
    """Tell it from anything else that may be asked for."""
    said: Any = asking
    told = [asking.kind, asdict(said)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Acknowledge the order."""

    kind: Kind = Kind.ACKNOWLEDGE

    def wish(self, order: Order, _commands: Sequence[Command]) -> Wish:
        """Name the order as StormCom does; Meta writes that once."""
        return Wish(self.kind, {"merchant_order_reference": order.local_order_id})


@dataclass(frozen=True, slots=True)
class Fulfill:
    """Ship pieces; none named is all that are left. `origin` is the place it starts from, in Meta's words."""

    shipment_id: str
    lines: tuple[Pieces, ...] = ()
    tracking: Tracking = field(default_factory=Tracking)
    origin: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = Kind.FULFILL

    def wish(self, order: Order, commands: Sequence[Command]) -> Wish:
        """Name the pieces by line."""
        require_lines(order, [one.line_id for one in self.lines])
        pieces = choose(self.lines, left_to_ship(order, commands), word="shipped")
        require_new_shipment(commands, self.shipment_id)
        require_new_tracking(commands, self.shipment_id, self.tracking.number)
        # graph-api.md 6.2 (documentation, Feb 2026; SDK 25.0.0 for shipment_origin_postal_code)
        body: dict[str, Any] = {
            "external_shipment_id": self.shipment_id,
            "items": _items(pieces),
            "tracking_info": self.tracking.wire(),
        }
        if self.origin:
            body["fulfillment"] = {"fulfillment_address": dict(self.origin)}
            body["shipment_origin_postal_code"] = self.origin["postal_code"]
        number = self.tracking.number
        return Wish(self.kind, body, pieces, shipment_id=self.shipment_id, tracking_number=number)


@dataclass(frozen=True, slots=True)
class UpdateShipment:
    """Tell another tracking of a shipment."""

    shipment_id: str
    tracking: Tracking
    kind: Kind = Kind.UPDATE_SHIPMENT

    def wish(self, _order: Order, commands: Sequence[Command]) -> Wish:
        """Name the shipment as StormCom does."""
        require_shipment(commands, self.shipment_id)
        require_new_tracking(commands, self.shipment_id, self.tracking.number)
        # graph-api.md 6.2 (documentation, Feb 2026)
        body = {"external_shipment_id": self.shipment_id, "tracking_info": self.tracking.wire()}
        return Wish(self.kind, body, shipment_id=self.shipment_id, tracking_number=self.tracking.number)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel pieces; none named is all that were not shipped."""

    lines: tuple[Pieces, ...] = ()
    reason: str = "CANCEL_REASON_OTHER"
    description: str = ""
    restock: bool = False
    kind: Kind = Kind.CANCEL

    def wish(self, order: Order, commands: Sequence[Command]) -> Wish:
        """Name the pieces by line."""
        require_lines(order, [one.line_id for one in self.lines])
        pieces = choose(self.lines, left_to_ship(order, commands), word="cancelled")
        words = {"reason_description": self.description} if self.description else {}
        # graph-api.md 6.2 (documentation, Feb 2026)
        reason = {"reason_code": self.reason, **words}
        body = {"items": _items(pieces), "cancel_reason": reason, "restock_items": self.restock}
        return Wish(self.kind, body, pieces)


@dataclass(frozen=True, slots=True)
class Refund:
    """Pay back."""

    asked: Asked
    reason: str
    description: str = ""
    return_id: str = ""
    kind: Kind = Kind.REFUND

    def wish(self, order: Order, commands: Sequence[Command]) -> Wish:
        """Name pieces or amounts by line."""
        asked = self.asked
        require_refundable(order, commands, asked)
        words = {"reason": self.reason, "description": self.description, "return_id": self.return_id}
        return Wish(
            self.kind,
            write_body(asked, order.currency_code, **words),
            asked.lines,
            shipping=asked.told_shipping(order.currency_code),
            deduction=asked.deduction,
            everything=asked.everything,
            return_id=self.return_id,
        )


@dataclass(frozen=True, slots=True)
class ResolveReturn:
    """Answer a return of `lines`; `status` is what it becomes, in Meta's words. That there is such a return, the caller has seen to."""

    return_id: str
    status: str
    lines: tuple[Pieces, ...] = ()
    merchant_return_id: str = ""
    message: str = ""
    kind: Kind = Kind.RESOLVE_RETURN

    def wish(self, _order: Order, _commands: Sequence[Command]) -> Wish:
        """Name the return by Meta's id."""
        # facebook-business-sdk-codegen 1338eb3 names the parameters, of which `items` is required. Unverified: what `update` holds.
        said = {"merchant_return_id": self.merchant_return_id, "return_message": self.message}
        update = {"return_id": self.return_id, "status": self.status}
        body = {"items": _items(self.lines), "update": update, **{name: text for name, text in said.items() if text}}
        return Wish(self.kind, body, return_id=self.return_id)


def _items(pieces: Sequence[Pieces]) -> list[dict[str, Any]]:
    # graph-api.md 6.2 (documentation, Feb 2026): names may stand for two lines where something is free, so lines are named by id.
    return [{"item_id": one.line_id, "quantity": one.quantity} for one in pieces]
