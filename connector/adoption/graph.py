"""How Meta is asked for everything that stands in a catalog."""

from collections.abc import Mapping
from typing import Any

from connector.adoption.model import Seen
from connector.graph.call import Call, Listed
from connector.registry.graph import products

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


def list_products(catalog_id: str, *, after: str, limit: int) -> Call[Listed[Seen]]:
    """Read a page of a catalog's items."""
    return products(catalog_id, _FIELDS, lambda entries: map(_read_item, entries), limit=limit, after=after)


def _read_item(entry: Mapping[str, Any]) -> Seen:
    values = {ours: entry.get(theirs) for theirs, ours in _FIELDS.items()}
    return Seen(**{name: "" if value is None else str(value) for name, value in values.items()})
