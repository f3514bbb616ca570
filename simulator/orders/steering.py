"""The control API's part where the buyer and Meta act on an order: they cancel, take money back and send things back.

The bodies are those of Graph's own calls without a key; `by` says who it is. What Graph would refuse is refused here as well.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator.call import Call, Json
from simulator.errors import GraphError
from simulator.orders import book
from simulator.orders.cancelling import cancel_by
from simulator.orders.charging import collect
from simulator.orders.control import describe, find_order
from simulator.orders.refunding import METAS_REASON, REASONS, refund_by
from simulator.orders.returning import NO_REASON, open_return
from simulator.orders.state import CommerceOrder
from simulator.world import World

Document = dict[str, Any]
ACTORS = ("buyer", "meta")


def cancel(world: World, request: web.Request, document: Document) -> Document:
    """Let the buyer or Meta cancel: items (all that is open unless named), cancel_reason, restock_items, by."""
    return _act(world, request, document, lambda call, order, by: cancel_by(call, order, "", by=by))


def refund(world: World, request: web.Request, document: Document) -> Document:
    """Let Meta give money back, for a claim of the buyer for example: items, shipping, adjustment_amount, reason_code, by."""
    reasons = (*REASONS, METAS_REASON)
    return _act(world, request, document, lambda call, order, by: refund_by(call, order, "", by=by, reasons=reasons))


def send_back(world: World, request: web.Request, document: Document) -> Document:
    """Let the buyer ask for a return: items, reason, return_message, by."""

    def ask(call: Call, order: CommerceOrder, by: str) -> Json:
        return open_return(call, order, by=by, status="REQUESTED", reason=call.text("reason", NO_REASON))

    return _act(world, request, document, ask)


def _act(
    world: World, request: web.Request, document: Document, do: Callable[[Call, CommerceOrder, str], Json]
) -> Document:
    order = find_order(world, request)
    by = document.get("by", ACTORS[0])
    if by not in ACTORS:
        raise ValueError(f"by: expected one of {', '.join(ACTORS)}, got {by!r}")
    collect(order, now=world.clock.now())
    params = {name: value for name, value in document.items() if name != "by"}
    call = Call(world, "POST", order.id, "", "", params, node=order, kind="CommerceOrder")
    try:
        do(call, order, by)
    except GraphError as refusal:
        raise ValueError(refusal.message) from None
    return describe(order)


def acknowledge_there(world: World, request: web.Request, document: Document) -> Document:
    """Let Meta's own seller pages acknowledge an order, with a `merchant_order_reference` or none."""
    order = find_order(world, request)
    if order.state != "CREATED":
        raise ValueError(f"order_id: the order is {order.state}, not CREATED")
    reference = document.get("merchant_order_reference", "")
    if not isinstance(reference, str):
        raise ValueError("merchant_order_reference: expected a string")
    order.acknowledged, order.merchant_order_id = True, reference or order.merchant_order_id
    book.note(world, order, "acknowledge", by="meta", told={"merchant_order_reference": reference})
    book.change(world, order, state="IN_PROGRESS", what="acknowledged")
    return describe(order)


ROUTES = (
    ("POST", "/_simulator/orders/{order_id}/cancel", cancel, "items cancel_reason restock_items by"),
    (
        "POST",
        "/_simulator/orders/{order_id}/refund",
        refund,
        "items shipping adjustment_amount deductions reason_code reason_text return_id by",
    ),
    ("POST", "/_simulator/orders/{order_id}/return", send_back, "items reason return_message merchant_return_id by"),
    ("POST", "/_simulator/orders/{order_id}/acknowledge", acknowledge_there, "merchant_order_reference"),
)
