"""What every change of an order has in common: an account that works, an order that is ready, one change at a time.

    order_write(act)    a Graph write with a key, done once
    ready(call)         what comes before any write: the order as it is now, or a refusal
    touched(…)          what comes after any write: others wait a while

Bulk calls ask `require_account` once and `require_free` for each order.
"""

from collections.abc import Callable

from simulator.call import Call, Json
from simulator.orders.access import account
from simulator.orders.charging import collect
from simulator.orders.keys import once
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder
from simulator.standing import CommerceMerchantSettings
from simulator.world import World

# graph-api.md 6.1 (documentation, Feb 2026): an order that Meta has not let through after a day may be cancelled.
CANCEL_PROCESSING_AFTER_SECONDS = 86_400.0
Write = Callable[[Call, CommerceOrder, str], Json]


def order_write(act: Write) -> Callable[[Call], Json]:
    """Return the Graph write of an order: refused or done once, whatever the caller repeats."""

    @once
    def write(call: Call, key: str) -> Json:
        order = ready(call)
        answer = act(call, order, key)
        touched(call.world, order)
        return answer

    return write


def ready(call: Call) -> CommerceOrder:
    """Return the order of a call, as it is now, or refuse to change it."""
    order: CommerceOrder = call.node
    require_account(call)
    require_free(call.world, order)
    collect(order, now=call.world.clock.now())
    return order


def touched(world: World, order: CommerceOrder) -> None:
    """Keep other changes away from an order that was just changed."""
    order.busy_until = world.clock.now() + world.switches.busy_order_seconds


def require_account(call: Call) -> CommerceMerchantSettings:
    """Return the account; refuse one that is disabled, or whose orders another app manages."""
    shop = account(call)
    if shop.merchant_status == "EXTERNALLY_DISABLED":
        raise OrderRefusal(call.world, 2382052)
    if shop.order_app_ids and (call.app is None or call.app.id not in shop.order_app_ids):
        raise OrderRefusal(call.world, 2361126)
    return shop


def require_free(world: World, order: CommerceOrder) -> None:
    """Refuse while another change is under way."""
    if world.switches.concurrent_orders > 0:
        world.switches.concurrent_orders -= 1
        raise OrderRefusal(world, 2361050)
    if order.busy_until > world.clock.now():
        raise OrderRefusal(world, 2361081)


def require_processed(world: World, order: CommerceOrder, *, cancels: bool = False) -> None:
    """Refuse while Meta checks the order itself, but for a cancellation after a day."""
    overdue = world.clock.now() - order.create_time >= CANCEL_PROCESSING_AFTER_SECONDS
    if order.state == "FB_PROCESSING" and not (cancels and overdue):
        # Unverified: the code; Meta's own checks are the pending action.
        raise OrderRefusal(world, 2361081)
