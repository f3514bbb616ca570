"""Calls about orders and the account they belong to. Lists are asked for with every field that is wanted; cursors live one look only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from connector.connections.graph.subscriptions import page_bucket
from connector.graph.call import Call, Effect, Listed, read_list, read_success
from connector.orders.graph.reading import Sighting, read_sighting
from connector.orders.model.windows import Window

Json = Mapping[str, Any]
PAGE_SIZE = 100
MOST_ACKNOWLEDGED = 100
"""How many orders one acknowledgement may name."""
# Unverified: the most. https://developers.facebook.com/docs/graph-api (read 2026-11-21): `ids`, each of which counts as a call.
MOST_READ = 50
"""How many orders one question may name."""
# https://developers.facebook.com/docs/commerce-platform/order-management (read 2026-11-21): wait 10 s, then 20 s.
PATIENCE, LONGER_PATIENCE = timedelta(seconds=10), timedelta(seconds=20)

_SIGHT = "id,order_status,created,last_updated,channel"
# https://developers.facebook.com/docs/commerce-platform/order-management/order-api (read 2026-11-21); first_name, last_name,
# phone_number and reference_id: magento facebook-for-magento2, Orders (read 2026-11-21).
_ORDER = (
    "id,order_status,created,last_updated,channel,merchant_order_id,ship_by_date,is_test_order,selected_shipping_option,"
    "shipping_address,estimated_payment_details,buyer_details"
)
_ITEM = (
    "id,product_id,retailer_id,product_name,quantity,price_per_unit,tax_details,status,selected_shipping_option,customization,"
    "promotion_details,amount_available_for_refund"
)


class Found(NamedTuple):
    """A Page's commerce account."""

    commerce_account_id: str
    name: str


class Whole(NamedTuple):
    """An order as it was told together with others, with all its lines and promotions."""

    order: Json
    items: tuple[Json, ...]
    promotions: tuple[Json, ...]


class Verdict(NamedTuple):
    """What Meta says of one acknowledged order: `code` 0 means that it is done."""

    external_order_id: str
    code: int
    message: str


def find_account(page_id: str) -> Call[Found | None]:
    """Ask for the account of the Page's shop; None without one."""

    def read(answer: Any) -> Found | None:
        first = next(iter(answer["data"]), None)
        return Found(str(first["id"]), str(first.get("display_name") or "")) if first else None

    # SDK 26.0.3, page.py, get_commerce_merchant_settings; commercemerchantsettings.py, Field
    path, params = f"{page_id}/commerce_merchant_settings", {"fields": "id,display_name"}
    return Call("GET", path, params=params, read=read, bucket=page_bucket(page_id))


def list_managers(account_id: str, page_id: str) -> Call[tuple[str, ...]]:
    """List the apps that manage an account's orders."""
    # SDK 26.0.3, commercemerchantsettings.py, get_order_management_apps
    path = f"{account_id}/order_management_apps"
    return Call("GET", path, read=lambda answer: tuple(str(one["id"]) for one in answer["data"]), bucket=page_bucket(page_id))  # fmt: skip


def associate(account_id: str, page_id: str) -> Call[bool]:
    """Make our app the one that manages an account's orders; again changes nothing."""
    # https://developers.facebook.com/docs/commerce-platform/order-management/order-api (read 2026-11-21)
    return _manage("POST", account_id, page_id)


def release(account_id: str, page_id: str) -> Call[bool]:
    """Have our app manage an account's orders no more; again changes nothing."""
    # https://developers.facebook.com/docs/commerce-platform/order-management/order-api (read 2026-11-21)
    return _manage("DELETE", account_id, page_id)


def _manage(method: str, account_id: str, page_id: str) -> Call[bool]:
    path, bucket = f"{account_id}/order_management_apps", page_bucket(page_id)
    return Call(method, path, read=read_success, bucket=bucket, effect=Effect.REPEATABLE)


