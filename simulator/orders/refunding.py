"""Refunds: money that was charged goes back, by units or by amount, with its tax; never more than was charged.

`ask(…)` reads and judges a request, `refund(…)` carries it out. `ALTERNATIVE` are the codes with which `item_updates` refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.call import SUCCESS, Call, Json
from simulator.errors import GraphError, invalid_parameter
from simulator.orders.book import change, note
from simulator.orders.charging import left_to_refund
from simulator.orders.money import between, read_money
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder, LineAmount, OrderItem, OrderRefund, OrderReturn
from simulator.orders.units import read_lines, read_quantity
from simulator.orders.writing import order_write, require_processed
from simulator.world import World

# graph-api.md 6.2 (documentation, Feb 2026; SDK 25.0.0 for the last four)
REASONS = (
    "BUYERS_REMORSE", "DAMAGED_GOODS", "NOT_AS_DESCRIBED", "QUALITY_ISSUE", "WRONG_ITEM", "REFUND_REASON_OTHER",
    "REFUND_COMPROMISED", "REFUND_FOR_RETURN", "REFUND_SFI_FAKE", "REFUND_SFI_REAL",
)  # fmt: skip
METAS_REASON = "FACEBOOK_INITIATED"
# Where Meta documents two codes with one meaning; that the second is the one of `item_updates` is Unverified.
Codes = Mapping[int, int]
SAME: Codes = {}
ALTERNATIVE: Codes = {2382021: 2382324, 2382022: 2382326, 2382030: 2382325, 2382319: 2382323}


@dataclass(frozen=True, slots=True)
class Wish:
    """A refund that may be carried out."""

    lines: list[LineAmount]
    shipping: int
    shipping_tax: int
    adjustment: int = 0
    deductions: int = 0


@order_write
def refund_units(call: Call, order: CommerceOrder, key: str) -> Json:
    """Refund what is named; nothing named is all that is left."""
    require_processed(call.world, order)
    return refund_by(call, order, key, by="app", reasons=REASONS)


def refund_by(call: Call, order: CommerceOrder, key: str, *, by: str, reasons: tuple[str, ...]) -> Json:
    """Refund on somebody's behalf."""
    reason = call.choice("reason_code", reasons, "" if by == "app" else METAS_REASON)
    returned = _returned(call, order)
    require_charged(call.world, order)
    wish = ask(call, order)
    done = refund(call.world, order, wish, reason=reason, text=call.text("reason_text", ""))
    if returned:
        returned.status = "REFUNDED"
    told = {"refund_id": done.id, "total": done.total, "reason_code": reason}
    note(call.world, order, "refund", by=by, key=key, told=told)
    change(call.world, order, what="refunded")
    return SUCCESS


def _returned(call: Call, order: CommerceOrder) -> OrderReturn | None:
    wanted = call.text("return_id", "")
    found = next((one for one in order.returns if one.id == wanted), None)
    if wanted and found is None:
        raise invalid_parameter("Param return_id: the order has no such return")
    return found


def require_charged(world: World, order: CommerceOrder) -> None:
    """Refuse an order of which nothing can go back."""
    if not order.shipments:
        raise OrderRefusal(world, 1818107 if any(item.open for item in order.items) else 1818105)
    if not any(payment.collected for payment in order.payments):
        raise OrderRefusal(world, 1818107 if all(payment.fails for payment in order.payments) else 2361076)
    if not left_to_refund(order):
        raise OrderRefusal(world, 1818215)


def ask(call: Call, order: CommerceOrder) -> Wish:
    """Read a refund and judge it."""
    items = call.structure("items", list, [])
    shipping = call.structure("shipping", dict, {}).get("shipping_refund")
    adjustment = _money(order, call.structure("adjustment_amount", dict, {}), "adjustment_amount")
    if not items and shipping is None and not adjustment:
        wish = everything(order)
    else:
        lines = _lines(call.world, order, items)
        wish = Wish(
            lines, *ask_shipping(call.world, order, _money(order, shipping, "shipping.shipping_refund")), adjustment
        )
    return judge(call.world, order, wish, _deductions(order, call.structure("deductions", list, [])))


def everything(order: CommerceOrder) -> Wish:
    """Ask for all that is left."""
    # Unverified: that a refund without items and shipping is one of everything.
    left = [
        (item, item.charged_amount - item.refunded_amount, item.charged_tax - item.refunded_tax) for item in order.items
    ]
    lines = [
        LineAmount(item, item.fulfilled - item.refunded, amount, tax) for item, amount, tax in left if amount or tax
    ]
    return Wish(
        lines,
        order.shipping_charged - order.shipping_refunded,
        order.shipping_tax_charged - order.shipping_tax_refunded,
    )


