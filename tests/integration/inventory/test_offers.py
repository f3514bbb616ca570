"""What is offered at Meta: by the rules of the connection, without what is held, and only while a sale lasts."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import func, select, text

from connector.db.outbox import Task
from connector.registry.db.catalogue import items
from stormcom.facebook.v1 import inventory_service_pb2 as pb
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, product, reason_of
from tests.integration.inventory.shelf import connection_of, hold, inventory, line, perform, quantity, rule, seen

MANY = text(
    """
    INSERT INTO items (connection_id, retailer_id, product_id, variant_id, whole, heir, usual, wanted, refused_by, track_inventory,
        counted, quantity, currency_code, price, desire_time)
    SELECT :connection, 'sc_many' || number, 'many' || number, '', TRUE, '', TRUE, TRUE, 'CHECKS', TRUE, TRUE, 9, 'BDT', 100, :at
    FROM generate_series(1, 4500) AS number
    """
)


async def test_new_rules_change_what_is_offered(stocked: Shop) -> None:
    """Safety stock and last units are taken from every counted item, at once and from then on."""
    await rule(stocked, safety_stock=1, last_units=1)
    await stocked.settle(minutes=1)
    assert [("in stock", 4), ("out of stock", 0), ("out of stock", 0)] == [
        quantity(stocked, name) for name in ("sc_p1", "sc_p2.S", "sc_p2.M")
    ]
    await stocked.stock(line("p1", 2, 2), line("p2", 2, 9, "S"))
    await stocked.settle(minutes=1)
    assert [("out of stock", 0), ("in stock", 8)] == [quantity(stocked, name) for name in ("sc_p1", "sc_p2.S")]


async def test_a_product_is_offered_by_the_rules(stocked: Shop) -> None:
    """A product's own stock is treated like that of a line, what is held of it included."""
    await rule(stocked, safety_stock=2)
    await hold(stocked, ("p1", 3))
    await stocked.upsert(product("p1", version=2, quantity=20))
    await stocked.settle(minutes=1)
    assert ("in stock", 15) == quantity(stocked, "sc_p1")


async def test_rules_do_not_touch_what_is_not_counted(stocked: Shop) -> None:
    """Without counting there is nothing to hold back."""
    await stocked.stock(line("p1", 2, 0, track_inventory=False))
    await rule(stocked, safety_stock=100)
    await stocked.settle(minutes=1)
    assert (("in stock", None), ("out of stock", 0)) == (quantity(stocked, "sc_p1"), quantity(stocked, "sc_p2.S"))


async def test_rules_that_change_nothing_send_nothing(stocked: Shop) -> None:
    """Only items that are offered otherwise than before are sent."""
    before = len(stocked.batches())
    await rule(stocked, guard_items=7)
    await stocked.settle(minutes=1)
    assert before == len(stocked.batches())


async def test_new_rules_reach_every_item_of_a_large_catalog(shelved: Shop) -> None:
    """They go through it in pieces; rules that change on the way begin anew."""
    async with shelved.runtime.db.begin() as tx:
        given = {"connection": await connection_of(shelved, tx), "at": shelved.clock()}
        await tx.execute(MANY, given)
    await rule(shelved, safety_stock=1)
    await rule(shelved, safety_stock=3)
    await shelved.turn()
    async with shelved.runtime.db.begin() as tx:
        offered = select(items.c.offered, func.count()).where(items.c.product_id.like("many%")).group_by("offered")
        assert [(6, 4_500)] == [tuple(row) for row in await tx.execute(offered)]


async def test_a_snapshot_tells_all_quantities(stocked: Shop) -> None:
    """Wanted, held, offered, sent, confirmed: each is told, and whether they agree."""
    await rule(stocked, safety_stock=1)
    await hold(stocked, ("p1", 2))
    told = await seen(stocked, "sc_p1")
    assert (5, 2, 2, 5, False) == (
        told.quantity, told.reserved, told.offered, told.confirmed_quantity, told.confirmed,
    )  # fmt: skip
    assert told.HasField("unconfirmed_time")
    await stocked.settle(minutes=1)
    told = await seen(stocked, "sc_p1")
    assert (2, 2, 2, True) == (told.offered, told.sent_quantity, told.confirmed_quantity, told.confirmed)
    assert (told.AVAILABILITY_IN_STOCK, False) == (told.availability, told.HasField("unconfirmed_time"))


