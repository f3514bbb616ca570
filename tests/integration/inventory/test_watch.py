"""What is late, refused or sold out in masses raises an alert, once, and closes it when it is over."""

from typing import Any

import pytest

from connector.db.outbox import Task
from simulator.batches import remove_item
from simulator.state import ProductCatalog
from stormcom.facebook.v1 import inventory_service_pb2 as pb
from stormcom.facebook.v1.connector_service_pb2 import DisconnectRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from tests.integration.catalog.shop import Shop, product
from tests.integration.inventory.shelf import alerts, inventory, line, perform, quantity, rule, seen

LATE, REFUSED, SOLD_OUT = "INVENTORY_UNCONFIRMED", "INVENTORY_PUSH_FAILED", "MANY_SOLD_OUT"


async def listed(shop: Shop, **fields: Any) -> list[str]:
    """List the names of items' stock."""
    answer = await inventory(shop).ListInventory(pb.ListInventoryRequest(store_id=shop.store_id, **fields))
    return [one.retailer_id for one in answer.snapshots]


async def test_stock_unconfirmed_for_15_minutes_raises_an_alert(stocked: Shop) -> None:
    """Not before, once, with the items' names; and it is over when Meta confirms."""
    stocked.world.switches.change(batch_seconds=20 * 60.0, batch_jitter=0.0)
    await stocked.stock(line("p1", 2, 1), line("p2", 2, 0, "S"))
    await stocked.settle(minutes=14)
    await perform(stocked, Task.WATCH_STOCK)
    assert ([], ["sc_p1", "sc_p2.S"]) == (await alerts(stocked), await listed(stocked, unconfirmed_only=True))
    stocked.clock.advance(minutes=2)
    for _ in range(2):
        await perform(stocked, Task.WATCH_STOCK)
    assert [(LATE, False, 2)] == await alerts(stocked)
    await stocked.settle(minutes=10)
    await perform(stocked, Task.WATCH_STOCK)
    assert ([(LATE, False, 2), (LATE, True, 2)], []) == (
        await alerts(stocked),
        await listed(stocked, unconfirmed_only=True),
    )


async def test_changes_that_follow_each_other_are_not_late(stocked: Shop) -> None:
    """An item that changes all the time is confirmed all the time: only a wish older than 15 minutes is late."""
    stocked.world.switches.change(batch_seconds=5 * 60.0)
    for version in range(2, 7):
        await stocked.stock(line("p1", version, version))
        stocked.clock.advance(minutes=4)
        await stocked.turn()
    await perform(stocked, Task.WATCH_STOCK)
    assert [] == await alerts(stocked)


async def test_a_first_sync_is_not_late(shop: Shop) -> None:
    """Items that never stood at Meta are awaited by their sync, not by the watch."""
    shop.world.switches.change(batch_seconds=3_000.0)
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle(minutes=20)
    await perform(shop, Task.WATCH_STOCK)
    assert [] == await alerts(shop)


async def test_late_stock_is_hidden_when_the_merchant_says_so(stocked: Shop) -> None:
    """It is shown as out of stock until Meta confirms that, and then as it is."""
    await rule(stocked, hide_unconfirmed=True)
    await stocked.turn()
    stocked.break_calls("items_batch", "error", times=1_000, code=2, status=500)
    await stocked.stock(line("p1", 2, 3))
    await stocked.settle(minutes=1)
    stocked.clock.advance(minutes=16)
    await perform(stocked, Task.WATCH_STOCK)
    told = await seen(stocked, "sc_p1")
    assert (True, 3, 0, told.AVAILABILITY_OUT_OF_STOCK) == (
        told.hidden, told.quantity, told.offered, told.availability,
    )  # fmt: skip
    stocked.world.faults.clear()
    await stocked.settle(minutes=60)
    assert ("out of stock", 0) == quantity(stocked, "sc_p1")
    await perform(stocked, Task.WATCH_STOCK)
    await stocked.settle(minutes=5)
    assert (("in stock", 3), False) == (quantity(stocked, "sc_p1"), (await seen(stocked, "sc_p1")).hidden)


async def test_stock_refused_three_times_raises_an_alert(stocked: Shop) -> None:
    """After the third refusal, with Meta's words on the item; it is over when Meta takes it."""
    catalog = next(iter(stocked.world.all(ProductCatalog)))
    remove_item(stocked.world, catalog, catalog.items["sc_p1"])
    await stocked.stock(line("p1", 2, 1))
    await stocked.settle(minutes=0.2)
    await perform(stocked, Task.WATCH_STOCK)
    assert [] == await alerts(stocked)
    await stocked.settle(minutes=10)
    await perform(stocked, Task.WATCH_STOCK)
    told = await seen(stocked, "sc_p1")
    assert ([(REFUSED, False, 1)], 3, True, ["sc_p1"]) == (
        await alerts(stocked), told.tries, bool(told.last_error), await listed(stocked, failed_only=True),
    )  # fmt: skip
    await stocked.upsert(product("p1", version=3, title="New"))
    await stocked.settle(minutes=5)
    await perform(stocked, Task.WATCH_STOCK)
    assert ([(REFUSED, False, 1), (REFUSED, True, 1)], "") == (
        await alerts(stocked),
        (await seen(stocked, "sc_p1")).last_error,
    )


@pytest.mark.parametrize(("count", "told"), [(9, []), (15, [(SOLD_OUT, False, 15)])])
async def test_many_items_sold_out_at_once_raise_an_alert(
    stocked: Shop, count: int, told: list[tuple[str, bool, int]]
) -> None:
    """A share of the items that a caller empties within an hour is told, and over an hour later."""
    names = [f"q{number}" for number in range(30)]
    await stocked.upsert(*map(product, names))
    await stocked.settle(minutes=1)
    await stocked.stock(*(line(name, 2, 0) for name in names[:count]))
    await perform(stocked, Task.WATCH_STOCK)
    assert told == await alerts(stocked)
    stocked.clock.advance(hours=1, minutes=1)
    await perform(stocked, Task.WATCH_STOCK)
    await perform(stocked, Task.WATCH_STOCK)
    assert [*told, *((reason, True, number) for reason, _, number in told)] == await alerts(stocked)


async def test_an_answer_that_is_lost_starts_the_clock(stocked: Shop) -> None:
    """An item of which nobody knows any more what Meta has is late 15 minutes after the watch noticed, though its wish is old."""
    stocked.clock.advance(hours=3)
    stocked.break_calls("items_batch", "drop_answer", times=1_000)
    await stocked.sync(full=True)
    await stocked.settle(minutes=7)
    assert (await seen(stocked, "sc_p1")).confirmed is False
    await perform(stocked, Task.WATCH_STOCK)
    assert [] == await alerts(stocked)
    stocked.clock.advance(minutes=16)
    await perform(stocked, Task.WATCH_STOCK)
    assert [(LATE, False, 3)] == await alerts(stocked)


async def test_an_alert_ends_with_its_connection(stocked: Shop) -> None:
    """Where nothing is sold any more, nothing needs a person."""
    stocked.world.switches.change(batch_seconds=20 * 60.0)
    await stocked.stock(line("p1", 2, 1))
    await stocked.settle(minutes=1)
    stocked.clock.advance(minutes=16)
    await perform(stocked, Task.WATCH_STOCK)
    await FacebookConnectorStub(stocked.channel).Disconnect(DisconnectRequest(store_id=stocked.store_id))
    await perform(stocked, Task.WATCH_STOCK)
    assert [(LATE, False, 1), (LATE, True, 1)] == await alerts(stocked)
