"""Cancellations, refunds and payments of an order, as Meta tells them: each under Meta's own id. Amounts are minor units. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.orders.model.values import Line, Order, write_money


class Actor(StrEnum):
    """Who did something; in the words of the contract's OrderActor. Meta does not say: a command of ours and some reasons do."""

    UNSPECIFIED = "UNSPECIFIED"
    STORMCOM = "STORMCOM"
    BUYER = "BUYER"
    META = "META"


# https://developers.facebook.com/docs/commerce-platform/order-management/refund-order (read 2026-11-21): only Meta gives this reason.
_METAS = frozenset({"FACEBOOK_INITIATED"})
# Unverified: that whoever cancels with this reason outside StormCom is the buyer, and not the merchant at Meta.
_BUYERS = frozenset({"CUSTOMER_REQUESTED"})


def actor_of(reason: str, command_id: UUID | None) -> Actor:
    """Tell who it was, as far as anybody can tell."""
    if command_id is not None:
        return Actor.STORMCOM
    return Actor.META if reason in _METAS else Actor.BUYER if reason in _BUYERS else Actor.UNSPECIFIED


class Part(NamedTuple):
    """What concerns one line: pieces, and an amount where money goes back. By amount alone, there are no pieces."""

    line_id: str
    quantity: int
    amount: int = 0


class Cancellation(NamedTuple):
    """Pieces that will never be shipped."""

    external_id: str
    parts: tuple[Part, ...]
    reason: str
    description: str

    def document(self, order: Order, command_id: UUID | None) -> dict[str, Any]:
        """Write the event's payload, all but the order."""
        return {
            "external_cancellation_id": self.external_id,
            "lines": pieces(order, self.parts),
            "actor": f"ORDER_ACTOR_{actor_of(self.reason, command_id)}",
            "reason": self.reason,
            "description": self.description,
            "command_id": str(command_id or ""),
        }


class Refund(NamedTuple):
    """Money that goes back to the buyer; `total` is what arrives, less what was deducted."""

    external_id: str
    parts: tuple[Part, ...]
    subtotal: int
    shipping: int
    tax: int
    total: int
    reason: str

    def document(self, order: Order, command_id: UUID | None, *, full: bool) -> dict[str, Any]:
        """Write the event's payload, all but the order."""
        sums = {name: write_money(order.currency_code, getattr(self, name)) for name in ("subtotal", "shipping", "tax", "total")}  # fmt: skip
        lines = [
            {"line": line, "amount": write_money(order.currency_code, part.amount)}
            for line, part in zip(pieces(order, self.parts), self.parts, strict=True)
        ]
        return sums | {
            "external_refund_id": self.external_id,
            "lines": lines,
            "full": full,
            "actor": f"ORDER_ACTOR_{actor_of(self.reason, command_id)}",
            "reason": self.reason,
            "command_id": str(command_id or ""),
        }


class Payment(NamedTuple):
    """What Meta charges for one shipment; until it is captured, nothing was."""

    external_id: str
    total: int
    tax: int
    captured: bool


def pieces(order: Order, parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Write pieces with the contract's field names, each with what its line stands for."""
    lines: Mapping[str, Line] = {line.line_id: line for line in order.lines}
    return [{"line_id": part.line_id, "quantity": part.quantity, **_names(lines.get(part.line_id))} for part in parts]


def _names(line: Line | None) -> dict[str, str]:
    names = "retailer_id", "product_id", "variant_id"
    return {name: getattr(line, name) for name in names} if line else {}


def totals(changes: Iterable[Cancellation | Refund]) -> dict[str, int]:
    """Add up the pieces of each line."""
    found: Counter[str] = Counter()
    for change in changes:
        for part in change.parts:
            found[part.line_id] += part.quantity
    return dict(found)


def is_full(payments: Iterable[Payment], refunds: Iterable[Refund]) -> bool:
    """Tell whether everything that was paid is paid back. What was deducted for a return is not."""
    charged = sum(one.total for one in payments if one.captured)
    return charged > 0 and sum(one.total for one in refunds) >= charged


def in_order(external_id: str) -> tuple[int, str]:
    """Order Meta's ids, which are texts of growing length, by age."""
    return len(external_id), external_id
