"""What the category tree says of a product, put into its items: where the product itself says nothing.

Only these fields of an item depend on the tree, so they alone are written anew when the tree changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from connector.catalog.model.terms import category_path
from connector.categories.model.placing import LABEL, Place


class Placement(NamedTuple):
    """The categories a product is in, the main one first, and which of the fields it says itself."""

    category_ids: tuple[str, ...]
    own: tuple[str, ...]


def read_placement(kept: Mapping[str, Sequence[str]]) -> Placement:
    """Read a placement as it is kept."""
    return Placement(tuple(kept["category_ids"]), tuple(kept["own"]))


def put(content: str, placement: Placement, place: Place) -> str:
    """Write an item's fields with what its product takes from the tree; the merchant's own labels stay."""
    fields: dict[str, Any] = orjson.loads(content)
    taken = {
        "product_type": category_path(place.path),
        "google_product_category": place.google,
        "fb_product_category": place.facebook,
    }
    labels = [label for label in fields.get("internal_label", ()) if not label.startswith(LABEL)]
    fields |= {name: text for name, text in taken.items() if name not in placement.own}
    return orjson.dumps(fields | {"internal_label": [*labels, *place.labels]}).decode()
