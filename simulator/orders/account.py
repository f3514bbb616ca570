"""The commerce account beyond its node: which app manages its orders, its shop, catalogs, shipping profiles and tax.

An account has one app for its orders; who comes second is refused until the first has gone.
"""

from dataclasses import dataclass, field
from typing import Any

from simulator.call import SUCCESS, Call, Json, NodeType, Route, Rows, attribute
from simulator.errors import invalid_parameter
from simulator.orders.access import MANAGE_ORDERS, account, guarded
from simulator.orders.parameters import checked
from simulator.orders.refusals import OrderRefusal
from simulator.standing import SETTINGS, SHOP_SCOPES, CommerceMerchantSettings
from simulator.state import Business, Page, ProductCatalog


@dataclass(slots=True)
class Shop:
    """The shop window of an account; one for each."""

    id: str
    account_id: str


@dataclass(slots=True)
class ShippingProfile:
    """Where an account ships to, and how fast."""

    id: str
    account_id: str
    name: str
    destinations: list[Any]
    handling_time: dict[str, Any] = field(default_factory=dict)
    is_default: bool = False
    reference_id: str = ""


def register_app(call: Call) -> Json:
    """Make the calling app the one that manages the orders."""
    shop = account(call)
    app_id = call.app.id if call.app else ""
    if shop.instagram_elsewhere:
        raise OrderRefusal(call.world, 2361163)
    if any(one != app_id for one in shop.order_app_ids):
        raise OrderRefusal(call.world, 2361126)
    shop.order_app_ids = [app_id]
    return SUCCESS


def remove_app(call: Call) -> Json:
    """Let go of the orders; another app's registration stays."""
    shop = account(call)
    shop.order_app_ids = [one for one in shop.order_app_ids if call.app is None or one != call.app.id]
    return SUCCESS


def change_account(call: Call) -> Json:
    """Change the few settings that Graph lets an app change."""
    shop = account(call)
    status = call.choice("merchant_status", ("ENABLED", "EXTERNALLY_DISABLED"), shop.merchant_status)
    # SDK 26.0.3, commercemerchantsettings.py, api_update
    for name in SETTINGS:
        if name in call.params:
            shop.settings[name] = call.text(name, "")
    shop.merchant_status = status
    return SUCCESS


def list_account_catalogs(call: Call) -> Rows:
    """List the catalogs of the Page's business."""
    page = call.world.require(Page, account(call).page_id, name="page_id")
    business = call.world.require(Business, page.business_id, name="business_id")
    found = [call.world.require(ProductCatalog, one, name="catalogs") for one in business.catalogs]
    return Rows(sorted(found, key=lambda one: int(one.id)), lambda one: (int(one.id),), ("id", "name"))


def list_account_shops(call: Call) -> Rows:
    """List the shop of an account."""
    shop = account(call)
    found = [one for one in call.world.all(Shop) if one.account_id == shop.id]
    return Rows(found or [call.world.add(Shop(call.world.new_id(), shop.id))], lambda one: (int(one.id),))


def list_business_accounts(call: Call) -> Rows:
    """List the accounts of a business's Pages."""
    # graph-api.md 5 (Meta's page "onboarding/troubleshooting"): a business tells its accounts.
    found = [
        one
        for one in call.world.all(CommerceMerchantSettings)
        if call.world.require(Page, one.page_id, name="page_id").business_id == call.node.id
    ]
    return Rows(sorted(found, key=lambda one: int(one.id)), lambda one: (int(one.id),))


def create_profile(call: Call) -> Json:
    """Create a shipping profile."""
    shop, destinations = account(call), call.structure("shipping_destinations", list)
    if not destinations or not all(isinstance(one, dict) for one in destinations):
        raise invalid_parameter("Param shipping_destinations must be an array of objects, at least one")
    is_default = call.flag("is_default") or call.flag("is_default_shipping_profile")
    profile = ShippingProfile(
        call.world.new_id(), shop.id, call.text("name"), destinations, call.structure("handling_time", dict, {}),
        is_default, call.text("reference_id", ""),
    )  # fmt: skip
    for other in _profiles(call) if is_default else ():
        other.is_default = False
    return {"id": call.world.add(profile).id}


def list_profiles(call: Call) -> Json:
    """List the shipping profiles, or the one with a reference."""
    wanted = call.text("reference_id", "")
    return {
        "data": [
            {"id": one.id, "name": one.name, "is_default": one.is_default, "reference_id": one.reference_id}
            | {"shipping_destinations": one.destinations, "handling_time": one.handling_time}
            for one in _profiles(call)
            if wanted in {"", one.reference_id}
        ]
    }


def _profiles(call: Call) -> list[ShippingProfile]:
    shop = account(call)
    return [one for one in call.world.all(ShippingProfile) if one.account_id == shop.id]


def read_tax_settings(call: Call) -> Json:
    """Tell where the account pays taxes itself: nowhere, Meta remits them."""
    # Unverified: the shape.
    return {"data": [{"country": "US", "tax_remitted_by_meta": True, "account_id": account(call).id}]}


def _status(call: Call, shop: Shop) -> str:
    owner = call.world.require(CommerceMerchantSettings, shop.account_id, name="account_id")
    # Unverified: the words.
    return "ENABLED" if owner.merchant_status == "ENABLED" else "DISABLED"


def _owner(call: Call, shop: Shop) -> Json:
    return call.world.find(CommerceMerchantSettings, shop.account_id)


NODES = {
    # SDK 26.0.3, shop.py, Field
    "Shop": NodeType(
        {"id": attribute("id"), "shop_status": _status, "commerce_merchant_settings": _owner},
        default=("id", "shop_status"),
    )
}
# facebook-business 24.0.1 came to PyPI in November 2025 (graph-api.md 0).
REMOVED_FIRST = "2025-11-01"
ROUTES = {
    # facebook-business-sdk-codegen 1338eb3 and Meta's order guide for DELETE (graph-api.md 5)
    ("CommerceMerchantSettings", "POST", "order_management_apps"): guarded(
        register_app, MANAGE_ORDERS, removed=REMOVED_FIRST
    ),
    ("CommerceMerchantSettings", "DELETE", "order_management_apps"): guarded(remove_app, MANAGE_ORDERS),
    ("CommerceMerchantSettings", "GET", "shipping_profiles"): guarded(
        list_profiles, SHOP_SCOPES, removed=REMOVED_FIRST
    ),
    ("CommerceMerchantSettings", "GET", "tax_settings"): guarded(read_tax_settings, SHOP_SCOPES, removed="2026-08-06"),
    # SDK 26.0.3, commercemerchantsettings.py: what Meta's SDK still has outlives the orders.
    ("CommerceMerchantSettings", "POST", ""): Route(checked(change_account), SHOP_SCOPES),
    ("CommerceMerchantSettings", "POST", "shipping_profiles"): Route(checked(create_profile), SHOP_SCOPES),
    ("CommerceMerchantSettings", "GET", "product_catalogs"): Route(list_account_catalogs, SHOP_SCOPES),
    ("CommerceMerchantSettings", "GET", "shops"): Route(list_account_shops, SHOP_SCOPES),
    ("Business", "GET", "commerce_merchant_settings"): Route(list_business_accounts, SHOP_SCOPES),
}
