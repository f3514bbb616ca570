"""What money may go back: never more than was charged for what was shipped, counting what waits. Exact, in minor units. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connector.errors import FailedPrecondition, InvalidInput
from connector.order_commands.model.commands import EFFECTIVE, OPEN, Command, Kind, Pieces
from connector.order_commands.model.moves import choose, left_to_refund, require_lines
from connector.orders.model.values import Line, Order
from connector.values import Money

# facebook/meta-for-magento2 0d29efe: in pounds the shipping that is refunded holds its tax.
_TAX_INSIDE = frozenset({"GBP"})


class Asked(NamedTuple):
    """A refund as it is asked for: of each line pieces or an amount, and amounts for shipping.

    `currency_code` is that of all amounts, empty without any; `currency_field` is where the caller said it.
    """

    lines: tuple[Pieces, ...] = ()
    shipping: int = 0
    shipping_tax: int = 0
    deduction: int = 0
    everything: bool = False
    currency_code: str = ""
    currency_field: str = ""

    def told_shipping(self, currency_code: str) -> int:
        """Tell what Meta is told for shipping."""
        return self.shipping + (self.shipping_tax if currency_code in _TAX_INSIDE else 0)


def by_amount_only(order: Order) -> bool:
    """Tell whether Meta takes amounts only: something was taken off the whole order."""
    # graph-api.md 6.2 (documentation, Feb 2026)
    return any(one.target == "ORDER" for one in order.discounts)


def charged(line: Line) -> int:
    """Tell what was charged for the shipped pieces of a line, without tax; rounded up, for Meta's rounding is its own."""
    return -(-(line.subtotal - line.order_discount) * line.shipped_quantity // line.quantity)


def _refunds(commands: Iterable[Command]) -> list[Command]:
    return [one for one in commands if one.wish.kind is Kind.REFUND and one.state in OPEN | EFFECTIVE]


def refunded(line: Line, commands: Iterable[Command]) -> int:
    """Add up what went back for a line, or is about to, by what we know."""
    pieces = [one for command in _refunds(commands) for one in command.wish.lines if one.line_id == line.line_id]
    return sum(one.amount or one.quantity * line.unit_price for one in pieces)


def require_refundable(order: Order, commands: Sequence[Command], asked: Asked) -> None:
    """Refuse a refund that cannot be.

    Raises:
        NotFound: ORDER_LINE_UNKNOWN.
        FailedPrecondition: QUANTITY_EXCEEDED, REFUND_EXCEEDED, REFUND_BY_AMOUNT_ONLY.
        InvalidInput: REFUND_EMPTY, CURRENCY_MISMATCH.

    """
    if asked.currency_code not in {"", order.currency_code}:
        message = f"is {asked.currency_code}, and the order in {order.currency_code}"
        raise InvalidInput.of(asked.currency_field, "CURRENCY_MISMATCH", message)
    lines, left = require_lines(order, [one.line_id for one in asked.lines]), left_to_refund(order, commands)
    if not any(line.shipped_quantity for line in order.lines):
        raise FailedPrecondition("QUANTITY_EXCEEDED", "Nothing was shipped yet: cancel it instead", left=0)
    if asked.everything:
        return
    if pieces := [one for one in asked.lines if one.quantity]:
        if by_amount_only(order):
            message = "Something was taken off the whole order: Meta takes amounts only, not pieces"
            raise FailedPrecondition("REFUND_BY_AMOUNT_ONLY", message, order_id=str(order.id))
        choose(pieces, left, word="refunded")
    for one in asked.lines:
        _require_amount(lines[one.line_id], one, commands)
    _require_shipping(order, commands, asked)
    _require_something(lines, asked)


def _require_amount(line: Line, asked: Pieces, commands: Sequence[Command]) -> None:
    left = charged(line) - refunded(line, commands)
    if (asked.amount or asked.quantity * line.unit_price) > left:
        message = (
            f"Of line {line.line_id}, {max(0, left)} minor units are left that could be refunded, counting what waits"
        )
        raise FailedPrecondition("REFUND_EXCEEDED", message, line_id=line.line_id, left=max(0, left))


def _require_shipping(order: Order, commands: Sequence[Command], asked: Asked) -> None:
    wanted = asked.told_shipping(order.currency_code)
    if not wanted:
        return
    paid = order.sums.shipping if order.sums else 0
    if order.currency_code in _TAX_INSIDE and order.shipping_option:
        paid += order.shipping_option.tax or 0
    left = paid - sum(one.wish.shipping for one in _refunds(commands))
    if wanted > left:
        message = f"Of shipping, {max(0, left)} minor units are left that could be refunded, counting what waits"
        raise FailedPrecondition("REFUND_EXCEEDED", message, left=max(0, left))


def _require_something(lines: Mapping[str, Line], asked: Asked) -> None:
    goods = sum(one.amount or one.quantity * lines[one.line_id].unit_price for one in asked.lines)
    taxes = sum(lines[one.line_id].tax for one in asked.lines)
    if (
        goods + asked.shipping + asked.shipping_tax <= 0
        or goods + asked.shipping + asked.shipping_tax + taxes <= asked.deduction
    ):
        raise InvalidInput.of("return_shipping_deduction", "REFUND_EMPTY", "takes off all that would be paid back")


def write_body(asked: Asked, currency_code: str, *, reason: str, description: str, return_id: str) -> dict[str, Any]:
    """Write a refund as Meta reads it. Without items and shipping it is all that is left."""
    # graph-api.md 6.2 (documentation, Feb 2026); line ids, for names may stand for two lines where something is free.
    items = [_line(one, currency_code) for one in asked.lines]
    shipping = asked.told_shipping(currency_code)
    deduction = {"deduction_type": "RETURN_SHIPPING", "deduction_amount": money(currency_code, asked.deduction)}
    said = {
        "reason_code": reason,
        "reason_text": description,
        "items": items,
        "shipping": {"shipping_refund": money(currency_code, shipping)} if shipping else {},
        "deductions": [deduction] if asked.deduction else [],
        "return_id": return_id,
    }
    return {name: value for name, value in said.items() if value}


def _line(one: Pieces, currency_code: str) -> dict[str, Any]:
    how = (
        {"item_refund_quantity": one.quantity}
        if one.quantity
        else {"item_refund_amount": money(currency_code, one.amount)}
    )
    return {"item_id": one.line_id, **how}


def money(currency_code: str, minor_units: int) -> dict[str, str]:
    """Write an amount as Meta reads it."""
    return {"amount": str(Money(currency_code, minor_units)).partition(" ")[0], "currency": currency_code}
