"""A product as StormCom wants it, and a listing: the same as items Meta can take, checked and written.

What is made for every product of a push is a named tuple: making a frozen dataclass takes several times as long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import methodcaller
from typing import Any, NamedTuple

import orjson

from connector.catalog.model.placing import Placement, read_placement
from connector.registry.model import ItemFault, Severity
from connector.values import Money

SNAPSHOT_TIME = timedelta(hours=24)


class ProductStatus(StrEnum):
    """Whether a product should be for sale."""

    UNSPECIFIED = "UNSPECIFIED"
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    HIDDEN = "HIDDEN"


class Outcome(StrEnum):
    """What became of one product of a call."""

    ACCEPTED = "ACCEPTED"
    UNCHANGED = "UNCHANGED"
    STALE = "STALE"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


class Weight(NamedTuple):
    """A weight in thousandths of a unit, as Meta spells units; the unit is empty when none was given."""

    milli_units: int
    unit: str


class ShippingPrice(NamedTuple):
    """What shipping costs somewhere."""

    country_code: str
    region: str
    service: str
    price: Money | None


class Media(NamedTuple):
    """A film, and words that tell what it shows."""

    url: str
    tags: tuple[str, ...]


class AppLink(NamedTuple):
    """A link that opens a product in an app; the platform is empty when none was given."""

    platform: str
    url: str
    app_name: str
    app_id: str


class Importer(NamedTuple):
    """Who imported a product; the address by Meta's names of its parts."""

    name: str
    address: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rating:
    """What buyers think of a product."""

    count: int
    average_hundredths: int


class Details(NamedTuple):
    """What few products say of themselves: apart, so that the others need not be asked for each."""

    rich_text_description: str = ""
    internal_labels: tuple[str, ...] = ()
    custom_labels: tuple[str, ...] = ()
    custom_numbers: tuple[int, ...] = ()
    shipping_weight: Weight | None = None
    shipping_prices: tuple[ShippingPrice, ...] = ()
    videos: tuple[Media, ...] = ()
    app_links: tuple[AppLink, ...] = ()
    mobile_link: str = ""
    checkout_url: str = ""
    disabled_capabilities: tuple[str, ...] = ()
    expiration_date: str = ""
    origin_country: str = ""
    importer: Importer | None = None
    vendor_id: str = ""
    ordering_index: int | None = None
    rating: Rating | None = None


class Variant(NamedTuple):
    """One sellable form of a product; of a product without variants, the product itself, with an empty id."""

    variant_id: str
    path: str
    options: Mapping[str, str]
    price: Money | None
    compare_at_price: Money | None
    image_links: tuple[str, ...]
    gtin: str
    mpn: str
    link: str
    track_inventory: bool
    quantity: int
    sku: str = ""
    shipping_weight: Weight | None = None
    previous_id: str = ""


class Product(NamedTuple):
    """A product as StormCom wants it. `path` is empty or ends in a dot: it leads to the product's fields in the request."""

    product_id: str
    status: ProductStatus
    title: str
    description: str
    link: str
    image_links: tuple[str, ...]
    brand: str
    price: Money | None
    compare_at_price: Money | None
    sale_start_time: datetime | None
    sale_end_time: datetime | None
    condition: str
    categories: tuple[str, ...]
    google_product_category: str
    fb_product_category: str
    discontinued: bool
    gender: str
    age_group: str
    variants: tuple[Variant, ...]
    category_ids: tuple[str, ...] = ()
    details: Details | None = None


class Draft(NamedTuple):
    """One item about to be stored. `content` is Meta's fields as JSON text; None when our checks refuse the item."""

    variant_id: str
    title: str
    content: str | None
    price: Money | None
    compare_at_price: Money | None
    sale_start_time: datetime | None
    sale_end_time: datetime | None
    track_inventory: bool
    quantity: int
    discontinued: bool
    faults: tuple[ItemFault, ...] = ()
    sku: str = ""
    placement: Placement | None = None


class Listing(NamedTuple):
    """What a product comes to: its items, none when it is not for sale."""

    product_id: str
    source_version: int
    digest: bytes
    drafts: tuple[Draft, ...]

    @property
    def faults(self) -> tuple[ItemFault, ...]:
        """Everything found, each once."""
        return tuple(dict.fromkeys(fault for draft in self.drafts for fault in draft.faults))

    @property
    def refused(self) -> bool:
        """Whether our checks refuse any of its items."""
        return any(fault.severity is Severity.ERROR for draft in self.drafts for fault in draft.faults)


class Result(NamedTuple):
    """What became of one product: its items' names in the order of its variants, and what is wrong with it."""

    product_id: str
    outcome: Outcome
    retailer_ids: tuple[str, ...] = ()
    faults: tuple[ItemFault, ...] = ()


def write_drafts(drafts: Sequence[Draft]) -> str:
    """Write checked items for keeping."""
    return orjson.dumps([draft._asdict() for draft in drafts], default=methodcaller("_asdict")).decode()


def read_drafts(kept: str) -> tuple[Draft, ...]:
    """Read what `write_drafts` wrote."""
    return tuple(_draft(entry) for entry in orjson.loads(kept))


def _draft(entry: dict[str, Any]) -> Draft:
    amounts = {name: entry[name] and Money(**entry[name]) for name in ("price", "compare_at_price")}
    times = {name: entry[name] and datetime.fromisoformat(entry[name]) for name in ("sale_start_time", "sale_end_time")}
    faults = tuple(ItemFault(**fault | {"severity": Severity(fault["severity"])}) for fault in entry["faults"])
    placement = entry.get("placement") and read_placement(entry["placement"])
    return Draft(**entry | amounts | times | {"faults": faults, "placement": placement})
