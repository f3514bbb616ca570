"""How Meta is asked for everything that stands in a catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connector.adoption.model import Seen
from connector.graph.call import Call
from connector.registry.graph import catalog_bucket

# SDK 26.0.3, productitem.py, ProductItem.Field → our name
_FIELDS: Mapping[str, str] = {
    "retailer_id": "retailer_id",
    "id": "item_id",
    "name": "title",
    "url": "link",
    "gtin": "gtin",
    "manufacturer_part_number": "mpn",
    "retailer_product_group_id": "item_group_id",
    "product_type": "product_type",
}


@dataclass(frozen=True, slots=True)
class Shelf:
    """A page of a catalog: its items, and the cursor to go on with; empty at the end."""

    items: tuple[Seen, ...]
    after: str


def list_products(catalog_id: str, *, after: str, limit: int) -> Call[Shelf]:
    """Read a page of a catalog's items, whoever put them there."""
    # SDK 26.0.3, productcatalog.py, get_products
    paged = {"fields": ",".join(_FIELDS), "limit": str(limit)} | ({"after": after} if after else {})
    return Call(
        "GET",
        f"{catalog_id}/products",
        read=_read_shelf,
        params=paged,
        bucket=catalog_bucket(catalog_id),
        timeout=timedelta(seconds=60),
    )


def _read_shelf(answer: Any) -> Shelf:
    paging = answer.get("paging") or {}
    # https://developers.facebook.com/docs/graph-api/results (read 2026-11-21): only a missing `next` means the end.
    after = str(paging["cursors"]["after"]) if paging.get("next") else ""
    return Shelf(tuple(_read_item(entry) for entry in answer["data"]), after)


def _read_item(entry: Mapping[str, Any]) -> Seen:
    values = {ours: entry.get(theirs) for theirs, ours in _FIELDS.items()}
    return Seen(**{name: "" if value is None else str(value) for name, value in values.items()})
