"""Stock and price in their own lane: newest wins, one call for many changes, current values only."""

import asyncio
import random

import grpc
import pytest

from simulator.batches import remove_item
from simulator.state import ProductCatalog
from stormcom.facebook.v1.inventory_pb2 import InventoryResult
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, product, reason_of, shirt
from tests.integration.inventory.shelf import line, quantity

ACCEPTED, STALE = InventoryResult.OUTCOME_ACCEPTED, InventoryResult.OUTCOME_STALE
UNKNOWN = InventoryResult.OUTCOME_UNKNOWN_ITEM


@pytest.fixture
def shop(stocked: Shop) -> Shop:
    """The store with its stock."""
    return stocked


async def test_a_change_reaches_meta_and_is_confirmed(shop: Shop) -> None:
    """Stock travels with its availability, alone, and the item is confirmed again."""
    [result] = await shop.stock(line("p1", 2, 0))
    assert (ACCEPTED, "sc_p1", {"sc_p1": "PENDING"}) == (
        result.outcome, result.retailer_id, {"sc_p1": (await shop.states())["sc_p1"]},
    )  # fmt: skip
    await shop.settle(minutes=1)
    assert ("out of stock", 0) == quantity(shop, "sc_p1")
    assert "CONFIRMED" == (await shop.states())["sc_p1"]
    assert "title" not in str(shop.batches()[-1])


async def test_every_line_is_answered(shop: Shop) -> None:
    """Newest wins; what is older, as old, or unknown is answered so, in the order asked."""
    await shop.stock(line("p1", 5, 9))
    results = await shop.stock(line("p1", 5, 8), line("nobody", 1, 1), line("p2", 2, 7, "S"), line("p2", 2, 7))
    assert [STALE, UNKNOWN, ACCEPTED, UNKNOWN] == [one.outcome for one in results]
    await shop.settle(minutes=1)
    assert (("in stock", 9), ("in stock", 7)) == (quantity(shop, "sc_p1"), quantity(shop, "sc_p2.S"))


async def test_an_id_is_only_a_name(shelved: Shop) -> None:
    """A word of SQL as an id is an id like any other."""
    await shelved.upsert(product("NULL"))
    [result] = await shelved.stock(line("NULL", 2, 3))
    assert (ACCEPTED, "sc_NULL") == (result.outcome, result.retailer_id)


async def test_many_changes_become_one_call(shop: Shop) -> None:
    """What is sent is the value at the time of sending, once."""
    before = len(shop.batches())
    for version in range(2, 30):
        await shop.stock(line("p1", version, version), line("p2", version, version, "S"))
    await shop.settle(minutes=1)
    assert (before + 1, ("in stock", 29)) == (len(shop.batches()), quantity(shop, "sc_p1"))


async def test_changes_in_flight_follow(shop: Shop) -> None:
    """While a change is on its way the next waits; the last one is what Meta has in the end."""
    shop.world.switches.change(batch_seconds=30.0)
    for version in range(2, 6):
        await shop.stock(line("p1", version, version))
        await shop.turn()
    await shop.settle(minutes=4)
    assert ("in stock", 5) == quantity(shop, "sc_p1")
    assert [] == shop.world.records.overlaps


async def test_stock_newer_than_the_product_survives_its_upsert(shop: Shop) -> None:
    """A product upserted late does not bring back the stock of its day; one that is newer does."""
    await shop.stock(line("p1", 9, 1))
    await shop.upsert(product("p1", version=8, title="Late", quantity=50))
    await shop.settle(minutes=1)
    assert ("Late", ("in stock", 1)) == (shop.shelf["sc_p1"]["title"], quantity(shop, "sc_p1"))
    await shop.upsert(product("p1", version=10, title="Late", quantity=50))
    await shop.settle(minutes=1)
    assert ("in stock", 50) == quantity(shop, "sc_p1")


async def test_stock_older_than_the_product_is_stale(shop: Shop) -> None:
    """The product's own version counts for its stock."""
    await shop.upsert(product("p1", version=8))
    [result] = await shop.stock(line("p1", 7, 1))
    assert STALE == result.outcome


async def test_an_unchanged_product_takes_its_stock_back(shop: Shop) -> None:
    """The same product under a newer version than a stock change means the product's stock again."""
    await shop.stock(line("p1", 2, 1))
    await shop.upsert(product("p1", version=3))
    await shop.settle(minutes=1)
    assert ("in stock", 5) == quantity(shop, "sc_p1")


async def test_a_price_travels_with_the_stock(shop: Shop) -> None:
    """A price above which a former price stands becomes a sale; the next line without a former price ends it."""
    price, former = Money(currency_code="BDT", minor_units=90_000), Money(currency_code="BDT", minor_units=125_000)
    await shop.stock(line("p1", 2, 4, price=price, compare_at_price=former))
    await shop.settle(minutes=1)
    assert ("1250.00 BDT", "900.00 BDT") == (shop.shelf["sc_p1"]["price"], shop.shelf["sc_p1"]["sale_price"])
    await shop.stock(line("p1", 3, 4, price=price))
    await shop.settle(minutes=1)
    assert ("900.00 BDT", False) == (shop.shelf["sc_p1"]["price"], "sale_price" in shop.shelf["sc_p1"])


