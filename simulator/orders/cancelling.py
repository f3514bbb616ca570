"""Cancellations: units that were not shipped never will be. By the seller through Graph, by the buyer or Meta through the control API."""

from collections.abc import Sequence

from simulator.call import SUCCESS, Call, Json
from simulator.errors import invalid_parameter
from simulator.orders.book import change, complete, note
from simulator.orders.charging import allocate
from simulator.orders.refusals import OrderRefusal
from simulator.orders.shipping import require_open
from simulator.orders.state import CommerceOrder, OrderCancellation, Units
from simulator.orders.units import read_units
from simulator.orders.writing import order_write, require_processed
from simulator.world import World

# graph-api.md 6.2 (documentation, Feb 2026)
REASONS = ("CUSTOMER_REQUESTED", "OUT_OF_STOCK", "INVALID_ADDRESS", "SUSPICIOUS_ORDER", "CANCEL_REASON_OTHER")


@order_write
def cancel_units(call: Call, order: CommerceOrder, key: str) -> Json:
    """Cancel the named units, or all that are open."""
    require_processed(call.world, order, cancels=True)
    return cancel_by(call, order, key, by="app")


def cancel_by(call: Call, order: CommerceOrder, key: str, *, by: str) -> Json:
    """Cancel units on somebody's behalf."""
    if not any(item.open for item in order.items):
        raise OrderRefusal(call.world, 1818050 if order.shipments else 1818048)
    units = _units(call, order)
    code, description = read_reason(call.structure("cancel_reason", dict, {}))
    restock = call.flag("restock_items")
    cancellation = cancel(call.world, order, units, code=code, description=description, restock=restock)
    cancelled = {one.item.id: one.quantity for one in units}
    told = {"cancellation_id": cancellation.id, "reason_code": code, "restock_items": restock}
    note(call.world, order, "cancel", by=by, key=key, told={"units": cancelled, **told})
    change(call.world, order, state=complete(order), what="cancelled")
    return SUCCESS


def _units(call: Call, order: CommerceOrder) -> list[Units]:
    items = call.structure("items", list, [])
    if not items:
        return [Units(item, item.open) for item in order.items if item.open]
    units = read_units(order, items)
    for one in units:
        require_open(call.world, one, closed=1818015 if one.item.fulfilled else 1818049)
    return units


def read_reason(document: dict[str, Json]) -> tuple[str, str]:
    """Read code and description of a reason."""
    code, description = str(document.get("reason_code", "")), str(document.get("reason_description", ""))
    if document and code not in REASONS:
        raise invalid_parameter(f"Param cancel_reason.reason_code must be one of {{{', '.join(REASONS)}}}")
    return code, description


def cancel(
    world: World, order: CommerceOrder, units: Sequence[Units], *, code: str, description: str, restock: bool
) -> OrderCancellation:
    """Take units out of an order."""
    cancellation = OrderCancellation(
        world.new_id(), world.clock.now(), [*units], allocate(order, units), code, description, restock
    )
    order.cancellations.append(cancellation)
    for one in units:
        one.item.cancelled += one.quantity
    return cancellation
