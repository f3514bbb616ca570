"""Users, businesses, apps and Instagram accounts: who owns what, who granted what, which webhooks an app wants.

It refuses a callback that does not answer the verification handshake.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from simulator.call import SUCCESS, Call, Json, NodeType, Route, Rows, attribute
from simulator.errors import GraphError, invalid_parameter
from simulator.handshake import verify_callback
from simulator.pages import SUBSCRIBABLE
from simulator.state import Application, Business, Page, ProductCatalog, Subscription, User
from simulator.token_care import tell
from simulator.tokens import catalogs_of, grants
from simulator.world import World

# SDK 26.0.3, productcatalog.py, ProductCatalog.Vertical
VERTICALS = (
    "adoptable_pets", "apps_and_software", "articles_and_publications", "commerce", "destinations", "flights",
    "generic", "home_listings", "hotels", "local_service_businesses", "media_titles", "offer_items",
    "offline_commerce", "services", "transactable_items", "vehicles",
)  # fmt: skip


def _in_order(nodes: list[Any], *, default: tuple[str, ...] = ()) -> Rows:
    """Return rows in the order of their ids, which is the order of creation."""
    return Rows(sorted(nodes, key=lambda node: int(node.id)), lambda node: (int(node.id),), default)


# --- users -----------------------------------------------------------------------------------------------------------


def list_pages(call: Call) -> Rows:
    """List the Pages that the user has a role on and let the app see."""
    pages = [node for page_id in _seen(call, call.node.page_tasks) if (node := call.world.find(Page, page_id))]
    return _in_order(pages, default=("access_token", "category", "name", "id", "tasks"))


def _seen(call: Call, assets: Iterable[str]) -> list[str]:
    """Return the Pages or catalogs that the user's last consent did not leave out."""
    user = call.world.find(User, call.token.user_id) if call.token else None
    return [asset for asset in assets if call.token and user and grants(call.token, user, asset)]


def list_assigned_pages(call: Call) -> Rows:
    """List the Pages that are assigned to a system user."""
    return list_pages(call)._replace(default=("name", "id"))


def list_assigned_catalogs(call: Call) -> Rows:
    """List the catalogs that are assigned to a system user."""
    seen = _seen(call, dict.fromkeys(catalogs_of(call.world, call.node)))
    return _in_order([call.world.require(ProductCatalog, catalog, name="catalogs") for catalog in seen])


def list_businesses(call: Call) -> Rows:
    """List the businesses of a user."""
    return _in_order([node for business_id in call.node.businesses if (node := call.world.find(Business, business_id))])


def list_permissions(call: Call) -> Json:
    """List what the user granted and declined."""
    grants = call.node.grants.get(call.app.id if call.app else "", {})
    return {"data": [{"permission": scope, "status": status} for scope, status in grants.items()]}


def delete_permissions(call: Call) -> Json:
    """Revoke one permission, or the whole app; the latter tells the app by its deauthorize callback."""
    app = call.app
    grants = call.node.grants.get(app.id, {}) if app else {}
    if app and (scope := call.text("permission", "")):
        if scope not in grants:
            raise invalid_parameter(f"Param permission: {scope!r} was never granted")
        grants[scope] = "declined"
        tell(call.world, app, call.node, scope, "revoked")
        return SUCCESS
    if app:
        deauthorize(call.world, app, call.node)
    return SUCCESS


def deauthorize(world: World, app: Application, user: User) -> None:
    """Remove the app from the user's account: tokens die with subcode 458, webhooks end, the app is told."""
    user.grants.pop(app.id, None)
    for token in world.tokens.values():
        # A later login makes new tokens; it never wakes the old ones.
        if (token.app_id, token.user_id) == (app.id, user.id) and token.death is None:
            token.death = 458
    for page_id in user.page_tasks:
        world.require(Page, page_id, name="page_tasks").fields_by_app.pop(app.id, None)
    if world.switches.deauthorize_callbacks and app.deauthorize_url:
        world.outbox.post_callback(app, app.deauthorize_url, user_id=user.id)


# --- businesses ------------------------------------------------------------------------------------------------------


def list_catalogs(call: Call) -> Rows:
    """List the catalogs that the business owns."""
    seen = _seen(call, call.node.catalogs)
    return _in_order([call.world.require(ProductCatalog, catalog, name="catalogs") for catalog in seen])


def list_client_catalogs(call: Call) -> Rows:
    """List the catalogs that others share with the business."""
    shared = call.node.client_catalogs
    return _in_order([call.world.require(ProductCatalog, catalog, name="client_catalogs") for catalog in shared])