def list_orders(
    account_id: str, page_id: str, states: Iterable[str], *, window: Window | None = None, after: str = ""
) -> Call[Listed[Sighting]]:
    """List orders in some states that changed within a window, or all of them, a page at a time; nameless entries are left out."""
    # SDK 26.0.3, page.py, get_commerce_orders: without a state only those that are CREATED. Unverified: the largest page.
    params = {"fields": _SIGHT, "state": ",".join(states), "limit": str(PAGE_SIZE)}
    # Unverified: whether the bounds are in it. A second more on either side has no order fall between two windows.
    if window:
        params["updated_after"] = str(int(window.since.timestamp()) - 1)
    if window and window.until:
        params["updated_before"] = str(int(window.until.timestamp()) + 2)
    path = f"{account_id}/commerce_orders"
    return _list(path, params, page_id, after, lambda data: filter(None, map(read_sighting, data)))


def read_order(order_id: str, page_id: str) -> Call[Json]:
    """Read one order, all but its lines and promotions."""
    return Call("GET", order_id, params={"fields": _ORDER}, read=_document, bucket=page_bucket(page_id))


def read_orders(order_ids: Iterable[str], page_id: str) -> Call[Mapping[str, Whole]]:
    """Read orders by their ids; those are missing of which not all is told at once."""
    # https://developers.facebook.com/docs/graph-api/guides/field-expansion (read 2026-11-21). Magento facebook-for-magento2,
    # getOrders (read 2026-11-22): promotion_details of orders so. Unverified: their items too.
    promotions = f"promotion_details.limit({PAGE_SIZE})"
    params = {"ids": ",".join(order_ids), "fields": f"{_ORDER},items.limit({PAGE_SIZE}){{{_ITEM}}},{promotions}"}
    return Call("GET", "", params=params, read=_read_wholes, bucket=page_bucket(page_id))


def _read_wholes(answer: Any) -> Mapping[str, Whole]:
    found = {name: _read_whole(_document(entry)) for name, entry in answer.items()}
    return {name: whole for name, whole in found.items() if whole is not None}


def _read_whole(order: Json) -> Whole | None:
    """Read an order with its lists; None when its lines are not told, or a list not to its end."""
    # Unverified: a list that nothing stands in may be left out.
    items, promotions = (order.get(name) or {"data": ()} for name in ("items", "promotion_details"))
    if not items["data"] or any((one.get("paging") or {}).get("next") for one in (items, promotions)):
        return None
    return Whole(order, *(tuple(_document(entry) for entry in one["data"]) for one in (items, promotions)))


def list_items(order_id: str, page_id: str, *, after: str = "") -> Call[Listed[Json]]:
    """Read an order's lines, a page at a time."""
    params = {"fields": _ITEM, "limit": str(PAGE_SIZE)}
    return _list(f"{order_id}/items", params, page_id, after, lambda data: map(_document, data))


def list_promotions(order_id: str, page_id: str, *, after: str = "") -> Call[Listed[Json]]:
    """Read what was taken off the whole order, a page at a time."""
    # https://developers.facebook.com/docs/commerce-platform/order-management/order-api (read 2026-11-21)
    params = {"limit": str(PAGE_SIZE)}
    return _list(f"{order_id}/promotion_details", params, page_id, after, lambda data: map(_document, data))


def _list(path: str, params: dict[str, str], page_id: str, after: str, read: Any) -> Call[Any]:
    asked = {**params, "after": after} if after else params
    return Call("GET", path, params=asked, read=lambda answer: read_list(answer, read(answer["data"])), bucket=page_bucket(page_id))  # fmt: skip


def acknowledge(
    account_id: str, page_id: str, key: str, orders: Sequence[tuple[str, str]], *, timeout: timedelta = PATIENCE
) -> Call[list[Verdict]]:
    """Acknowledge orders, each by Meta's id and ours; the same key with the same orders is done once, however often it is sent."""
    # https://developers.facebook.com/docs/commerce-platform/order-management/acknowledgement (read 2026-11-21)
    named = [{"id": order_id, "merchant_order_reference": local_id} for order_id, local_id in orders]
    return Call(
        "POST",
        f"{account_id}/acknowledge_orders",
        body={"idempotency_key": key, "orders": named},
        read=lambda answer: [_verdict(one) for one in answer["orders"]],
        bucket=page_bucket(page_id),
        effect=Effect.ONCE,
        timeout=timeout,
    )


def _verdict(entry: Any) -> Verdict:
    error = entry.get("error") or {}
    return Verdict(str(entry["id"]), int(error.get("error_code") or 0), str(error.get("error_message") or ""))


def _document(entry: Any) -> Json:
    if not isinstance(entry, Mapping):
        raise TypeError("not an object")
    return entry
