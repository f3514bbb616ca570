"""Totals: how many pieces of each line are shipped, cancelled and refunded by now, all in all; Meta does what is missing. Pure.

Totals never become less. Saying them again does nothing, so they need no key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from connector.errors import FailedPrecondition
from connector.order_commands.model.carriers import Tracking
from connector.order_commands.model.commands import Command, Kind, Pieces, Wish
from connector.order_commands.model.moves import require_lines, require_new_tracking
from connector.order_commands.model.refunds import by_amount_only
from connector.orders.model.values import Line, Order


class Totals(NamedTuple):
    """What is done about a line by now; None of what stays as it is."""

    line_id: str
    shipped: int | None = None
    cancelled: int | None = None
    refunded: int | None = None

    def beside(self, line: Line) -> tuple[int, int, int]:
        """Tell all three, given what is known of the line."""
        known = line.shipped_quantity, line.cancelled_quantity, line.refunded_quantity
        shipped, cancelled, refunded = (old if new is None else new for new, old in zip(self[1:], known, strict=True))
        return shipped, cancelled, refunded


@dataclass(frozen=True, slots=True)
class Restate:
    """Say the totals of lines; `tracking` is of what is newly shipped, the reasons of what is newly cancelled or refunded."""

    totals: tuple[Totals, ...]
    tracking: Tracking | None = None
    cancel_reason: str = ""
    refund_reason: str = ""
    kind: Kind = Kind.RESTATE

    def wish(self, order: Order, commands: Sequence[Command]) -> Wish:
        """Name the lines by Meta's ids; the pieces it takes are those that become shipped or cancelled."""
        lines = require_lines(order, [one.line_id for one in self.totals])
        require_totals(order, self.totals)
        number = self.tracking.number if self.tracking else ""
        require_new_tracking(commands, "", number)
        # graph-api.md 6.2 (documentation, Feb 2026)
        body = {
            "merchant_order_reference": order.local_order_id,
            "items": [self._item(one, lines[one.line_id]) for one in self.totals],
        }
        taken = (Pieces(one.line_id, sum(one.beside(line)[:2]) - line.shipped_quantity - line.cancelled_quantity)
                 for one in self.totals for line in (lines[one.line_id],))  # fmt: skip
        return Wish(self.kind, body, tuple(one for one in taken if one.quantity), tracking_number=number)

    def _item(self, one: Totals, line: Line) -> dict[str, Any]:
        shipped, cancelled, refunded = one.beside(line)
        said = {
            "tracking_info": [self.tracking.wire()] if self.tracking and shipped > line.shipped_quantity else [],
            "cancel_reason": {"reason_code": self.cancel_reason} if cancelled > line.cancelled_quantity else {},
            "refund_reason": {"reason_code": self.refund_reason} if refunded > line.refunded_quantity else {},
        }
        quantities = {"fulfill_quantity": shipped, "cancel_quantity": cancelled, "refund_quantity": refunded}
        return {"item_id": one.line_id, **quantities, **{name: value for name, value in said.items() if value}}


def require_totals(order: Order, totals: Sequence[Totals]) -> None:
    """Refuse totals that cannot be, or that are less than what is done.

    Raises:
        FailedPrecondition: QUANTITY_DECREASED, QUANTITY_EXCEEDED, REFUND_BY_AMOUNT_ONLY.

    """
    lines = {line.line_id: line for line in order.lines}
    for one in totals:
        line = lines[one.line_id]
        shipped, cancelled, refunded = one.beside(line)
        _require_more("shipped", shipped, line.shipped_quantity, line)
        _require_more("cancelled", cancelled, line.cancelled_quantity, line)
        _require_more("refunded", refunded, line.refunded_quantity, line)
        if shipped + cancelled > line.quantity or refunded > shipped:
            message = f"Of line {line.line_id}, {line.quantity} pieces were ordered: no more can be shipped or cancelled, nor more refunded than shipped"
            raise FailedPrecondition("QUANTITY_EXCEEDED", message, line_id=line.line_id, left=line.open_quantity)
        if refunded > line.refunded_quantity and by_amount_only(order):
            message = "Something was taken off the whole order: Meta takes amounts only, not pieces"
            raise FailedPrecondition("REFUND_BY_AMOUNT_ONLY", message, order_id=str(order.id))


def _require_more(word: str, total: int, known: int, line: Line) -> None:
    if total < known:
        message = f"Of line {line.line_id}, {known} pieces are {word} already: a total never becomes less"
        raise FailedPrecondition("QUANTITY_DECREASED", message, line_id=line.line_id, least=known)


def read_totals(body: Mapping[str, Any]) -> tuple[Totals, ...]:
    """Read the totals of a wish back."""
    return tuple(
        Totals(one["item_id"], one["fulfill_quantity"], one["cancel_quantity"], one["refund_quantity"])
        for one in body["items"]
    )
