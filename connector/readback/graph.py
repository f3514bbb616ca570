"""How Meta is asked what it shows: named items, or the whole catalog page by page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from connector.graph.call import Call, Listed
from connector.readback.model import READ_AS, Seen
from connector.registry.graph import products

_TOLD = "id", "retailer_id", "review_status", "review_rejection_reasons", "image_fetch_status", "errors"
_FIELDS = (*_TOLD, *READ_AS.values())


def named_items(catalog_id: str, names: Sequence[str]) -> Call[Listed[Seen]]:
    """Ask for items by their names; those that are not there are not in the answer."""
    # facebook-for-magento2 and facebook-for-woocommerce filter by retailer_id; is_any is Magento's (read 2026-11-21)
    wanted = orjson.dumps({"retailer_id": {"is_any": list(names)}}).decode()
    return products(catalog_id, _FIELDS, _read, limit=len(names), filter=wanted)


def all_items(catalog_id: str, *, after: str, limit: int) -> Call[Listed[Seen]]:
    """Ask for the next page of everything in the catalog."""
    return products(catalog_id, _FIELDS, _read, limit=limit, after=after)


def _read(entries: Iterable[Mapping[str, Any]]) -> Iterable[Seen]:
    return (_seen(entry) for entry in entries if entry.get("retailer_id"))


def _seen(entry: Mapping[str, Any]) -> Seen:
    return Seen(
        str(entry["retailer_id"]),
        {name: entry.get(name) for name in READ_AS.values()},
        str(entry.get("review_status") or ""),
        tuple(map(str, entry.get("review_rejection_reasons") or ())),
        str(entry.get("image_fetch_status") or ""),
        tuple(entry.get("errors") or ()),
    )
