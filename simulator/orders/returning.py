"""Returns: a buyer asks to send something back; the seller agrees or not, and may open one for the buyer.

Nobody could verify the bodies: Meta's SDK names `items`, `merchant_return_id`, `return_message` and `update`, nothing else is known.
"""

from collections.abc import Mapping

from simulator.call import SUCCESS, Call, Json, Rows
from simulator.errors import invalid_parameter
from simulator.orders.access import account
from simulator.orders.book import change, note
from simulator.orders.listing import read_seconds
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder, OrderReturn, Units
from simulator.orders.units import read_units
from simulator.orders.writing import order_write, require_processed

# graph-api.md 6.2 (SDK 25.0.0)
STATUSES = ("REQUESTED", "APPROVED", "DISAPPROVED", "REFUNDED", "MERCHANT_MARKED_COMPLETED")
# Unverified: what a seller may say; REFUNDED comes with a refund that names the return.
SELLERS_STATUSES = ("APPROVED", "DISAPPROVED", "MERCHANT_MARKED_COMPLETED")


@order_write
def write_return(call: Call, order: CommerceOrder, key: str) -> Json:
    """Open a return, or with `update` decide one."""
    require_processed(call.world, order)
    if update := call.structure("update", dict, {}):
        return _update(call, order, key, update)
    return open_return(call, order, key, by="app", status="APPROVED")


def open_return(call: Call, order: CommerceOrder, key: str, *, by: str, status: str) -> Json:
    """Open a return on somebody's behalf, of units that were shipped and are not on their way back yet."""
    units = read_units(order, call.structure("items", list))
    if not units or any(one.quantity > one.item.fulfilled - _on_their_way(order, one) for one in units):
        # Unverified: the code.
        raise (
            OrderRefusal(call.world, 1818107)
            if not order.shipments
            else invalid_parameter("Param items: only units that were shipped can be returned, once")
        )
    found = OrderReturn(
        call.world.new_id(), order.id, call.world.clock.now(), units, status, call.text("reason", ""),
        call.text("merchant_return_id", ""), call.text("return_message", ""),
    )  # fmt: skip
    order.returns.append(found)
    told = {"return_id": found.id, "units": {one.item.id: one.quantity for one in units}, "status": status}
    note(call.world, order, "return", by=by, key=key, told=told)
    change(call.world, order, what="returned")
    return SUCCESS


def _on_their_way(order: CommerceOrder, units: Units) -> int:
    alive = (one for one in order.returns if one.status != "DISAPPROVED")
    return sum(unit.quantity for one in alive for unit in one.units if unit.item is units.item)


def _update(call: Call, order: CommerceOrder, key: str, update: Mapping[str, Json]) -> Json:
    wanted = str(update.get("return_id", "")) or call.text("merchant_return_id", "")
    found = next((one for one in order.returns if wanted and wanted in {one.id, one.merchant_return_id}), None)
    if found is None:
        raise invalid_parameter("Param update.return_id: the order has no such return")
    status = str(update.get("status", ""))
    if status not in SELLERS_STATUSES or found.status in {"DISAPPROVED", "REFUNDED", "MERCHANT_MARKED_COMPLETED"}:
        raise invalid_parameter(f"Param update.status: a return that is {found.status} cannot become {status!r}")
    found.status, found.message = status, call.text("return_message", found.message)
    found.merchant_return_id = call.text("merchant_return_id", found.merchant_return_id)
    note(call.world, order, "return", key=key, told={"return_id": found.id, "status": status})
    change(call.world, order, what="returned")
    return SUCCESS


def list_account_returns(call: Call) -> Rows:
    """List the returns of an account by time, status and the seller's own id."""
    first, last = read_seconds(call, "start_time_created", 0), read_seconds(call, "end_time_created", 2**40)
    statuses, wanted = call.names("statuses", []), call.text("merchant_return_id", "")
    if unknown := set(statuses) - set(STATUSES):
        raise invalid_parameter(f"Param statuses must be some of {{{', '.join(STATUSES)}}} - got {min(unknown)!r}")
    found = [
        one
        for order in account(call).orders.orders.values()
        for one in order.returns
        if first <= one.time <= last
        and (not statuses or one.status in statuses)
        and wanted in {"", one.merchant_return_id}
    ]
    return Rows(sorted(found, key=lambda one: int(one.id)), lambda one: (int(one.id),))