def list_owned_pages(call: Call) -> Rows:
    """List the Pages that the business owns."""
    return _in_order([call.world.require(Page, page, name="pages") for page in call.node.pages])


def create_catalog(call: Call) -> Json:
    """Create a catalog in the business."""
    vertical = call.choice("vertical", VERTICALS, "commerce")
    catalog = ProductCatalog(call.world.new_id(), call.text("name"), call.node.id, vertical=vertical)
    call.world.add(catalog)
    call.node.catalogs.append(catalog.id)
    return {"id": catalog.id}


# --- apps ------------------------------------------------------------------------------------------------------------


def _require_app_token(call: Call) -> Application:
    if call.token is None or call.token.kind != "APP":
        raise GraphError("(#15) This method must be called with an app access_token.", code=15)
    app: Application = call.node
    return app


def list_subscriptions(call: Call) -> Json:
    """List where the app's webhooks go."""
    app = _require_app_token(call)
    version = call.world.switches.default_version
    return {
        "data": [
            {
                "object": subscription.object,
                "callback_url": subscription.callback_url,
                "active": subscription.active,
                "fields": [{"name": name, "version": version} for name in subscription.fields],
            }
            for subscription in app.subscriptions.values()
        ]
    }


async def subscribe(call: Call) -> Json:
    """Set the callback of one object type, after it answered the handshake. Fields are added to those already there."""
    app = _require_app_token(call)
    wanted = call.choice("object", ("user", "page", "permissions", "instagram", "commerce_account", "application"), "")
    url = call.text("callback_url")
    if urlsplit(url).scheme not in {"http", "https"}:
        raise invalid_parameter("Param callback_url must be an absolute URL")
    names = call.names("fields", [])
    if wanted == "page" and (unknown := [name for name in names if name not in SUBSCRIBABLE]):
        raise invalid_parameter(f"Param fields has unknown values: {', '.join(unknown)}")
    verify_token = call.text("verify_token")
    await verify_callback(call.world, url, verify_token)
    old = app.subscriptions.get(wanted)
    names = [*dict.fromkeys([*(old.fields if old else []), *names])]
    app.subscriptions[wanted] = Subscription(
        wanted, url, names, verify_token, include_values=call.flag("include_values", default=True)
    )
    return SUCCESS


def unsubscribe(call: Call) -> Json:
    """Remove one object type, some of its fields, or everything."""
    app = _require_app_token(call)
    wanted, names = call.text("object", ""), call.names("fields", [])
    for subscription in [app.subscriptions[name] for name in list(app.subscriptions) if wanted in {"", name}]:
        subscription.fields = [name for name in subscription.fields if name not in names] if names else []
        if not subscription.fields:
            del app.subscriptions[subscription.object]
    return SUCCESS


NODES = {
    # Unverified: that a system user may read its own role; a person has none.
    "User": NodeType({"id": attribute("id"), "name": attribute("name"), "role": attribute("role")}),
    "Business": NodeType(
        {name: attribute(name) for name in ("id", "name", "verification_status")},
        default=("id", "name"),
        scopes=("business_management",),
    ),
    "Application": NodeType(
        {"id": attribute("id"), "name": attribute("name"), "link": lambda *_: "https://apps.test/"}
    ),
    "IGUser": NodeType(
        {"id": attribute("id"), "username": attribute("username"), "name": attribute("name")}, default=("id",)
    ),
}
CATALOG = ("catalog_management",)
ROUTES = {
    ("User", "GET", "accounts"): Route(list_pages, scopes=("pages_show_list",)),
    ("User", "GET", "assigned_pages"): Route(list_assigned_pages, scopes=("pages_show_list",)),
    ("User", "GET", "assigned_product_catalogs"): Route(list_assigned_catalogs, scopes=("catalog_management",)),
    ("User", "GET", "businesses"): Route(list_businesses, scopes=("business_management",)),
    ("User", "GET", "permissions"): Route(list_permissions),
    ("User", "DELETE", "permissions"): Route(delete_permissions),
    ("Business", "GET", "owned_product_catalogs"): Route(list_catalogs, scopes=CATALOG),
    ("Business", "POST", "owned_product_catalogs"): Route(create_catalog, scopes=CATALOG),
    ("Business", "GET", "client_product_catalogs"): Route(list_client_catalogs, scopes=CATALOG),
    ("Business", "GET", "owned_pages"): Route(list_owned_pages, scopes=("business_management",)),
    ("Application", "GET", "subscriptions"): Route(list_subscriptions),
    ("Application", "POST", "subscriptions"): Route(subscribe),
    ("Application", "DELETE", "subscriptions"): Route(unsubscribe),
}
