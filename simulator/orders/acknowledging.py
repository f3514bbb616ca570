"""Acknowledgements: the seller's system has the order. One order, or up to a hundred with a verdict for each."""

import re
from collections.abc import Mapping

from simulator.call import Call, Json
from simulator.errors import GraphError, invalid_parameter
from simulator.orders.book import change, note
from simulator.orders.keys import once
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder
from simulator.orders.writing import order_write, require_account, require_free, require_processed
from simulator.world import World

# graph-api.md 6.2 (documentation, Feb 2026)
MAX_ORDERS = 100
# Unverified: which references Meta takes.
REFERENCE = re.compile(r"\S(.{0,98}\S)?")


@order_write
def acknowledge(call: Call, order: CommerceOrder, key: str) -> Json:
    """Acknowledge one order."""
    _acknowledge(call.world, order, call.text("merchant_order_reference", ""), key=key)
    return {"id": order.id, "state": order.state}


@once
def acknowledge_many(call: Call, key: str) -> Json:
    """Acknowledge up to a hundred orders of an account; one that fails keeps no other back."""
    wanted = call.structure("orders", list)
    if not 0 < len(wanted) <= MAX_ORDERS or not all(isinstance(one, dict) for one in wanted):
        raise invalid_parameter(f"Param orders must be an array of 1 to {MAX_ORDERS} objects")
    orders = require_account(call).orders.orders
    return {"orders": [_verdict(call.world, orders, one, key) for one in wanted]}


def _verdict(world: World, orders: Mapping[str, CommerceOrder], wanted: dict[str, Json], key: str) -> Json:
    order_id = str(wanted.get("id", ""))
    order = orders.get(order_id)
    try:
        if order is None:
            raise OrderRefusal(world, 2361003)
        require_free(world, order)
        _acknowledge(world, order, str(wanted.get("merchant_order_reference") or ""), key=key)
    except GraphError as refusal:
        code = refusal.order_code if isinstance(refusal, OrderRefusal) else refusal.code
        return {"id": order_id, "error": {"error_code": code, "error_message": refusal.title or refusal.message}}
    return {"id": order.id, "state": order.state}


def _acknowledge(world: World, order: CommerceOrder, reference: str, *, key: str) -> None:
    """Take an order; a second acknowledgement with nothing new changes nothing."""
    if order.shipments or order.cancellations or order.refunds:
        raise OrderRefusal(world, 2361009)
    require_processed(world, order)
    new = refer(order, reference)
    if order.acknowledged and not new:
        return
    order.acknowledged = True
    note(world, order, "acknowledge", key=key, told={"merchant_order_reference": reference})
    change(world, order, state="IN_PROGRESS", what="acknowledged")


def refer(order: CommerceOrder, reference: str) -> bool:
    """Write the seller's own number of an order, which never changes again; return whether it is new."""
    if not reference or reference == order.merchant_order_id:
        return False
    if order.merchant_order_id or not REFERENCE.fullmatch(reference):
        # Unverified: the code.
        raise invalid_parameter("Param merchant_order_reference cannot be set to this; it is written once")
    order.merchant_order_id = reference
    return True
