"""How Meta is asked what it shows: named items, or the whole catalog page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from connector.graph.call import Call
from connector.readback.model import READ_AS, Seen
from connector.registry.graph import catalog_bucket

_TOLD = "id", "retailer_id", "review_status", "review_rejection_reasons", "image_fetch_status", "errors"
_FIELDS = ",".join((*_TOLD, *READ_AS.values()))


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, and the cursor to go on with; empty at the end."""

    items: tuple[Seen, ...]
    after: str


def named_items(catalog_id: str, names: Sequence[str]) -> Call[Page]:
    """Ask for items by their names; those that are not there are not in the answer."""
    # facebook-for-magento2 and facebook-for-woocommerce filter by retailer_id; is_any is Magento's (read 2026-11-21)
    wanted = orjson.dumps({"retailer_id": {"is_any": list(names)}}).decode()
    return _products(catalog_id, {"filter": wanted, "limit": str(len(names))})


def all_items(catalog_id: str, *, after: str, limit: int) -> Call[Page]:
    """Ask for the next page of everything in the catalog."""
    return _products(catalog_id, {"limit": str(limit)} | ({"after": after} if after else {}))


def _products(catalog_id: str, params: Mapping[str, str]) -> Call[Page]:
    # SDK 26.0.3, productcatalog.py, get_products
    return Call(
        "GET",
        f"{catalog_id}/products",
        read=_read,
        params={"fields": _FIELDS, **params},
        bucket=catalog_bucket(catalog_id),
        timeout=timedelta(seconds=60),
    )


def _read(answer: Any) -> Page:
    paging = answer.get("paging") or {}
    after = paging["cursors"]["after"] if paging.get("next") else ""
    return Page(tuple(_seen(entry) for entry in answer["data"] if entry.get("retailer_id")), str(after))


def _seen(entry: Mapping[str, Any]) -> Seen:
    return Seen(
        str(entry["retailer_id"]),
        {name: entry.get(name) for name in READ_AS.values()},
        str(entry.get("review_status") or ""),
        tuple(map(str, entry.get("review_rejection_reasons") or ())),
        str(entry.get("image_fetch_status") or ""),
        tuple(entry.get("errors") or ()),
    )
