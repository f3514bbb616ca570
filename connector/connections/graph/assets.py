"""How Meta says what a token reaches: Pages with tasks and Instagram account, businesses, catalogs."""

from collections.abc import Mapping
from typing import Any

from connector.connections.graph.logins import Issued, read_issued
from connector.connections.model import Business, Catalog, InstagramAccount, Page
from connector.graph.call import Call, Listed, read_list

Entries = Listed[Mapping[str, Any]]
"""Entries as Meta writes them."""

# Unverified: Meta's largest page is recalled as 100.
_PAGE_SIZE = "100"
_PAGE_FIELDS, _CATALOG_FIELDS = "id,name,tasks", "id,name,product_count"
# SDK 26.0.3, page.py, Page.Field; iguser.py. Unverified: that both need instagram_basic.
_INSTAGRAM_FIELDS = "instagram_business_account{id,username}"


def pages(after: str = "", *, instagram: bool = False) -> Call[Entries]:
    """List the Pages the person granted; with their Instagram accounts, where the person lets us see these."""
    # https://developers.facebook.com/docs/graph-api/reference/user/accounts (read 2026-11-21)
    return _list("me/accounts", _page_fields(instagram=instagram), after)


def assigned_pages(after: str = "", *, instagram: bool = False) -> Call[Entries]:
    """List the Pages that are assigned to a system user."""
    # SDK 26.0.3, systemuser.py, get_assigned_pages. Unverified: that it tells the tasks.
    return _list("me/assigned_pages", _page_fields(instagram=instagram), after)


def businesses(after: str = "") -> Call[Entries]:
    """List the person's businesses."""
    # SDK 26.0.3, user.py, get_businesses
    return _list("me/businesses", "id,name", after)


def catalogs(business_id: str, after: str = "") -> Call[Entries]:
    """List a business's catalogs."""
    # SDK 26.0.3, business.py, get_owned_product_catalogs
    return _list(f"{business_id}/owned_product_catalogs", _CATALOG_FIELDS, after)


def assigned_catalogs(after: str = "") -> Call[Entries]:
    """List the catalogs that are assigned to a system user, each with its business."""
    # SDK 26.0.3, systemuser.py, get_assigned_product_catalogs; productcatalog.py, ProductCatalog.Field.business
    return _list("me/assigned_product_catalogs", f"{_CATALOG_FIELDS},business{{id,name}}", after)


def page_token(page_id: str) -> Call[Issued]:
    """Derive a Page's token from the person's."""
    # facebook-for-magento2, GET /{page}?fields=access_token (read 2026-11-21)
    return Call("GET", page_id, params={"fields": "access_token"}, read=read_issued)


def read_page(entry: Mapping[str, Any]) -> Page:
    """Read a Page of a list."""
    tasks = tuple(str(task) for task in entry.get("tasks", ()))
    account = entry.get("instagram_business_account")
    linked = InstagramAccount(str(account["id"]), str(account.get("username", ""))) if account else None
    return Page(str(entry["id"]), str(entry.get("name", "")), tasks, linked)


def read_business(entry: Mapping[str, Any]) -> Business:
    """Read a business of a list."""
    return Business(str(entry["id"]), str(entry.get("name", "")))


def read_catalog(entry: Mapping[str, Any], business_id: str) -> Catalog:
    """Read a catalog of a list."""
    return Catalog(str(entry["id"]), str(entry.get("name", "")), business_id, int(entry.get("product_count") or 0))


def _page_fields(*, instagram: bool) -> str:
    return f"{_PAGE_FIELDS},{_INSTAGRAM_FIELDS}" if instagram else _PAGE_FIELDS


def _list(path: str, fields: str, after: str) -> Call[Entries]:
    params = {"fields": fields, "limit": _PAGE_SIZE} | ({"after": after} if after else {})
    return Call("GET", path, params=params, read=lambda answer: read_list(answer, answer["data"]))
