"""What a stock line changes about an item."""

import orjson
import pytest

from connector.inventory.model.stock import Line, Restock, Shelf, restock, take
from connector.registry.model import Rules
from connector.values import Money

SHELF = Shelf(
    product_id="p1",
    variant_id="",
    retailer_id="sc_p1",
    product_version=3,
    stands=True,
    reserved=0,
    offered=5,
    offer_hash=b"before",
    hidden=False,
    currency_code="BDT",
    price=12_500,
    compare_at_price=None,
    sale_start_time=None,
    sale_end_time=None,
    track_inventory=True,
    quantity=5,
    discontinued=False,
    counted=True,
    price_version=0,
    stock_version=0,
)
LINE = Line("p1", "", 4, 7, track_inventory=True)


@pytest.mark.parametrize(("product", "stock", "version"), [(3, 0, 3), (3, 9, 9), (9, 3, 9)])
def test_an_item_is_as_new_as_the_newest_word_about_it(product: int, stock: int, version: int) -> None:
    """The product and the lines about its stock share one count of versions."""
    assert version == SHELF._replace(product_version=product, stock_version=stock).version


def test_stock_alone_keeps_the_price() -> None:
    """A line without a price changes the stock only."""
    changed = restock(SHELF, LINE)
    assert (7, 12_500, 4, 0) == (changed.quantity, changed.price, changed.stock_version, changed.price_version)
    assert {"price": "125.00 BDT", "quantity_to_sell_on_facebook": 7}.items() <= orjson.loads(
        changed.offer or ""
    ).items()


def test_a_price_replaces_both_prices() -> None:
    """A line with a price says all about it: without a former price there is no reduction."""
    shelf = SHELF._replace(compare_at_price=20_000)
    changed = restock(shelf, LINE._replace(price=Money("BDT", 9_900)))
    assert (9_900, None, 4) == (changed.price, changed.compare_at_price, changed.price_version)


def test_an_item_without_a_price_waits() -> None:
    """Stock of an item our checks refused is kept, and there is nothing to send yet."""
    changed = restock(SHELF._replace(price=None, currency_code=None), LINE)
    assert (None, None, 7) == (changed.offer, changed.offer_hash, changed.quantity)


def test_a_quantity_that_is_not_counted_is_not_kept() -> None:
    """Without counting the item is in stock and its quantity is cleared."""
    changed = restock(SHELF, LINE._replace(track_inventory=False))
    assert (0, "in stock", "") == (
        changed.quantity,
        orjson.loads(changed.offer or "")["availability"],
        orjson.loads(changed.offer or "")["quantity_to_sell_on_facebook"],
    )
