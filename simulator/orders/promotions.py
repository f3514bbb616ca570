"""Promotions of a drafted order: what they take off, from whom, and whether that shows in a price or only in the sums.

    item             off each unit of a line; the seller's is inside the price of a unit, Meta's is not
    order, shipping  off all lines together, or off the shipping
    buy_x_get_y      off each of the last `quantity` units of a line, which become a line of their own

It refuses discounts above what they are taken off.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from simulator.orders.documents import Document
from simulator.orders.money import split
from simulator.orders.state import Discount, ShippingOption

PROMOTION = "name coupon retailer_id sponsor level amount line quantity"
LEVELS = ("item", "order", "shipping", "buy_x_get_y")
SPONSORS = ("merchant", "facebook")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a drafted order; the price is a unit's, the tax all units'."""

    retailer_id: str
    product_id: str
    name: str
    quantity: int
    price: int
    tax: int
    option: ShippingOption | None


def apply_promotions(
    lines: list[Line], shipping: int, wanted: Iterable[tuple[Document, str]], *, new_id: Callable[[], str]
) -> tuple[list[Line], list[Discount]]:
    """Return the lines with the seller's item-level discounts inside, and all discounts."""
    discounts: list[Discount] = []
    # What cuts a line in two comes first, so that every other promotion meets the lines as they will stay.
    for document, currency in sorted(wanted, key=lambda one: one[0].read("level", "order") != "buy_x_get_y"):
        level, number = (
            document.choice("level", LEVELS, "order"),
            document.count("line", 0, least=0, most=len(lines) - 1),
        )
        discount = Discount(
            new_id(), document.read("name", "Autumn sale"), document.read("coupon", ""),
            document.amount("amount", currency, "1"), document.choice("sponsor", SPONSORS, "merchant"),
            "order_level", "SHIPPING" if level == "shipping" else "LINE_ITEM", document.read("retailer_id", ""),
        )  # fmt: skip
        if level == "buy_x_get_y":
            lines, number = _cut_off(lines, number, document.count("quantity", 1, most=lines[number].quantity - 1))
        if level in {"item", "buy_x_get_y"}:
            lines, discount = _discount_line(lines, number, discount)
            discount = replace(discount, buy_x_get_y=level == "buy_x_get_y")
        discounts.append(discount)
        _require_cover(document, lines, shipping, discounts)
    return lines, discounts


def _cut_off(lines: list[Line], number: int, quantity: int) -> tuple[list[Line], int]:
    """Make a line of its own, the last one, of some units."""
    line = lines[number]
    rest, got = split(line.tax, (line.quantity - quantity, quantity))
    kept = replace(line, quantity=line.quantity - quantity, tax=rest)
    return [*lines[:number], kept, *lines[number + 1 :], replace(line, quantity=quantity, tax=got)], len(lines)


def _discount_line(lines: list[Line], number: int, discount: Discount) -> tuple[list[Line], Discount]:
    line, off = lines[number], discount.amount
    discount = replace(
        discount,
        amount=off * line.quantity,
        granularity="item_level",
        item_id=str(number),
    )
    if not discount.after_tax:
        lines = [*lines[:number], replace(line, price=line.price - off), *lines[number + 1 :]]
    return lines, discount


def _require_cover(document: Document, lines: list[Line], shipping: int, discounts: list[Discount]) -> None:
    """Refuse discounts above what they are taken off."""
    items = sum(line.price * line.quantity for line in lines)
    whole = [one for one in discounts if one.granularity == "order_level"]
    of_items = sum(one.amount for one in whole if one.target == "LINE_ITEM")
    of_shipping = sum(one.amount for one in whole if one.target == "SHIPPING")
    if min(line.price for line in lines) < 0 or of_items > items or of_shipping > shipping:
        raise ValueError(f"{document.at('amount')}: more than what it is taken off")
