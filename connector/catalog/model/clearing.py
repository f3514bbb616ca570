"""What stood in an item and is gone from its product has to be cleared at Meta, which keeps what it is not told.

So a field that was wanted once stays in the item, empty, whatever became of the batch that should have cleared it.
"""

from collections.abc import Mapping
from typing import Any

import orjson

# A product that lost all variants but one would leave its group and come back to it; the group stays instead.
_KEPT = {"item_group_id"}
# It tells once where an item came from; it holds nothing.
_DROPPED = {"previous_id"}
# Unverified: that an empty text, list or object clears a field; facebook-for-woocommerce a1e17a8 relies on it.
# https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21): [] deletes all videos.
_EMPTY: Mapping[type, Any] = {list: [], dict: {}}


def clear(content: str, before: str | None) -> str:
    """Add to an item's content, empty, what its content before had and this one has not."""
    if before is None or before == content:
        return content
    fields, old = orjson.loads(content), orjson.loads(before)
    gone = sorted(old.keys() - fields.keys() - _DROPPED)
    if not gone:
        return content
    return orjson.dumps(fields | {name: _left(name, old[name]) for name in gone}).decode()


def _left(name: str, value: Any) -> Any:
    return value if name in _KEPT else _EMPTY.get(type(value), "")
