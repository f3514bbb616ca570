"""An item as a row of the products feed.

The columns are Meta's fields. What no column can carry makes the item unfit for a file: it travels in a batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connector.feeds.model.files import LARGEST_ROW_BYTES
from connector.registry.model import Cargo

# facebook-for-woocommerce a1e17a8, its feed's header, and https://developers.facebook.com/docs/marketing-api/catalog-batch/reference
# (read 2026-11-21). Unverified: that a feed takes every field of a batch by the same name.
_TEXTS = (
    "title", "description", "rich_text_description", "availability", "condition", "price", "sale_price",
    "sale_price_effective_date", "link", "image_link", "brand", "item_group_id", "color", "size", "pattern", "material",
    "additional_variant_attribute", "gender", "age_group", "google_product_category", "fb_product_category",
    "product_type", "gtin", "mpn", "quantity_to_sell_on_facebook", "expiration_date", "shipping_weight", "mobile_link",
    "visibility", "status", "short_description", "previous_id", "origin_country", "commerce_tax_category", "checkout_url",
    *(f"custom_label_{number}" for number in range(5)), *(f"custom_number_{number}" for number in range(5)),
)  # fmt: skip
_LINKS = ("additional_image_link",)
# Unverified: labels as a list in brackets, each in single quotes.
_LABELS = ("internal_label", "disabled_capabilities")
_MOST_VIDEOS = 5
_VIDEOS = tuple(f"video[{place}].url" for place in range(_MOST_VIDEOS))
HEADER = ("id", *_TEXTS, *_LINKS, *_LABELS, *_VIDEOS)
"""The columns, in their order."""


def write_row(cargo: Cargo) -> Sequence[str] | None:
    """Write an item's row; None when a file cannot carry it whole."""
    # Unverified: that an empty cell clears a field, as an empty text does in a batch.
    fields: dict[str, Any] = orjson.loads(cargo.content or "{}") | orjson.loads(cargo.offer or "{}")
    cells: dict[str, str] = {"id": cargo.retailer_id}
    for name, value in fields.items():
        written = _cells(name, value)
        if written is None:
            return None
        cells |= written
    row = [cells.get(name, "") for name in HEADER]
    return row if sum(len(cell.encode()) + 3 for cell in row) <= LARGEST_ROW_BYTES else None


def _cells(name: str, value: Any) -> Mapping[str, str] | None:
    """Write a field as its cells; None when no cell can carry it: what has no column cannot be cleared by one either."""
    if value in ("", []) and name in HEADER:
        return {}
    if name in _LINKS and isinstance(value, list):
        # graph-api.md 4.9: one cell, joined by commas; a comma inside a link is written as its escape.
        return {name: ",".join(str(link).replace(",", "%2C") for link in value)}
    if name in _LABELS and isinstance(value, list):
        return None if any("'" in str(label) or "\\" in str(label) for label in value) else {name: _quoted(value)}
    if name == "video" and value:  # none at all is said by a batch, whose empty list Meta documents to delete them
        return _video_cells(value)
    return {name: str(value)} if name in _TEXTS and isinstance(value, str | int) else None


def _quoted(words: Sequence[Any]) -> str:
    return "[" + ",".join(f"'{word}'" for word in words) + "]"


def _video_cells(videos: Sequence[Mapping[str, Any]]) -> Mapping[str, str] | None:
    plain = len(videos) <= _MOST_VIDEOS and all(set(one) == {"url"} for one in videos)
    return {_VIDEOS[place]: str(one["url"]) for place, one in enumerate(videos)} if plain else None
