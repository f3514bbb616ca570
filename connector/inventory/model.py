"""What a stock line changes about an item. The newest `source_version` wins, for stock and for price each on its own."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from connector.registry.model import Offer, digest
from connector.values import Money


class Outcome(StrEnum):
    """What became of one line."""

    ACCEPTED = "ACCEPTED"
    STALE = "STALE"
    UNKNOWN_ITEM = "UNKNOWN_ITEM"


@dataclass(frozen=True, slots=True)
class Line:
    """The current stock, and the price when it is given, of a product without variants or of one variant."""

    product_id: str
    variant_id: str
    source_version: int
    quantity: int
    track_inventory: bool
    price: Money | None = None
    compare_at_price: Money | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one line; the item's name is empty when it is unknown."""

    product_id: str
    variant_id: str
    outcome: Outcome
    retailer_id: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
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


@dataclass(frozen=True, slots=True)
class Restock:
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


def restock(shelf: Shelf, line: Line) -> Restock:
    """Tell how an item is stored after a line that is newer than what is there."""
    price, compare_at, price_version = _price(shelf, line)
    quantity, counted = line.quantity if line.track_inventory else 0, shelf.counted or line.track_inventory
    wire = None
    if price:
        wire = Offer(
            price=price,
            compare_at_price=compare_at,
            sale_start_time=shelf.sale_start_time,
            sale_end_time=shelf.sale_end_time,
            track_inventory=line.track_inventory,
            quantity=quantity,
            discontinued=shelf.discontinued,
            counted=counted,
        ).wire()
    return Restock(
        retailer_id=shelf.retailer_id,
        offer=wire.decode() if wire else None,
        offer_hash=digest(wire) if wire else None,
        currency_code=price.currency_code if price else None,
        price=price.minor_units if price else None,
        compare_at_price=compare_at.minor_units if compare_at else None,
        track_inventory=line.track_inventory,
        quantity=quantity,
        counted=counted,
        price_version=price_version,
        stock_version=line.source_version,
    )


def restocked(shelf: Shelf, change: Restock) -> Shelf:
    """Tell how an item will be stored, for what comes after a change that is not stored yet."""
    same = (name for name in Restock.__slots__ if name in Shelf.__slots__)
    return replace(shelf, **{name: getattr(change, name) for name in same})


def _price(shelf: Shelf, line: Line) -> tuple[Money | None, Money | None, int]:
    if line.price is not None and line.source_version > shelf.price_version:
        return line.price, line.compare_at_price, line.source_version
    if shelf.price is None or shelf.currency_code is None:
        return None, None, shelf.price_version
    compare_at = None if shelf.compare_at_price is None else Money(shelf.currency_code, shelf.compare_at_price)
    return Money(shelf.currency_code, shelf.price), compare_at, shelf.price_version
