"""Acknowledgements: the seller's system has the order. One order, or up to a hundred with a verdict for each."""

import re

from simulator.call import Call, Json
from simulator.errors import GraphError, invalid_parameter
from simulator.orders.access import account
from simulator.orders.book import change, note, settle
from simulator.orders.keys import once
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder
from simulator.world import World

# graph-api.md 6.2 (documentation, Feb 2026)
MAX_ORDERS = 100
# Unverified: which references Meta takes.
REFERENCE = re.compile(r"\S(.{0,98}\S)?")


@once
def acknowledge(call: Call, key: str) -> Json:
    """Acknowledge one order."""
    settle(call.world, account(call))
    _acknowledge(call.world, call.node, call.text("merchant_order_reference", ""), key=key)
    return {"id": call.node.id, "state": call.node.state}


@once
def acknowledge_many(call: Call, key: str) -> Json:
    """Acknowledge up to a hundred orders of an account; one that fails keeps no other back."""
    wanted = call.structure("orders", list)
    if not 0 < len(wanted) <= MAX_ORDERS or not all(isinstance(one, dict) for one in wanted):
        raise invalid_parameter(f"Param orders must be an array of 1 to {MAX_ORDERS} objects")
    settle(call.world, account(call))
    return {"orders": [_verdict(call, one, key) for one in wanted]}


def _verdict(call: Call, wanted: dict[str, Json], key: str) -> Json:
    order_id = str(wanted.get("id", ""))
    order = account(call).orders.orders.get(order_id)
    try:
        if order is None:
            raise OrderRefusal(call.world, 2361003)
        _acknowledge(call.world, order, str(wanted.get("merchant_order_reference") or ""), key=key)
    except GraphError as refusal:
        code = refusal.order_code if isinstance(refusal, OrderRefusal) else refusal.code
        return {"id": order_id, "error": {"error_code": code, "error_message": refusal.title or refusal.message}}
    return {"id": order.id, "state": order.state}


def _acknowledge(world: World, order: CommerceOrder, reference: str, *, key: str) -> None:
    """Take an order; a second acknowledgement with nothing new changes nothing."""
    if order.shipments or order.cancellations or order.refunds:
        raise OrderRefusal(world, 2361009)
    if order.state == "FB_PROCESSING":
        # Unverified: Meta's own checks are the pending action.
        raise OrderRefusal(world, 2361081)
    new = refer(order, reference)
    if order.acknowledged and not new:
        return
    order.acknowledged = True
    note(world, order, "acknowledge", key=key, merchant_order_reference=reference)
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
