"""Returns: a buyer asks to send something back; the seller agrees or not, and may open one for the buyer.

Meta's tables name `items`, `merchant_return_id`, `return_message` and `update`, without a key; what `update` holds nobody could verify.
Whoever says the same again changes nothing.
"""

from collections.abc import Mapping, Sequence

from simulator.call import SUCCESS, Call, Json, NodeType, Rows, attribute
from simulator.errors import invalid_parameter
from simulator.orders.access import READ_ORDERS, account, guard
from simulator.orders.book import change, note
from simulator.orders.listing import read_seconds
from simulator.orders.reading import name_line, order_of
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder, OrderReturn, Units
from simulator.orders.units import read_units
from simulator.orders.writing import ready, require_processed, touched

# graph-api.md 6.2 (SDK 25.0.0)
STATUSES = ("REQUESTED", "APPROVED", "DISAPPROVED", "REFUNDED", "MERCHANT_MARKED_COMPLETED")
# Unverified: what a seller may say; REFUNDED comes with a refund that names the return.
SELLERS_STATUSES = ("APPROVED", "DISAPPROVED", "MERCHANT_MARKED_COMPLETED")
# Unverified: the word of who gives no reason; sellers have no parameter for one.
NO_REASON = "OTHER"


def write_return(call: Call) -> Json:
    """Open a return, or with `update` decide one."""
    order = ready(call)
    require_processed(call.world, order)
    if update := call.structure("update", dict, {}):
        answer = _update(call, order, update)
    else:
        answer = open_return(call, order, by="app", status="APPROVED")
    touched(call.world, order)
    return answer


def open_return(call: Call, order: CommerceOrder, *, by: str, status: str, reason: str = NO_REASON) -> Json:
    """Open a return on somebody's behalf, of units that were shipped and are not on their way back yet."""
    merchant_return_id = call.text("merchant_return_id", "")
    if merchant_return_id and any(one.merchant_return_id == merchant_return_id for one in order.returns):
        # Unverified: that the seller's own id stands in for a key.
        return SUCCESS
    units = read_units(order, call.structure("items", list))
    if not units or any(one.quantity > one.item.fulfilled - _on_their_way(order, one) for one in units):
        # Unverified: the code.
        raise (
            OrderRefusal(call.world, 1818107)
            if not order.shipments
            else invalid_parameter("Param items: only units that were shipped can be returned, once")
        )
    found = OrderReturn(
        call.world.new_id(), order.page_id, order.id, call.world.clock.now(), units, status,
        reason, merchant_return_id, call.text("return_message", ""),
    )  # fmt: skip
    order.returns.append(call.world.add(found))
    told = {"return_id": found.id, "units": {one.item.id: one.quantity for one in units}, "status": status}
    note(call.world, order, "return", by=by, told=told)
    change(call.world, order, what="returned")
    return SUCCESS


def _on_their_way(order: CommerceOrder, units: Units) -> int:
    alive = (one for one in order.returns if one.status != "DISAPPROVED")
    return sum(unit.quantity for one in alive for unit in one.units if unit.item is units.item)


def _update(call: Call, order: CommerceOrder, update: Mapping[str, Json]) -> Json:
    wanted = str(update.get("return_id", "")) or call.text("merchant_return_id", "")
    found = next((one for one in order.returns if wanted and wanted in {one.id, one.merchant_return_id}), None)
    if found is None:
        raise invalid_parameter("Param update.return_id: the order has no such return")
    status = str(update.get("status", ""))
    if status == found.status and not call.world.switches.refuse_repeated_returns:
        return SUCCESS
    if status not in SELLERS_STATUSES or found.status in {"DISAPPROVED", "REFUNDED", "MERCHANT_MARKED_COMPLETED"}:
        raise invalid_parameter(f"Param update.status: a return that is {found.status} cannot become {status!r}")
    found.status = status
    found.merchant_return_id = call.text("merchant_return_id", found.merchant_return_id)
    note(call.world, order, "return", told={"return_id": found.id, "status": status})
    change(call.world, order, what="returned")
    return SUCCESS


def list_returns(call: Call) -> Rows:
    """List the returns of an order."""
    return _rows(call, order_of(call).returns)


def list_account_returns(call: Call) -> Rows:
    """List the returns of an account by time, status and the seller's own id."""
    first, last = read_seconds(call, "start_time_created", 0), read_seconds(call, "end_time_created", 2**40)
    found = (one for order in account(call).orders.orders.values() for one in order.returns)
    return _rows(call, [one for one in found if first <= one.time <= last])


def _rows(call: Call, returns: Sequence[OrderReturn]) -> Rows:
    """Keep the returns of the wanted statuses, or the one with the seller's own id."""
    statuses, wanted = call.names("statuses", []), call.text("merchant_return_id", "")
    if unknown := set(statuses) - set(STATUSES):
        raise invalid_parameter(f"Param statuses must be some of {{{', '.join(STATUSES)}}} - got {min(unknown)!r}")
    found = [
        one for one in returns if (not statuses or one.status in statuses) and wanted in {"", one.merchant_return_id}
    ]
    return Rows(sorted(found, key=lambda one: int(one.id)), lambda one: (int(one.id),))


def _quantities(_call: Call, one: OrderReturn) -> Json:
    return [{"key": unit.item.id, "value": unit.quantity} for unit in one.units]


def _reasons(_call: Call, one: OrderReturn) -> Json:
    # The page's sample is in small letters, its table of values in capitals.
    return [{"key": unit.item.id, "value": one.reason.lower()} for unit in one.units]


def _items(_call: Call, one: OrderReturn) -> Json:
    # The order's lines as they were bought; how much of each comes back is among the quantities.
    return {"data": [name_line(unit.item) | {"quantity": unit.item.quantity} for unit in one.units]}


# https://developers.facebook.com/docs/commerce-platform/order-management/returns-api (read 2026-11-22)
NODES = {
    "OrderReturn": NodeType(
        {
            "id": attribute("id"),
            "return_status": attribute("status"),
            "return_message": attribute("message"),
            "merchant_return_id": attribute("merchant_return_id"),
            "item_return_quantities": _quantities,
            "item_return_reasons": _reasons,
            "items": _items,
            "order": lambda call, one: call.world.find(CommerceOrder, one.order_id),
        },
        default=("id", "return_status"),
        scopes=READ_ORDERS,
        guard=guard,
    ),
}
