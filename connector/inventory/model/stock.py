"""What a stock line changes about an item. The newest `source_version` wins, for stock and for price each on its own."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from connector.registry.model import LARGEST_QUANTITY, Offer, Rules, digest
from connector.values import Money

Key = tuple[str, str]
"""A product's and a variant's id; the variant's is empty for a product without variants."""


class Outcome(StrEnum):
    """What became of one line."""

    ACCEPTED = "ACCEPTED"
    STALE = "STALE"
    UNKNOWN_ITEM = "UNKNOWN_ITEM"


class Line(NamedTuple):
    """The current stock, and the price when it is given, of a product without variants or of one variant.

    `price_only`: it says nothing about the stock.
    """

    product_id: str
    variant_id: str
    source_version: int
    quantity: int
    track_inventory: bool
    price: Money | None = None
    compare_at_price: Money | None = None
    price_only: bool = False


class Result(NamedTuple):
    """What became of one line; the item's name is empty when it is unknown."""

    product_id: str
    variant_id: str
    outcome: Outcome
    retailer_id: str = ""


class Shelf(NamedTuple):
    """An item's stock and price as they are stored, and what they depend on; `offered` is None where nothing is counted."""

    product_id: str
    variant_id: str
    retailer_id: str
    stands: bool
    currency_code: str | None
    price: int | None
    compare_at_price: int | None
    sale_start_time: datetime | None
    sale_end_time: datetime | None
    track_inventory: bool
    quantity: int
    reserved: int
    offered: int | None
    offer_hash: bytes | None
    discontinued: bool
    counted: bool
    hidden: bool
    price_version: int
    stock_version: int
    product_version: int = 0

    @property
    def version(self) -> int:
        """Tell the newest version its stock comes from."""
        return max(self.product_version, self.stock_version)

    @property
    def available(self) -> int:
        """Tell how many pieces can still be reserved; nearly any number where nobody counts them."""
        return max(0, (self.quantity if self.track_inventory else LARGEST_QUANTITY) - self.reserved)


class Restock(NamedTuple):
    """An item's stock and price as they should be stored; without any price there is nothing to send yet."""

    retailer_id: str
    offer: str | None
    offer_hash: bytes | None
    currency_code: str | None
    price: int | None
    compare_at_price: int | None
    track_inventory: bool
    quantity: int
    counted: bool
    price_version: int
    stock_version: int


def take(shelf: Shelf, line: Line) -> Shelf | None:
    """Tell how an item stands after a line; None when the line knows nothing newer."""
    version = line.source_version
    newer_stock = not line.price_only and version > shelf.version
    if newer_stock:
        shelf = shelf._replace(
            track_inventory=line.track_inventory,
            quantity=line.quantity if line.track_inventory else 0,
            counted=shelf.counted or line.track_inventory,
            stock_version=version,
        )
    if line.price is None or version <= max(shelf.price_version, shelf.product_version):
        return shelf if newer_stock else None
    return shelf._replace(
        currency_code=line.price.currency_code,
        price=line.price.minor_units,
        compare_at_price=line.compare_at_price and line.compare_at_price.minor_units,
        price_version=version,
    )


def restock(shelf: Shelf, rules: Rules, *, at: datetime) -> Restock:
    """Tell how an item is stored: offered by these rules, as of this moment."""
    wire = _wire(shelf, rules, at)
    return Restock(  # in the order of its class
        shelf.retailer_id,
        wire.decode() if wire else None,
        digest(wire) if wire else None,
        shelf.currency_code,
        shelf.price,
        shelf.compare_at_price,
        shelf.track_inventory,
        shelf.quantity,
        shelf.counted,
        shelf.price_version,
        shelf.stock_version,
    )


def _wire(shelf: Shelf, rules: Rules, at: datetime) -> bytes | None:
    if shelf.price is None or shelf.currency_code is None:
        return None
    price = Money(shelf.currency_code, shelf.price)
    compare_at = None if shelf.compare_at_price is None else Money(shelf.currency_code, shelf.compare_at_price)
    offer = Offer(
        price,
        compare_at,
        shelf.sale_start_time,
        shelf.sale_end_time,
        shelf.track_inventory,
        shelf.quantity,
        shelf.discontinued,
        shelf.counted,
        shelf.reserved,
        shelf.hidden,
    )
    return offer.wire(rules, at=at)


def sells_out(before: Shelf, after: Shelf, rules: Rules) -> bool:
    """Tell whether an item that Meta shows as in stock becomes out of stock."""
    if not (before.stands and before.offer_hash) or before.offered == 0 or before.discontinued or before.hidden:
        return False
    return after.track_inventory and not rules.offered(after.quantity, reserved=after.reserved)