async def test_a_price_alone_leaves_the_stock(shop: Shop) -> None:
    """A line about the price only moves neither the stock nor its version: stock told before it is still taken."""
    price = Money(currency_code="BDT", minor_units=90_000)
    [told] = await shop.stock(line("p1", 9, 0, track_inventory=False, price=price, price_only=True))
    [later] = await shop.stock(line("p1", 5, 3))
    await shop.settle(minutes=1)
    assert (ACCEPTED, ACCEPTED) == (told.outcome, later.outcome)
    assert ("900.00 BDT", ("in stock", 3)) == (shop.shelf["sc_p1"]["price"], quantity(shop, "sc_p1"))


async def test_a_late_line_still_brings_its_price(shop: Shop) -> None:
    """Stock that is overtaken takes no price with it: the newest price wins on its own."""
    price = Money(currency_code="BDT", minor_units=90_000)
    await shop.stock(line("p1", 9, 1))
    [late] = await shop.stock(line("p1", 7, 4, price=price))
    await shop.settle(minutes=1)
    assert (ACCEPTED, "900.00 BDT", ("in stock", 1)) == (
        late.outcome, shop.shelf["sc_p1"]["price"], quantity(shop, "sc_p1"),
    )  # fmt: skip


async def test_stock_no_longer_counted_is_always_there(shop: Shop) -> None:
    """Without counting, the item is in stock and Meta keeps no quantity."""
    await shop.stock(line("p1", 2, 0, track_inventory=False))
    await shop.settle(minutes=1)
    assert ("in stock", None) == quantity(shop, "sc_p1")


async def test_lines_before_the_go_are_kept_for_it(shop: Shop) -> None:
    """An item that is not at Meta yet gets its newest stock with its first batch."""
    shop.world.switches.change(batch_seconds=1.0)
    await shop.upsert(product("p9"))
    await shop.stock(line("p9", 2, 77))
    await shop.settle(minutes=1)
    assert ("in stock", 77) == quantity(shop, "sc_p9")


async def test_a_refused_change_is_tried_three_times(shop: Shop) -> None:
    """An item that left Meta's catalog cannot take stock: three tries, then it is REJECTED in Meta's words."""
    catalog = next(iter(shop.world.all(ProductCatalog)))
    remove_item(shop.world, catalog, catalog.items["sc_p1"])
    before = len(shop.batches())
    await shop.stock(line("p1", 2, 1))
    await shop.settle(minutes=3)
    assert before + 3 == len(shop.batches())
    item = (await shop.items())["sc_p1"]
    assert ("REJECTED", ["META_REJECTED"]) == (
        (await shop.states())["sc_p1"],
        [fault.reason for fault in item.faults],
    )


@pytest.mark.parametrize("kind", ["drop_before", "drop_answer", "garbage"])
async def test_a_lost_answer_ends_with_the_current_value(shop: Shop, kind: str) -> None:
    """Whether a change arrived or not, Meta has the newest in the end."""
    shop.break_calls("items_batch", kind, times=2)
    await shop.stock(line("p1", 2, 33))
    await shop.settle(minutes=30)
    assert (("in stock", 33), "CONFIRMED") == (quantity(shop, "sc_p1"), (await shop.states())["sc_p1"])


@pytest.mark.parametrize("seed", range(2))
async def test_in_whatever_order_calls_end_the_last_value_stands(shop: Shop, seed: int) -> None:
    """Answers lost, refused for now and late, in a mixture: no item is ever on the way twice, and Meta has the newest in the end."""
    chance = random.Random(seed)  # noqa: S311 – to be repeatable
    kinds = "drop_before", "drop_answer", "garbage", "error"
    for version in range(2, 14):
        if chance.random() < 0.3:
            shop.break_calls("items_batch", chance.choice(kinds))
        shop.world.switches.change(batch_seconds=chance.choice([0.0, 5.0, 90.0]))
        await shop.stock(line("p1", version, version))
        await shop.stock(line("p2", version, 100 + version, chance.choice("SM")))
        await shop.settle(minutes=chance.choice([0, 0.1, 1]))
    await shop.stock(line("p2", 99, 1, "S"), line("p2", 99, 2, "M"))
    await shop.settle(minutes=60)
    assert [("in stock", 13), ("in stock", 1), ("in stock", 2)] == [
        quantity(shop, name) for name in ("sc_p1", "sc_p2.S", "sc_p2.M")
    ]
    assert [] == shop.world.records.overlaps


async def test_a_wrong_currency_stores_nothing(shop: Shop) -> None:
    """A price in another currency than the item's is refused by name, and no other line is stored."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.stock(line("p2", 2, 1, "S"), line("p1", 2, 1, price=Money(currency_code="USD", minor_units=1)))
    assert ("CURRENCY_MISMATCH", "lines[1].price") == reason_of(refused.value, "field")
    assert "CONFIRMED" == (await shop.states())["sc_p2.S"]


async def test_callers_at_once_leave_the_newest(shop: Shop) -> None:
    """Concurrent lines and upserts of the same items neither fail nor lose the newest version."""
    calls = [shop.stock(line("p1", version, version), line("p2", version, version, "M")) for version in range(2, 22)]
    upserts = [shop.upsert(shirt("p2", "S", "M", version=version)) for version in range(2, 6)]
    await asyncio.gather(*calls, *upserts)
    await shop.settle(minutes=1)
    assert (("in stock", 21), ("in stock", 21)) == (quantity(shop, "sc_p1"), quantity(shop, "sc_p2.M"))
