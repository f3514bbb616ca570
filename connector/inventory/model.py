"""What a stock line changes about an item. The newest `source_version` wins, for stock and for price each on its own."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from connector.registry.model import Offer, digest
from connector.values import Money


class Outcome(StrEnum):
    """What became of one line."""

    ACCEPTED = "ACCEPTED"
    STALE = "STALE"
    UNKNOWN_ITEM = "UNKNOWN_ITEM"


class Line(NamedTuple):
    """The current stock, and the price when it is given, of a product without variants or of one variant."""

    product_id: str
    variant_id: str
    source_version: int
    quantity: int
    track_inventory: bool
    price: Money | None = None
    compare_at_price: Money | None = None


class Result(NamedTuple):
    """What became of one line; the item's name is empty when it is unknown."""

    product_id: str
    variant_id: str
    outcome: Outcome
    retailer_id: str = ""


class Shelf(NamedTuple):
    """An item's stock and price as they are stored, and what they depend on."""

    product_id: str
    variant_id: str
    retailer_id: str
    currency_code: str | None
    price: int | None
    compare_at_price: int | None
    sale_start_time: datetime | None
    sale_end_time: datetime | None
    track_inventory: bool
    quantity: int
    discontinued: bool
    counted: bool
    price_version: int
    stock_version: int
    product_version: int

    @property
    def version(self) -> int:
        """Tell the newest version its stock comes from."""
        return max(self.product_version, self.stock_version)


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


_SAME = [name for name in Restock._fields if name in Shelf._fields]


def restock(shelf: Shelf, line: Line) -> Restock:
    """Tell how an item is stored after a line that is newer than what is there."""
    price, compare_at, price_version = _price(shelf, line)
    tracked, counted = line.track_inventory, shelf.counted or line.track_inventory
    quantity = line.quantity if tracked else 0
    wire = None
    if price:
        sale = shelf.sale_start_time, shelf.sale_end_time
        wire = Offer(price, compare_at, *sale, tracked, quantity, shelf.discontinued, counted).wire()
    return Restock(  # in the order of its class
        shelf.retailer_id,
        wire.decode() if wire else None,
        digest(wire) if wire else None,
        price.currency_code if price else None,
        price.minor_units if price else None,
        compare_at.minor_units if compare_at else None,
        tracked,
        quantity,
        counted,
        price_version,
        line.source_version,
    )


def restocked(shelf: Shelf, change: Restock) -> Shelf:
    """Tell how an item will be stored, for what comes after a change that is not stored yet."""
    return shelf._replace(**{name: getattr(change, name) for name in _SAME})


def _price(shelf: Shelf, line: Line) -> tuple[Money | None, Money | None, int]:
    if line.price is not None and line.source_version > shelf.price_version:
        return line.price, line.compare_at_price, line.source_version
    if shelf.price is None or shelf.currency_code is None:
        return None, None, shelf.price_version
    compare_at = None if shelf.compare_at_price is None else Money(shelf.currency_code, shelf.compare_at_price)
    return Money(shelf.currency_code, shelf.price), compare_at, shelf.price_version