def judge(world: World, order: CommerceOrder, wish: Wish, deductions: int = 0, *, codes: Codes = SAME) -> Wish:
    """Refuse a refund whose sum is wrong; return it with its deductions."""
    lines = sum(line.amount + line.tax for line in wish.lines)
    total = lines + wish.shipping + wish.shipping_tax + wish.adjustment
    if total - deductions <= 0:
        raise OrderRefusal(world, codes.get(2382030, 2382030))
    if total > left_to_refund(order):
        # Unverified: which code; the rest of what was charged is tax, and it does not suffice.
        raise OrderRefusal(world, 2361091)
    return Wish(wish.lines, wish.shipping, wish.shipping_tax, wish.adjustment, deductions)


def _lines(world: World, order: CommerceOrder, items: list[Json]) -> list[LineAmount]:
    def unknown() -> GraphError:
        return OrderRefusal(world, 2382021)

    return [_line(world, order, item, one) for item, one in read_lines(order, items, unknown=unknown)]


def _line(world: World, order: CommerceOrder, item: OrderItem, document: Mapping[str, Json]) -> LineAmount:
    by_amount, by_quantity = document.get("item_refund_amount") is not None, "item_refund_quantity" in document
    if by_amount == by_quantity:
        raise invalid_parameter("Param items: give item_refund_quantity or item_refund_amount, one of them")
    if by_amount:
        return ask_amount(world, item, _money(order, document["item_refund_amount"], "items.item_refund_amount"))
    # graph-api.md 6.2 (documentation, Feb 2026). Unverified: the code.
    if any(one.granularity == "order_level" and one.target == "LINE_ITEM" for one in order.discounts):
        raise invalid_parameter("Param items: orders with order-level offers are refunded by item_refund_amount")
    return ask_quantity(world, item, read_quantity(document, "item_refund_quantity"))


def ask_quantity(world: World, item: OrderItem, quantity: int, *, codes: Codes = SAME) -> LineAmount:
    """Ask for some units of a line."""
    if item.fulfilled and item.refunded == item.fulfilled:
        raise OrderRefusal(world, codes.get(2382319, 2382319))
    if quantity > item.fulfilled - item.refunded:
        raise OrderRefusal(world, 2382023 if item.fulfilled else 1818107)
    asked = ask_amount(world, item, item.unit_price * quantity, codes=codes)
    return LineAmount(item, quantity, asked.amount, asked.tax)


def ask_amount(world: World, item: OrderItem, amount: int, *, codes: Codes = SAME) -> LineAmount:
    """Ask for some of what was charged for a line, with its tax."""
    if item.charged_amount and item.refunded_amount == item.charged_amount:
        raise OrderRefusal(world, codes.get(2382319, 2382319))
    reached = item.refunded_amount + amount
    if reached > item.charged_amount:
        raise OrderRefusal(world, 2382023 if item.charged_amount else 1818107)
    return LineAmount(
        item, 0, amount, between(item.charged_tax, item.refunded_amount, reached, whole=item.charged_amount)
    )


def ask_shipping(world: World, order: CommerceOrder, amount: int, *, codes: Codes = SAME) -> tuple[int, int]:
    """Ask for some of the shipping; return its price and its tax."""
    price, tax, refunded = order.shipping_charged, order.shipping_tax_charged, order.shipping_refunded
    # facebook/meta-for-magento2 0d29efe: in pounds the amount has the tax inside.
    if order.currency == "GBP":
        price, refunded = price + tax, refunded + order.shipping_tax_refunded
    if refunded + amount > price:
        raise OrderRefusal(world, codes.get(2382022, 2382022))
    part = between(tax, refunded, refunded + amount, whole=price)
    return (amount - part if order.currency == "GBP" else amount), part


def _deductions(order: CommerceOrder, deductions: list[Json]) -> int:
    if not all(isinstance(one, dict) and one.get("deduction_type") == "RETURN_SHIPPING" for one in deductions):
        raise invalid_parameter("Param deductions: the only deduction_type is RETURN_SHIPPING")
    return sum(_money(order, one.get("deduction_amount"), "deductions.deduction_amount") for one in deductions)


def _money(order: CommerceOrder, value: Json, name: str) -> int:
    try:
        return read_money(value, order.currency, place=name) if value else 0
    except ValueError as problem:
        raise invalid_parameter(f"Param {problem}") from None


def refund(world: World, order: CommerceOrder, wish: Wish, *, reason: str, text: str) -> OrderRefund:
    """Give the money back."""
    now = world.clock.now()
    done = OrderRefund(
        world.new_id(), now, now + world.switches.payout_seconds, wish.lines, reason, text, wish.shipping,
        wish.shipping_tax, wish.adjustment, wish.deductions,
    )  # fmt: skip
    order.refunds.append(done)
    order.shipping_refunded += wish.shipping
    order.shipping_tax_refunded += wish.shipping_tax
    for line in wish.lines:
        line.item.refunded += line.quantity
        line.item.refunded_amount += line.amount
        line.item.refunded_tax += line.tax
    return done
