"""What a stock line changes about an item, and what is offered of it."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from connector.inventory.model.stock import Line, Shelf, restock, sells_out, take
from connector.registry.model import LARGEST_QUANTITY, Rules
from connector.values import Money

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHELF = Shelf(
    product_id="p1",
    variant_id="",
    retailer_id="sc_p1",
    stands=True,
    currency_code="BDT",
    price=12_500,
    compare_at_price=None,
    sale_start_time=None,
    sale_end_time=None,
    track_inventory=True,
    quantity=5,
    reserved=0,
    offered=5,
    offer_hash=b"before",
    discontinued=False,
    counted=True,
    hidden=False,
    price_version=0,
    stock_version=0,
    product_version=3,
)
LINE = Line("p1", "", 4, 7, track_inventory=True)
CHEAPER = Money("BDT", 9_900)


def taken(line: Line, shelf: Shelf = SHELF) -> Shelf:
    """Take a line that is newer."""
    after = take(shelf, line)
    assert after is not None
    return after


def offer(shelf: Shelf, rules: Rules | None = None) -> dict[str, Any]:
    """Read what Meta is told of an item."""
    told: dict[str, Any] = orjson.loads(restock(shelf, rules or Rules(), at=NOON).offer or "")
    return told


@pytest.mark.parametrize(("product", "stock", "version"), [(3, 0, 3), (3, 9, 9), (9, 3, 9)])
def test_an_item_is_as_new_as_the_newest_word_about_it(product: int, stock: int, version: int) -> None:
    """The product and the lines about its stock share one count of versions."""
    assert version == SHELF._replace(product_version=product, stock_version=stock).version


def test_stock_alone_keeps_the_price() -> None:
    """A line without a price changes the stock only."""
    after = taken(LINE)
    assert (7, 12_500, 4, 0) == (after.quantity, after.price, after.stock_version, after.price_version)
    assert {"price": "125.00 BDT", "quantity_to_sell_on_facebook": 7}.items() <= offer(after).items()


def test_a_price_replaces_both_prices() -> None:
    """A line with a price says all about it: without a former price there is no reduction."""
    after = taken(LINE._replace(price=CHEAPER), SHELF._replace(compare_at_price=20_000))
    assert (9_900, None, 4) == (after.price, after.compare_at_price, after.price_version)


def test_a_price_alone_keeps_the_stock_and_its_version() -> None:
    """A line about the price only leaves the stock as it was told, and open to whoever told it later than that."""
    after = taken(LINE._replace(price=CHEAPER, price_only=True, source_version=9))
    assert (5, 0, 9_900, 9) == (after.quantity, after.stock_version, after.price, after.price_version)
    assert (7, 9_900) == (taken(LINE, after).quantity, taken(LINE._replace(price=Money("BDT", 1)), after).price)


@pytest.mark.parametrize(
    ("version", "price_only", "taken_parts"),
    [(3, False, ()), (3, True, ()), (4, False, ("price",)), (6, False, ("price",)), (9, False, ("stock", "price"))],
)
def test_stock_and_price_are_each_as_new_as_their_own_word(
    version: int, *, price_only: bool, taken_parts: tuple[str, ...]
) -> None:
    """Of a line with both, each part counts when it is newer than what is stored of that part."""
    shelf = SHELF._replace(stock_version=6)
    after = take(shelf, LINE._replace(source_version=version, price=CHEAPER, price_only=price_only)) or shelf
    changed = {"stock": after.stock_version != shelf.stock_version, "price": after.price != shelf.price}
    assert taken_parts == tuple(part for part, new in changed.items() if new)


def test_an_item_without_a_price_waits() -> None:
    """Stock of an item our checks refused is kept, and there is nothing to send yet."""
    stored = restock(taken(LINE, SHELF._replace(price=None, currency_code=None)), Rules(), at=NOON)
    assert (None, None, 7) == (stored.offer, stored.offer_hash, stored.quantity)


def test_a_quantity_that_is_not_counted_is_not_kept() -> None:
    """Without counting the item is in stock and its quantity is cleared."""
    after = taken(LINE._replace(track_inventory=False))
    assert (0, "in stock", "") == (
        after.quantity,
        offer(after)["availability"],
        offer(after)["quantity_to_sell_on_facebook"],
    )


@pytest.mark.parametrize(
    ("quantity", "reserved", "safety", "last", "offered"),
    [
        (5, 0, 0, 0, 5), (5, 2, 0, 0, 3), (5, 2, 1, 0, 2), (5, 2, 1, 1, 2), (5, 2, 1, 2, 0), (5, 5, 0, 0, 0), (5, 9, 0, 0, 0),
        (0, 0, 0, 0, 0), (1, 0, 0, 1, 0), (3, 0, 9, 0, 0), (LARGEST_QUANTITY, 1, 0, 0, LARGEST_QUANTITY - 1),
    ],
)  # fmt: skip
def test_what_is_reserved_or_held_back_is_not_offered(
    quantity: int, reserved: int, safety: int, last: int, offered: int
) -> None:
    """Offered is what is left after holds and the safety stock, and nothing from the last units down; never without availability."""
    shelf, rules = SHELF._replace(quantity=quantity, reserved=reserved), Rules(safety_stock=safety, last_units=last)
    told = offer(shelf, rules)
    assert (offered, "in stock" if offered else "out of stock") == (
        told["quantity_to_sell_on_facebook"],
        told["availability"],
    )


def test_a_hidden_item_is_out_of_stock() -> None:
    """What Meta does not confirm is shown as out of stock, counted or not."""
    hidden = SHELF._replace(hidden=True)
    assert ("out of stock", 0) == (offer(hidden)["availability"], offer(hidden)["quantity_to_sell_on_facebook"])
    uncounted = hidden._replace(track_inventory=False, counted=False)
    assert ("out of stock", False) == (
        offer(uncounted)["availability"],
        "quantity_to_sell_on_facebook" in offer(uncounted),
    )


@pytest.mark.parametrize(
    ("before", "after", "sold_out"),
    [
        ({}, {"quantity": 0}, True),
        ({}, {"quantity": 1}, False),
        ({"offered": 0, "quantity": 0}, {}, False),
        ({"stands": False}, {"quantity": 0}, False),
        ({"offer_hash": None}, {"quantity": 0}, False),
        ({"discontinued": True}, {"quantity": 0}, False),
        ({"hidden": True}, {"quantity": 0}, False),
        ({"track_inventory": False, "offered": None}, {"track_inventory": True, "quantity": 0}, True),
        ({"quantity": 0, "offered": 0}, {"track_inventory": False}, False),
    ],
)
def test_selling_out(before: dict[str, Any], after: dict[str, Any], *, sold_out: bool) -> None:
    """An item sells out when Meta shows it as in stock and is told otherwise."""
    shelf = SHELF._replace(**before)
    assert sold_out == sells_out(shelf, shelf._replace(**after), Rules())


@pytest.mark.parametrize(
    ("flipped", "looked_at", "alarm"),
    [(9, 10, False), (10, 49, True), (10, 50, False), (300, 1_000, True), (0, 0, False)],
)
def test_an_alarm_needs_a_share_and_a_number(flipped: int, looked_at: int, *, alarm: bool) -> None:
    """More than the set share of the items, and more than a handful of them."""
    assert alarm == Rules(flip_alarm_percent=20).too_many_flips(flipped, looked_at)
