"""The control API's part about standing: verify or refuse a business, claim domains, open and close shops, hand catalogs over.

Each sets what is named and leaves the rest; a wrong word answers 400 and changes nothing.
"""

from typing import Any

from aiohttp import web

from simulator.standing import CommerceMerchantSettings, ExternalEventSource, OwnedDomain
from simulator.state import Business, Page, ProductCatalog
from simulator.world import World

Document = dict[str, Any]

# SDK 26.0.3, business.py, Business.VerificationStatus
VERIFICATIONS = (
    "expired", "failed", "ineligible", "not_verified", "pending", "pending_need_more_info", "pending_submission",
    "rejected", "revoked", "verified",
)  # fmt: skip


def change_business(world: World, request: web.Request, document: Document) -> Document:
    """Set a business's verification, and its domains: a list of {name, status}."""
    business = world.require(Business, request.match_info["business_id"], name="business_id")
    status = document.get("verification_status", business.verification_status)
    if status not in VERIFICATIONS:
        raise ValueError(f"verification_status: expected one of {VERIFICATIONS}, got {status!r}")
    claim_domains(world, business, document.get("domains"))
    business.verification_status = status
    return {"business_id": business.id, "verification_status": status}


def claim_domains(world: World, business: Business, domains: object) -> None:
    """Replace the domains of a business; None leaves them."""
    if domains is None:
        return
    if not isinstance(domains, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in domains
    ):
        raise ValueError("domains: expected a list of objects with a name")
    wanted = [(one["name"], str(one.get("status", "verified"))) for one in domains]
    mine = [one for one in world.all(OwnedDomain) if one.business_id == business.id]
    for one in mine:
        if (one.domain_name, one.status) not in wanted:
            world.forget(one)
    for name, status in wanted:
        if (name, status) not in [(one.domain_name, one.status) for one in mine]:
            world.add(OwnedDomain(world.new_id(), business.id, name, status))


def open_shop(world: World, request: web.Request, document: Document) -> Document:
    """Give a Page a shop, or change it: what SHOP_MEMBERS name."""
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    shop = _shop(world, page) or CommerceMerchantSettings(world.new_id(), page.id)
    for name, value in document.items():
        if type(value) is not type(getattr(shop, name)):
            raise ValueError(f"{name}: expected {type(getattr(shop, name)).__name__}, got {value!r}")
    for name, value in document.items():
        setattr(shop, name, value)
    world.add(shop)
    return {"id": shop.id}


def close_shop(world: World, request: web.Request, _document: Document) -> Document:
    """Take a Page's shop away."""
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    shop = _shop(world, page)
    if shop is not None:
        world.forget(shop)
    return {"closed": shop is not None}


def _shop(world: World, page: Page) -> CommerceMerchantSettings | None:
    return next((one for one in world.all(CommerceMerchantSettings) if one.page_id == page.id), None)


def give_thread(world: World, request: web.Request, document: Document) -> Document:
    """Let another app (its app_id) own the thread with a person (psid); empty gives it back to whoever writes."""
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    psid, app_id = document.get("psid", ""), document.get("app_id", "")
    if psid not in page.profiles or not isinstance(app_id, str):
        raise ValueError(f"psid: nobody of that id wrote to the Page; app_id: a string; got {psid!r}, {app_id!r}")
    page.owner_app_by_psid[psid] = app_id
    return {"psid": psid, "app_id": app_id}


def change_catalog(world: World, request: web.Request, document: Document) -> Document:
    """Change a catalog's vertical, its owner (business_id; whoever reaches it keeps doing so), its event sources (types)."""
    catalog = world.require(ProductCatalog, request.match_info["catalog_id"], name="catalog_id")
    owner_id, types = document.get("business_id", catalog.business_id), document.get("event_sources")
    world.require(Business, owner_id, name="business_id")
    if types is not None and not (isinstance(types, list) and all(isinstance(one, str) for one in types)):
        raise ValueError("event_sources: expected a list of types such as PIXEL")
    catalog.business_id, catalog.vertical = owner_id, str(document.get("vertical", catalog.vertical))
    for one in [] if types is None else world.all(ExternalEventSource):
        if one.catalog_id == catalog.id:
            world.forget(one)
    for type_ in types or ():
        world.add(ExternalEventSource(world.new_id(), catalog.id, f"{type_.title()} of {catalog.name}", type_))
    return {"catalog_id": catalog.id, "business_id": owner_id, "vertical": catalog.vertical}


def change_subscription(world: World, request: web.Request, document: Document) -> Document:
    """Change an app's webhook of Pages as Meta or somebody in the dashboard does: active, callback_url, fields."""
    app = world.apps.get(request.match_info["app_id"])
    subscription = app.subscriptions.get("page") if app else None
    if subscription is None:
        raise ValueError("app_id: no such app, or it has no webhook of Pages; POST /_simulator/apps sets it")
    for name, value in document.items():
        if type(value) is not type(getattr(subscription, name)):
            raise ValueError(f"{name}: expected {type(getattr(subscription, name)).__name__}, got {value!r}")
    for name, value in document.items():
        setattr(subscription, name, value)
    return {"active": subscription.active, "callback_url": subscription.callback_url, "fields": subscription.fields}


def drop_fields(world: World, request: web.Request, document: Document) -> Document:
    """Drop an app (app_id) from a Page's webhooks, as Meta does after an hour of failures, or only some `fields`."""
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    app_id, dropped = document.get("app_id", ""), document.get("fields", [])
    if app_id not in page.fields_by_app:
        raise ValueError(f"app_id: no such app is subscribed to the Page, got {app_id!r}")
    if not isinstance(dropped, list) or not all(isinstance(one, str) for one in dropped):
        raise ValueError("fields: expected a list of names; empty drops the app")
    left = [name for name in page.fields_by_app[app_id] if name not in dropped] if dropped else []
    if left:
        page.fields_by_app[app_id] = left
    else:
        del page.fields_by_app[app_id]
    return {"app_id": app_id, "fields": left}


SHOP_MEMBERS = "display_name merchant_status shop_setup review_status order_app_ids is_test instagram_elsewhere"
ROUTES = (
    ("PATCH", "/_simulator/businesses/{business_id}", change_business, "verification_status domains"),
    ("PATCH", "/_simulator/pages/{page_id}/shop", open_shop, SHOP_MEMBERS),
    ("DELETE", "/_simulator/pages/{page_id}/shop", close_shop, ""),
    ("DELETE", "/_simulator/pages/{page_id}/subscription", drop_fields, "app_id fields"),
    ("PATCH", "/_simulator/pages/{page_id}/thread-owner", give_thread, "psid app_id"),
    ("PATCH", "/_simulator/catalogs/{catalog_id}", change_catalog, "vertical business_id event_sources"),
    ("PATCH", "/_simulator/apps/{app_id}/subscription", change_subscription, "active callback_url fields"),
)
