"""What Meta has switched off: endpoints that answer until a date, and on some accounts longer or shorter than that.

Only what asks for them is modelled: a Page of this Meta has no orders.
"""

from datetime import UTC, datetime

from simulator.call import Call, Json, NodeType, Route
from simulator.errors import GraphError, missing_object

# Each text, and that it is one of these codes, is Unverified: nobody has seen Meta's answer yet.
_REFUSALS = {
    3: "Application does not have the capability to make this API call.",
    10: "Application does not have permission for this action",
    12: "This endpoint has been deprecated.",
    803: "Some of the aliases you requested do not exist",
}


def list_orders(call: Call) -> Json:
    """List a Page's orders, while Meta still lets it."""
    if _ended(call):
        code = call.world.switches.retired_code
        if code == 100:
            raise missing_object(call.method, call.node.id)
        raise GraphError(f"(#{code}) {_REFUSALS[code]}", code=code)
    return {"data": []}


def _ended(call: Call) -> bool:
    """Tell whether orders are over for this Page: by its own word, else by the date of the version that is called."""
    if call.node.orders:
        return bool(call.node.orders == "ended")
    switches = call.world.switches
    newer = int(call.version.removeprefix("v").partition(".")[0]) >= 26
    end = switches.orders_end_date_v26 if newer else switches.orders_end_date
    return call.world.clock.now() >= datetime.fromisoformat(end).replace(tzinfo=UTC).timestamp()


ORDERS = ("commerce_account_manage_orders", "commerce_account_read_orders")
ROUTES = {
    # SDK 26.0.3, page.py, get_commerce_orders
    ("Page", "GET", "commerce_orders"): Route(list_orders, ORDERS, bucket="pages", page_token=True),
}
NODES: dict[str, NodeType] = {}
