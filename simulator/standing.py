"""How a business stands with Meta: verification, domains, its Pages' shops with their order apps, and what is linked with a catalog.

A Page has at most one shop. It refuses shops without one of the commerce permissions, as Meta does.
"""

from dataclasses import dataclass, field

from simulator.call import Call, Json, NodeType, Reader, Route, Rows, attribute
from simulator.orders.state import OrderBook
from simulator.state import Page

# SDK 26.0.3, commercemerchantsettings.py, api_update and _field_types: read as texts.
SETTINGS = ("checkout_config", "korea_ftc_listing", "privacy_policy_localized")
# https://developers.facebook.com/docs/commerce-platform/setup/api-setup (read 2026-11-21)
SHOP_SCOPES = ("commerce_account_read_settings", "commerce_manage_accounts")


@dataclass(slots=True)
class OwnedDomain:
    """A domain that a business has claimed."""

    id: str
    business_id: str
    domain_name: str
    # Unverified: the words of the status.
    status: str = "verified"


@dataclass(slots=True)
class CommerceMerchantSettings:
    """The account of a Page's shop."""

    id: str
    page_id: str
    display_name: str = "Shop"
    # Unverified: these words.
    merchant_status: str = "ENABLED"
    shop_setup: str = "SETUP"
    review_status: str = "APPROVED"
    order_app_ids: list[str] = field(default_factory=list)
    is_test: bool = False  # a test account: only admins see it, and its orders are no real ones
    instagram_elsewhere: bool = False  # the Instagram account is onboarded with another account
    settings: dict[str, str] = field(default_factory=dict)  # what an app wrote, as text
    orders: OrderBook = field(default_factory=OrderBook, repr=False)


@dataclass(slots=True)
class ExternalEventSource:
    """A pixel or app whose events a catalog gets."""

    id: str
    catalog_id: str
    name: str
    # Unverified: this word.
    source_type: str = "PIXEL"


def list_domains(call: Call) -> Rows:
    """List the domains of a business."""
    mine = [one for one in call.world.all(OwnedDomain) if one.business_id == call.node.id]
    return Rows(mine, lambda node: (int(node.id),))


def list_shops(call: Call) -> Rows:
    """List the accounts of a Page's shop: none or one."""
    mine = [one for one in call.world.all(CommerceMerchantSettings) if one.page_id == call.node.id]
    return Rows(mine, lambda node: (int(node.id),))


def read_setup(call: Call) -> Json:
    """Tell how far a shop's setup and review are."""
    # SDK 26.0.3, commercemerchantsettingssetupstatus.py, Field; what stands inside review_status is Unverified.
    review = {"status": call.node.review_status, "reasons": []}
    return {"data": [{"shop_setup": call.node.shop_setup, "payment_setup": "SETUP", "review_status": review}]}


def list_order_apps(call: Call) -> Json:
    """List the apps that manage a shop's orders."""
    apps = call.world.apps
    return {
        "data": [
            {"id": app_id, "name": apps[app_id].name if app_id in apps else "Another app"}
            for app_id in call.node.order_app_ids
        ]
    }


def list_event_sources(call: Call) -> Rows:
    """List what sends events to a catalog."""
    mine = [one for one in call.world.all(ExternalEventSource) if one.catalog_id == call.node.id]
    return Rows(mine, lambda node: (int(node.id),))


def _page(call: Call, shop: CommerceMerchantSettings) -> Json:
    page = call.world.find(Page, shop.page_id)
    return {"id": page.id, "name": page.name} if page else None


def _setting(name: str) -> Reader:
    return lambda _call, shop: shop.settings.get(name) or None


NODES = {
    "OwnedDomain": NodeType(
        {name: attribute(name) for name in ("id", "domain_name", "status")}, default=("id", "domain_name", "status")
    ),
    "CommerceMerchantSettings": NodeType(
        {name: attribute(name) for name in ("id", "display_name", "merchant_status")}
        | {"merchant_page": _page}
        | {name: _setting(name) for name in SETTINGS},
        default=("id",),
        scopes=SHOP_SCOPES,
    ),
    "ExternalEventSource": NodeType({name: attribute(name) for name in ("id", "name", "source_type")}),
}
ROUTES = {
    # Unverified: the edge.
    ("Business", "GET", "owned_domains"): Route(list_domains, scopes=("business_management",)),
    # SDK 26.0.3, page.py, get_commerce_merchant_settings
    ("Page", "GET", "commerce_merchant_settings"): Route(list_shops, SHOP_SCOPES),
    # SDK 26.0.3, commercemerchantsettings.py, get_setup_status
    ("CommerceMerchantSettings", "GET", "setup_status"): Route(read_setup, SHOP_SCOPES),
    # SDK 26.0.3, commercemerchantsettings.py, get_order_management_apps
    ("CommerceMerchantSettings", "GET", "order_management_apps"): Route(list_order_apps, SHOP_SCOPES),
    # SDK 26.0.3, productcatalog.py, get_external_event_sources
    ("ProductCatalog", "GET", "external_event_sources"): Route(list_event_sources, scopes=("catalog_management",)),
}
