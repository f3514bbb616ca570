"""What was done to an order, as its edges tell it: payments, shipments, cancellations, refunds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.call import Call, Json, NodeType, Rows, attribute
from simulator.orders.charging import collect
from simulator.orders.money import write_amount, write_money
from simulator.orders.payouts import describe, transactions_of
from simulator.orders.reading import name_line
from simulator.orders.state import (
    Allocation,
    CommerceOrder,
    LineAmount,
    OrderCancellation,
    OrderPayment,
    OrderRefund,
    OrderShipment,
    Units,
)


def lister(name: str) -> Callable[[Call], Rows]:
    """Return the edge that lists one of an order's histories."""

    def list_rows(call: Call) -> Rows:
        order: CommerceOrder = call.node
        collect(order, now=call.world.clock.now())
        return Rows(getattr(order, name), lambda one: (int(one.id),))

    return list_rows


def _units(units: Sequence[Units], more: Mapping[str, Any] | None = None) -> Json:
    """Describe units, with whatever more there is to say of each line."""
    return {
        "data": [
            {**name_line(one.item), "quantity": one.quantity, **(more or {}).get(one.item.id, {})} for one in units
        ]
    }


def _allocated(order: CommerceOrder, allocations: Sequence[Allocation]) -> dict[str, Any]:
    """Return the allocations of each line."""
    found: dict[str, Any] = {}
    for one in allocations:
        document = {
            "promotion_id": one.discount.promotion_id,
            "allocation_amount": write_money(one.amount, order.currency),
        }
        found.setdefault(one.item.id, {"promotion_allocations": []})["promotion_allocations"].append(document)
    return found


# --- payments --------------------------------------------------------------------------------------------------------


def _payment_subtotal(call: Call, payment: OrderPayment) -> Json:
    order: CommerceOrder = call.node
    items = payment.items
    if not call.world.switches.order_discounts_in_subtotal:
        items += sum(one.amount for one in payment.allocations if not one.discount.after_tax)
    return {"items": write_money(items, order.currency), "shipping": write_money(payment.shipping, order.currency)}


def _payment_items(call: Call, payment: OrderPayment) -> Json:
    return _units(payment.shipment.units, _allocated(call.node, payment.allocations))


def _paid_shipments(_call: Call, payment: OrderPayment) -> Json:
    # https://developers.facebook.com/docs/commerce-platform/reporting/payments (Dec 2025; read 2026-11-22)
    named = {"id": payment.shipment.id, "external_shipment_id": payment.shipment.external_shipment_id}
    return {"data": [{name: value for name, value in named.items() if value}]}


def _transaction_details(call: Call, payment: OrderPayment) -> Json:
    """Return what only a captured payment has."""
    found = [one for one in transactions_of(call, call.node) if one.id == payment.id]
    return {"data": [describe(one) for one in found]} if found else None


# --- shipments -------------------------------------------------------------------------------------------------------


def _shipment_items(call: Call, shipment: OrderShipment) -> Json:
    order: CommerceOrder = call.node
    payment = next(one for one in order.payments if one.shipment is shipment)
    taxes = {line.item.id: {"tax": {"final_tax": write_money(line.tax, order.currency)}} for line in payment.lines}
    return _units(shipment.units, taxes)


def _tracking(_call: Call, shipment: OrderShipment) -> Json:
    tracking = {
        "tracking_number": shipment.tracking_number,
        "carrier": shipment.carrier,
        "shipping_method_name": shipment.shipping_method_name,
    }
    return {name: value for name, value in tracking.items() if value} or None


# --- cancellations, refunds ------------------------------------------------------------------------------------------


def _cancelled_items(call: Call, cancellation: OrderCancellation) -> Json:
    return _units(cancellation.units, _allocated(call.node, cancellation.allocations))


def _cancel_reason(_call: Call, cancellation: OrderCancellation) -> Json:
    reason = {"reason_code": cancellation.reason_code, "reason_description": cancellation.reason_description}
    return {name: value for name, value in reason.items() if value} or None


def _refunded_items(call: Call, refund: OrderRefund) -> Json:
    return {"data": [_refunded(call.node, line) for line in refund.lines]}


def _refunded(order: CommerceOrder, line: LineAmount) -> Json:
    quantity = {"quantity": line.quantity} if line.quantity else {}
    return {**name_line(line.item), "refund_subtotal": write_money(line.amount, order.currency), **quantity}


def _refund_amount(call: Call, refund: OrderRefund) -> Json:
    order: CommerceOrder = call.node
    # graph-api.md 6.2 (documentation, Feb 2026): the tax is told as a negative amount.
    sums = {"subtotal": refund.subtotal, "shipping": refund.shipping, "tax": -refund.tax, "total": refund.total}
    money = {name: write_money(value, order.currency) for name, value in sums.items()}
    return {**money, "amount": write_amount(refund.total, order.currency), "currency": order.currency}


def _refund_reason(_call: Call, refund: OrderRefund) -> Json:
    text = {"reason_text": refund.reason_text} if refund.reason_text else {}
    return {"reason_code": refund.reason_code, **text}


def _money(read: Callable[[OrderPayment], int]) -> Callable[[Call, OrderPayment], Json]:
    return lambda call, payment: write_money(read(payment), call.node.currency)


NODES = {
    "OrderPayment": NodeType(
        {
            "id": attribute("id"),
            "subtotal": _payment_subtotal,
            "tax": _money(lambda payment: payment.tax),
            "tax_remitted": lambda call, _payment: call.node.tax_remitted,
            "total_amount": _money(lambda payment: payment.total),
            "shipments": _paid_shipments,
            "transaction_details": _transaction_details,
            "items": _payment_items,
        },
        default=("id", "subtotal", "tax", "tax_remitted", "total_amount", "transaction_details"),
    ),
    "OrderShipment": NodeType(
        {
            "id": attribute("id"),
            "external_shipment_id": attribute("external_shipment_id"),
            "items": _shipment_items,
            "tracking_info": _tracking,
        },
        default=("id", "external_shipment_id", "items", "tracking_info"),
    ),
    "OrderCancellation": NodeType(
        {"id": attribute("id"), "items": _cancelled_items, "cancel_reason": _cancel_reason},
        default=("id", "items", "cancel_reason"),
    ),
    "OrderRefund": NodeType(
        {
            "id": attribute("id"),
            "items": _refunded_items,
            "refund_reason": _refund_reason,
            "refund_amount": _refund_amount,
        },
        default=("id", "items", "refund_reason", "refund_amount"),
    ),
}