async def test_stock_is_listed_page_by_page(shelved: Shop) -> None:
    """In the order of names, and only a product's when asked."""
    stub, named = inventory(shelved), {"store_id": shelved.store_id}
    page = await stub.ListInventory(pb.ListInventoryRequest(**named, page_size=2))  # type: ignore[arg-type] # by name
    rest = pb.ListInventoryRequest(**named, page_size=2, page_token=page.next_page_token)  # type: ignore[arg-type] # by name
    shown = [*page.snapshots, *(await stub.ListInventory(rest)).snapshots]
    assert ["sc_p1", "sc_p2.M", "sc_p2.S"] == [one.retailer_id for one in shown]
    shirts = await stub.ListInventory(pb.ListInventoryRequest(**named, product_id="p2"))  # type: ignore[arg-type] # by name
    assert ["sc_p2.M", "sc_p2.S"] == [one.retailer_id for one in shirts.snapshots]


@pytest.mark.parametrize(
    ("named", "reason"),
    [({"retailer_id": "sc_x"}, "ITEM_NOT_FOUND"), ({"product_id": "p2"}, "ITEM_NOT_FOUND"), ({}, "FIELD_REQUIRED")],
)
async def test_stock_of_an_unknown_item(shelved: Shop, named: dict[str, str], reason: str) -> None:
    """It is not found, and a call that names none is told so."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory(shelved).GetInventory(pb.GetInventoryRequest(store_id=shelved.store_id, **named))
    assert (reason,) == reason_of(refused.value)


def on_sale(shop: Shop, **hours: float) -> dict[str, object]:
    """Say that a product costs less than before, for a time that begins or ends in so many hours."""
    names = {"begin": "sale_start_time", "end": "sale_end_time"}
    moments = {names[name]: Timestamp() for name in hours}
    for name, value in hours.items():
        moments[names[name]].FromDatetime(shop.clock().replace(microsecond=0) + timedelta(hours=value))
    return {"compare_at_price": Money(currency_code="BDT", minor_units=200_000), **moments}


async def test_a_sale_is_sent_again_when_it_begins(stocked: Shop) -> None:
    """At the moment it begins the same sale goes out once more, and no other item."""
    await stocked.upsert(product("p1", version=2, **on_sale(stocked, begin=2, end=4)))
    await stocked.settle(minutes=1)
    before = len(stocked.batches())
    await perform(stocked, Task.PASS_EDGES)
    assert before == len(stocked.batches())
    stocked.clock.advance(hours=2)
    await perform(stocked, Task.PASS_EDGES)
    [batch] = stocked.batches()[before:]
    assert [("sc_p1", "1250.00 BDT")] == [(one["data"]["id"], one["data"]["sale_price"]) for one in batch["requests"]]


async def test_a_sale_is_cleared_when_it_ends(stocked: Shop) -> None:
    """After its end the item costs what it did before, and stays so when its stock changes."""
    await stocked.upsert(product("p1", version=2, **on_sale(stocked, end=2)))
    await stocked.settle(minutes=1)
    assert ("2000.00 BDT", "1250.00 BDT") == (stocked.shelf["sc_p1"]["price"], stocked.shelf["sc_p1"]["sale_price"])
    stocked.clock.advance(hours=2)
    await perform(stocked, Task.PASS_EDGES)
    await stocked.settle(minutes=1)
    assert ("2000.00 BDT", False) == (stocked.shelf["sc_p1"]["price"], "sale_price" in stocked.shelf["sc_p1"])
    await stocked.stock(line("p1", 3, 2))
    await stocked.settle(minutes=1)
    assert (("in stock", 2), False) == (quantity(stocked, "sc_p1"), "sale_price" in stocked.shelf["sc_p1"])


async def test_an_edge_is_passed_once(stocked: Shop) -> None:
    """Looking again after an edge sends nothing."""
    await stocked.upsert(product("p1", version=2, **on_sale(stocked, begin=1)))
    await stocked.settle(minutes=1)
    stocked.clock.advance(hours=1)
    await perform(stocked, Task.PASS_EDGES)
    await stocked.settle(minutes=1)
    before = len(stocked.batches())
    stocked.clock.advance(hours=1)
    await perform(stocked, Task.PASS_EDGES)
    assert before == len(stocked.batches())


@pytest.mark.parametrize("moment", [datetime(2020, 1, 1, tzinfo=UTC)])
async def test_a_sale_that_began_long_ago_is_not_sent_twice(stocked: Shop, moment: datetime) -> None:
    """An edge that lies before the item was sent asks for nothing."""
    began = Timestamp()
    began.FromDatetime(moment)
    sale = Money(currency_code="BDT", minor_units=200_000)
    await stocked.upsert(product("p1", version=2, compare_at_price=sale, sale_start_time=began))
    await stocked.settle(minutes=1)
    before = len(stocked.batches())
    await perform(stocked, Task.PASS_EDGES)
    assert before == len(stocked.batches())
