"""Builds orders out of JSON; what is not said gets a sensible default, and the sums always come out right.

    {"lines": [{"retailer_id", "quantity", "price", "tax", "name", "shipping": {…}}], "shipping": {"name", "price", "tax", …},
     "promotions": [{"level", "amount", "sponsor", …}], "buyer": {…}, "address": {…}, "channel", "currency", "count", …}

An order is read once as a draft, of which any number can be made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from simulator.orders import book
from simulator.orders.documents import Document
from simulator.orders.money import CURRENCY
from simulator.orders.promotions import PROMOTION, Line, apply_promotions
from simulator.orders.state import Buyer, CommerceOrder, Discount, OrderItem, ShippingOption
from simulator.standing import CommerceMerchantSettings
from simulator.state import ProductItem
from simulator.world import World

OPTION = "name reference_id price tax min_days max_days"
LINE = "retailer_id quantity price tax name product_id shipping"
BUYER = "name email phone_number marketing"
ADDRESS = "name first_name last_name street1 street2 city state postal_code country"
ORDER = (
    "lines shipping promotions buyer address channel currency tax_remitted test processing_seconds vanishes count "
    "age_seconds"
)
CHANNELS = ("facebook", "instagram")
DEFAULT_ADDRESS: Mapping[str, str] = {
    "name": "Béatrice Buyer", "first_name": "Béatrice", "last_name": "Buyer", "street1": "1 Main St", "street2": "",
    "city": "Boston", "state": "MA", "postal_code": "02110", "country": "US",
}  # fmt: skip
MAX_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """An order still without ids. A discount's `item_id` is the number of its line."""

    channel: str
    currency: str
    buyer: Buyer
    lines: tuple[Line, ...]
    option: ShippingOption
    discounts: tuple[Discount, ...]
    tax_remitted: bool
    is_test: bool
    processing_seconds: float
    age_seconds: float
    vanishes: bool
    count: int


def read_draft(world: World, account: CommerceMerchantSettings, value: Any) -> Draft:
    """Read an order's JSON."""
    document = Document(value, ORDER)
    currency = document.read("currency", "USD")
    if not CURRENCY.fullmatch(currency):
        raise ValueError(f"currency: expected three capital letters, got {currency!r}")
    wanted = document.each("lines", LINE, default=[{}])
    if not wanted:
        raise ValueError("lines: an order has at least one")
    lines = [_line(world, one, currency) for one in wanted]
    shipping = document.inner("shipping", OPTION)
    option = _option(shipping, currency)
    lines, discounts = apply_promotions(
        lines, option.price, [(one, currency) for one in document.each("promotions", PROMOTION)], new_id=world.new_id
    )
    return Draft(
        document.choice("channel", CHANNELS, "facebook"), currency, _buyer(document), tuple(lines), option,
        tuple(discounts), document.read("tax_remitted", True), document.read("test", account.is_test),
        document.seconds("processing_seconds", world.switches.processing_seconds), document.seconds("age_seconds", 0.0),
        document.read("vanishes", False), document.count("count", 1, most=MAX_COUNT),
    )  # fmt: skip


def place(world: World, account: CommerceMerchantSettings, draft: Draft) -> list[CommerceOrder]:
    """Let buyers place as many orders as the draft says."""
    placed = [_order(world, account, draft) for _ in range(draft.count)]
    for order in placed:
        book.add(world, account, order)
    book.settle(world, account)
    world.clock.wake()
    return placed


def _order(world: World, account: CommerceMerchantSettings, draft: Draft) -> CommerceOrder:
    items = [
        OrderItem(
            world.new_id(), line.product_id or world.new_id(), line.retailer_id, line.name, line.quantity, line.price,
            line.tax, line.option,
        )
        for line in draft.lines
    ]  # fmt: skip
    discounts = tuple(
        replace(one, item_id=items[int(one.item_id)].id) if one.item_id else one for one in draft.discounts
    )
    now = world.clock.now() - draft.age_seconds
    return CommerceOrder(
        id=world.new_id(), account_id=account.id, page_id=account.page_id, sequence=world.next_number(),
        create_time=now, update_time=now, process_until=now + draft.processing_seconds, vanishes=draft.vanishes,
        channel=draft.channel, currency=draft.currency, buyer=draft.buyer, items=items, option=draft.option,
        discounts=discounts, tax_remitted=draft.tax_remitted, is_test=draft.is_test,
    )  # fmt: skip


def _line(world: World, document: Document, currency: str) -> Line:
    retailer_id = document.read("retailer_id", "LAMP-1")
    known = _catalog_item(world, retailer_id)
    data = orjson.loads(known.data) if known else {}
    told, told_currency = str(data.get("price", "10.00 USD")).split()
    if currency != told_currency and "price" not in document:
        raise ValueError(f"{document.at('price')}: give a price in {currency}")
    shipping = document.inner("shipping", OPTION)
    return Line(
        retailer_id=retailer_id,
        product_id=document.read("product_id", known.id if known else ""),
        name=document.read("name", str(data.get("title", f"Product {retailer_id}"))),
        quantity=document.count("quantity", 1),
        price=document.amount("price", currency, told),
        tax=document.amount("tax", currency, "0"),
        option=_option(shipping, currency) if "shipping" in document else None,
    )


def _catalog_item(world: World, retailer_id: str) -> ProductItem | None:
    found = (catalog.items.get(retailer_id) for catalog in world.catalogs())
    return next((item for item in found if item), None)


def _option(document: Document, currency: str) -> ShippingOption:
    return ShippingOption(
        document.read("name", "Standard"), document.read("reference_id", ""), document.amount("price", currency, "0"),
        document.amount("tax", currency, "0"), document.count("min_days", 3, least=0), document.count("max_days", 15, least=0),
    )  # fmt: skip


def _buyer(document: Document) -> Buyer:
    buyer, address = document.inner("buyer", BUYER), document.inner("address", ADDRESS)
    marketing = buyer.read("marketing", False) if "marketing" in buyer else None
    return Buyer(
        buyer.read("name", "Béatrice Buyer"), buyer.read("email", "x1y2@marketplace.facebook.com"),
        buyer.read("phone_number", ""), marketing,
        {name: address.read(name, default) for name, default in DEFAULT_ADDRESS.items()},
    )  # fmt: skip
