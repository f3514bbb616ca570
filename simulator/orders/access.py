"""Who may speak about orders, and for how long: the token, the role behind it, and the end that Meta has set to these endpoints."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simulator.call import Call, Result, Route
from simulator.errors import GraphError, missing_object, permission_missing
from simulator.orders.book import settle
from simulator.orders.parameters import check
from simulator.orders.refusals import unknown_order
from simulator.orders.state import CommerceOrder
from simulator.standing import CommerceMerchantSettings
from simulator.state import Page, User
from simulator.world import World

READ_ORDERS = ("commerce_account_manage_orders", "commerce_account_read_orders")
MANAGE_ORDERS = ("commerce_account_manage_orders",)
READ_REPORTS = ("commerce_account_read_reports",)
# graph-api.md 6: a Page's role of EDITOR or more. Unverified: that these tasks are that role.
EDITOR_TASKS = {"CREATE_CONTENT", "MANAGE"}
# Each text, and that it is one of these codes, is Unverified: nobody has seen Meta's answer yet.
_RETIRED = {
    3: "Application does not have the capability to make this API call.",
    10: "Application does not have permission for this action",
    12: "This endpoint has been deprecated.",
    803: "Some of the aliases you requested do not exist",
}


def page_of(call: Call) -> Page:
    """Return the Page that a Page, an account or an order belongs to."""
    node = call.node
    return node if isinstance(node, Page) else call.world.require(Page, node.page_id, name="page_id")


def account_of_page(world: World, page: Page) -> CommerceMerchantSettings | None:
    """Return the account of a Page's shop."""
    return next((one for one in world.all(CommerceMerchantSettings) if one.page_id == page.id), None)


def account(call: Call) -> CommerceMerchantSettings:
    """Return the account that a call is about, or say that there is none."""
    found = find_account(call)
    if found is None:
        raise missing_object(call.method, call.node.id)
    return found


def find_account(call: Call) -> CommerceMerchantSettings | None:
    """Return the account that a call is about, if there is one."""
    if isinstance(call.node, CommerceMerchantSettings):
        return call.node
    if isinstance(call.node, CommerceOrder):
        return call.world.find(CommerceMerchantSettings, call.node.account_id)
    return account_of_page(call.world, page_of(call))


def guard(call: Call, *, removed: str = "") -> None:
    """Raise when the endpoint is gone, the token is not good for orders, or the order is none any more.

    `removed` is when Meta's SDK lost the endpoint.
    """
    if has_ended(call, removed=removed):
        raise _retired(call)
    require_seller(call)
    if (shop := find_account(call)) is not None:
        settle(call.world, shop)
    if call.node.id not in call.world.nodes:
        raise unknown_order(call.node.id)


def has_ended(call: Call, *, removed: str = "") -> bool:
    """Tell whether orders are over: by the Page's own word, else by the date of the version that is called."""
    page, switches = page_of(call), call.world.switches
    if page.orders:
        return bool(page.orders == "ended")
    newer = int(call.version.removeprefix("v").partition(".")[0]) >= 26
    ends = [switches.orders_end_date_v26 if newer else switches.orders_end_date]
    if removed and switches.orders_end_as_sdk:
        ends.append(removed)
    return call.world.clock.now() >= min(datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp() for one in ends)


def _retired(call: Call) -> GraphError:
    code = call.world.switches.retired_code
    return (
        missing_object(call.method, call.node.id)
        if code == 100
        else GraphError(f"(#{code}) {_RETIRED[code]}", code=code)
    )


def require_seller(call: Call) -> None:
    """Raise unless the token is the Page's with an editor behind it, or a system user's."""
    token, page = call.token, page_of(call)
    if token is None or ((token.kind, token.page_id) != ("PAGE", page.id) and token.kind != "SYSTEM_USER"):
        raise GraphError("(#210) A page access token is required to request this resource.", code=210, status=403)
    user = call.world.find(User, token.user_id)
    tasks = set(user.page_tasks.get(page.id, ())) if user else set()
    if token.kind == "PAGE" and not tasks & EDITOR_TASKS:
        raise permission_missing("CREATE_CONTENT")
    shop = find_account(call)
    # graph-api.md 6.4 (Meta's order guide): a test account is visible to admins only.
    if shop is not None and shop.is_test and "MANAGE" not in tasks and token.kind == "PAGE":
        raise missing_object(call.method, call.node.id)


def guarded(act: Callable[[Call], Any], scopes: tuple[str, ...], *, removed: str = "") -> Route:
    """Return a route that asks the guard first, and looks at the parameters."""

    def guarded_act(call: Call) -> Result:
        guard(call, removed=removed)
        check(call)
        return act(call)

    return Route(guarded_act, scopes)
