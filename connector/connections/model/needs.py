"""What each capability needs of Meta: permissions, tasks on the Page, assets. One table; whatever decides or asks reads it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from connector.values import OPTIONAL, CapabilityKind


class Asset(StrEnum):
    """Something at Meta that a capability works on."""

    PAGE = "PAGE"
    CATALOG = "CATALOG"


@dataclass(frozen=True, slots=True)
class Need:
    """All of `scopes` and `tasks` are needed; a scope granted for single assets must reach the connection's own `asset`."""

    scopes: tuple[str, ...]
    asset: Asset | None = None
    tasks: tuple[str, ...] = ()


# https://developers.facebook.com/docs/permissions (read 2026-11-21): catalog_management, the commerce_account_* ones.
_CATALOG = ("catalog_management",)
# Unverified: recalled, as is the Page task.
_MESSAGES = ("pages_manage_metadata", "pages_messaging")
# https://developers.facebook.com/docs/commerce-platform/order-management (read 2026-11-21): an editor's role is wanted.
# Unverified: that CREATE_CONTENT is what tells an editor.
_ORDERS = ("commerce_account_manage_orders", "commerce_account_read_settings")
# https://developers.facebook.com/docs/permissions (read 2026-11-21): what payouts and transactions are read with.
REPORTS = "commerce_account_read_reports"
"""What is asked for along with orders, for payouts; orders themselves go on without it."""
# facebook-for-woocommerce a1e17a8 asks for both (read 2026-11-21).
_ADS, _ADS_READ = ("ads_management",), ("ads_read",)
INSTAGRAM = "instagram_basic"
"""What the login dialog asks for besides, to show which Instagram account belongs to a Page; a merchant may decline it."""
# Unverified: recalled as what reading and answering Instagram's messages through the Page needs, beside what MESSAGING needs.
INSTAGRAM_MESSAGES = (INSTAGRAM, "instagram_manage_messages")

NEEDS: Mapping[CapabilityKind, Need] = {
    CapabilityKind.CATALOG_SYNC: Need(_CATALOG, Asset.CATALOG),
    CapabilityKind.INVENTORY: Need(_CATALOG, Asset.CATALOG),
    CapabilityKind.MESSAGING: Need(_MESSAGES, Asset.PAGE, ("MESSAGING",)),
    CapabilityKind.ORDER_MANAGEMENT: Need(_ORDERS, tasks=("CREATE_CONTENT",)),
    CapabilityKind.PROMOTIONS: Need(_CATALOG, Asset.CATALOG),
    CapabilityKind.CONVERSIONS: Need(_ADS),
    CapabilityKind.INSIGHTS: Need(_ADS_READ),
    CapabilityKind.INSTAGRAM_MESSAGING: Need(INSTAGRAM_MESSAGES),
}

# pages_show_list is Unverified, as are the calls these are said to open.
BASIC: Mapping[str, str] = {
    "business_management": "businesses and their catalogs",
    "catalog_management": "products, stock and price",
    "pages_manage_metadata": "the Page's webhook subscription",
    "pages_messaging": "messages in and out",
    "pages_read_engagement": "the Page's name and tasks",
    "pages_show_list": "the list of Pages",
}
"""The permissions that nobody can do without, and what each is for."""

FURTHER: Mapping[str, str] = {
    "ads_management": "sending purchases and visits to the merchant's pixel",
    "ads_read": "how often products are seen and bought",
    "commerce_account_manage_orders": "orders placed on Facebook and Instagram",
    REPORTS: "what Meta pays the merchant for orders",
    "commerce_account_read_settings": "the shop that orders belong to",
    INSTAGRAM: "which Instagram account belongs to a Page",
    "instagram_manage_messages": "messages of the Page's Instagram account in and out",
}
"""The permissions that only optional capabilities need, and what each is for."""


def scopes_for(kinds: Iterable[CapabilityKind]) -> Mapping[str, str]:
    """List the permissions to ask a merchant for, with what each is for: the basic ones, and those of optional capabilities."""
    asked = [kind for kind in kinds if kind in OPTIONAL]
    wanted = {scope for kind in asked for scope in NEEDS[kind].scopes}
    wanted |= {REPORTS} if CapabilityKind.ORDER_MANAGEMENT in asked else set()
    return {**BASIC, **{scope: why for scope, why in FURTHER.items() if scope in wanted}}
