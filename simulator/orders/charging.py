"""What a parcel costs the buyer: units at their price, less their part of the seller's order-level discounts, tax, shipping.

Every part is cumulative: however an order is split into parcels and cancellations, the parts add up to its sums.
"""

from collections.abc import Mapping, Sequence

from simulator.orders.money import between, split
from simulator.orders.state import (
    Allocation,
    CommerceOrder,
    Discount,
    LineAmount,
    OrderPayment,
    OrderShipment,
    ShippingOption,
    Units,
)
from simulator.world import World


def item_shares(order: CommerceOrder, discount: Discount) -> Mapping[str, int]:
    """Return how much of a discount falls on each line."""
    if discount.target == "SHIPPING":
        return {}
    if discount.item_id:
        return {discount.item_id: discount.amount}
    weights = [item.unit_price * item.quantity for item in order.items]
    return dict(zip((item.id for item in order.items), split(discount.amount, weights), strict=True))


def shipping_options(order: CommerceOrder) -> Mapping[str, ShippingOption]:
    """Return what is paid for shipping: by line, or under the empty name for the whole order."""
    return {item.id: item.option for item in order.items if item.option} or {"": order.option}


def sellers_discount(order: CommerceOrder, target: str) -> int:
    """Return what the seller's own order-level promotions take off the items or the shipping."""
    whole = (one for one in order.discounts if one.granularity == "order_level" and not one.after_tax)
    return sum(one.amount for one in whole if one.target == target)


def allocate(order: CommerceOrder, units: Sequence[Units]) -> list[Allocation]:
    """Return the parts of order-level promotions that fall on units about to be shipped or cancelled."""
    parts = []
    for discount in order.discounts:
        shares = item_shares(order, discount) if discount.granularity == "order_level" else {}
        for one in units:
            settled = one.item.fulfilled + one.item.cancelled
            total = shares.get(one.item.id, 0)
            part = between(total, settled, settled + one.quantity, whole=one.item.quantity)
            parts.append(Allocation(discount, one.item, part))
    return [part for part in parts if part.amount]


def charge(world: World, order: CommerceOrder, shipment: OrderShipment) -> OrderPayment:
    """Make the payment of a parcel that is about to leave."""
    allocations = allocate(order, shipment.units)
    shipping, shipping_tax = _charge_shipping(order, shipment.units)
    captured = world.clock.now() + world.switches.capture_seconds
    fails = world.switches.failing_captures > 0
    world.switches.failing_captures -= fails
    return OrderPayment(
        world.new_id(), shipment, [_line(one, allocations) for one in shipment.units], allocations, shipping,
        shipping_tax, captured, captured + world.switches.payout_seconds, fails,
    )  # fmt: skip


def _line(units: Units, allocations: Sequence[Allocation]) -> LineAmount:
    item, quantity = units.item, units.quantity
    off = sum(one.amount for one in allocations if one.item is item and not one.discount.after_tax)
    tax = between(item.tax, item.fulfilled, item.fulfilled + quantity, whole=item.quantity)
    return LineAmount(item, quantity, item.unit_price * quantity - off, tax)


def _charge_shipping(order: CommerceOrder, units: Sequence[Units]) -> tuple[int, int]:
    """Return price and tax of the shipping that these units are the first to use."""
    # Unverified: that the first parcel pays for all of the shipping.
    options = shipping_options(order)
    discounts = split(sellers_discount(order, "SHIPPING"), [one.price for one in options.values()])
    shipped = {"", *(one.item.id for one in units)}
    due = [
        (name, option, off)
        for (name, option), off in zip(options.items(), discounts, strict=True)
        if name in shipped and name not in order.charged_options
    ]
    order.charged_options.extend(name for name, _, _ in due)
    return sum(option.price - off for _, option, off in due), sum(option.tax for _, option, _ in due)


def collect(order: CommerceOrder, *, now: float) -> None:
    """Count the payments whose time of capture has come."""
    for payment in order.payments:
        if payment.collected or payment.fails or payment.capture_time > now:
            continue
        payment.collected = True
        order.shipping_charged += payment.shipping
        order.shipping_tax_charged += payment.shipping_tax
        for line in payment.lines:
            line.item.charged_amount += line.amount
            line.item.charged_tax += line.tax


def left_to_refund(order: CommerceOrder) -> int:
    """Return all that was charged and not refunded."""
    charged = sum(payment.total for payment in order.payments if payment.collected)
    return charged - sum(refund.total + refund.deductions for refund in order.refunds)
