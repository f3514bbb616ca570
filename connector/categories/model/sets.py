"""A category's product set at Meta: its name, what selects its items, and what is said of it.

A set's items are selected by the label of its category, which they carry: so a product that comes, goes or moves changes no set.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from connector.categories.model.placing import label
from connector.categories.model.tree import Category

LOOKED_UP_EVERY = timedelta(hours=24)
COUNTED_AFTER = timedelta(minutes=10)
"""After sets were sent, Meta is asked how many items it counts in them."""


class State(StrEnum):
    """Where a set stands; computed by the database."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    REMOVAL_PENDING = "REMOVAL_PENDING"
    REMOVED = "REMOVED"


@dataclass(frozen=True, slots=True)
class Wish:
    """A set as it should be; `document` holds Meta's fields but the id, as JSON text."""

    category_id: str
    retailer_id: str
    name: str
    document: str


@dataclass(frozen=True, slots=True)
class Due:
    """A set that Meta does not have as it should. `stands`: something of ours may stand there, known as `set_id` or not."""

    category_id: str
    retailer_id: str
    wanted: bool
    document: str
    set_id: str
    stands: bool
    allow_live: bool

    @property
    def fields(self) -> dict[str, Any]:
        """Read Meta's fields."""
        fields: dict[str, Any] = orjson.loads(self.document)
        return fields


@dataclass(frozen=True, slots=True)
class ProductSet:
    """A set as callers see it."""

    category_id: str
    retailer_id: str
    set_id: str
    state: State
    name: str
    product_count: int
    reason: str
    message: str
    confirm_time: datetime | None
    check_time: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A set as Meta lists it."""

    set_id: str
    retailer_id: str
    product_count: int


def digest(document: str) -> bytes:
    """Hash what is wanted of a set."""
    return hashlib.sha256(document.encode()).digest()


def retailer_id(category_id: str) -> str:
    """Name a category's set. StormCom's ids have at most 64 characters, so that this stays within Meta's 100."""
    return f"scs_{category_id}"


def wish(category: Category) -> Wish:
    """Write the set of a category."""
    # Unverified: what `ordering_info` orders, and the 200 characters of the description; the list of numbers is the SDK's type
    # (26.0.3, productcatalog.py, create_product_set).
    fields: dict[str, Any] = {
        "name": category.name,
        # facebook-for-woocommerce: `tags` are the internal labels. Unverified: that `eq` looks for one among several.
        "filter": orjson.dumps({"tags": {"eq": label(category.category_id)}}).decode(),
        # facebook-for-woocommerce, meta-for-magento2: the metadata's names; an empty text is left out.
        "metadata": orjson.dumps(_metadata(category)).decode(),
    }
    if category.position is not None:
        fields["ordering_info"] = [category.position]
    return Wish(category.category_id, retailer_id(category.category_id), category.name, orjson.dumps(fields).decode())


def _metadata(category: Category) -> dict[str, str]:
    said = {
        "cover_image_url": category.cover_image_link,
        "external_url": category.link,
        "description": category.description,
    }
    return {name: text for name, text in said.items() if text}
