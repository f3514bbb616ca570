"""Every operation ends and no item waits for ever, whatever happens to its items meanwhile."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from connector.budgets import db as budgets
from connector.budgets.db import News
from connector.catalog import actions
from connector.catalog.db import plans
from connector.db import outbox
from connector.registry.db.catalogue import items
from connector.registry.graph import batch_bucket
from connector.runtime import Runtime
from simulator.batches import remove_item
from simulator.state import ProductCatalog
from stormcom.facebook.v1.connector_service_pb2 import DisconnectRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, product
from tests.integration.conftest import STORE
from tests.integration.keepsakes import Site, once

_LONG = "A title that is too long for this Meta"


@pytest.fixture
async def stocked(shop: Shop, site: Site) -> Shop:
    """The store with two products confirmed at Meta."""

    async def walk() -> None:
        await shop.upsert(product("p1"), product("p2"))
        await shop.sync()
        await shop.settle(minutes=1)

    await once("catalog.test_endings.stocked", site, walk)
    return shop


def _line(product_id: str, version: int, quantity: int) -> InventoryLine:
    return InventoryLine(product_id=product_id, source_version=version, quantity=quantity, track_inventory=True)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("sent", [False, True])
async def test_a_sync_counts_a_stock_change_on_its_way(stocked: Shop, *, full: bool, sent: bool) -> None:
    """An item whose stock alone is on its way is settled by the stock lane's verdict, for the sync too."""
    await stocked.stock(_line("p1", 2, 9))
    if sent:
        await stocked.turn()
    operation = await stocked.sync(full=full)
    await stocked.settle()
    ended = await stocked.operation(operation)
    assert (Operation.STATE_SUCCEEDED, ended.total_count) == (ended.state, ended.confirmed_count)


async def test_a_stock_change_refused_to_the_end_ends_its_sync(stocked: Shop) -> None:
    """A stock change that Meta refuses to the end is a rejection of the sync that waits for it."""
    catalog = next(iter(stocked.world.all(ProductCatalog)))
    remove_item(stocked.world, catalog, catalog.items["sc_p1"])
    await stocked.stock(_line("p1", 2, 9))
    operation = await stocked.sync()
    await stocked.settle()
    ended = await stocked.operation(operation)
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 1) == (ended.state, ended.rejected_count)


async def test_a_disconnect_ends_what_runs(shop: Shop) -> None:
    """Nobody waits for the operation of a store that is gone."""
    await shop.upsert(product("p1"))
    operation = await shop.sync()
    await FacebookConnectorStub(shop.channel).Disconnect(DisconnectRequest(store_id=shop.store_id))
    ended = await shop.operation(operation)
    assert (Operation.STATE_FAILED, "STORE_NOT_CONNECTED") == (ended.state, ended.reason)


@pytest.mark.parametrize("lost", [False, True])
async def test_an_item_our_checks_refuse_in_flight_ends_its_sync(shop: Shop, *, lost: bool) -> None:
    """A change that is overtaken in flight by one our checks refuse is a rejection, whatever comes of the batch."""
    if lost:
        shop.break_calls("check_batch_request_status", "error", code=100, times=2)
    await shop.upsert(product("p1"))
    operation = await shop.sync()
    await shop.turn()
    await shop.upsert(product("p1", version=2, title="Another scarf"))
    await shop.upsert(product("p1", version=3, brand=""))
    await shop.settle(minutes=10)
    ended = await shop.operation(operation)
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 1) == (ended.state, ended.rejected_count)


async def test_a_refused_wish_that_comes_back_is_sent_again(shop: Shop, runtime: Runtime) -> None:
    """A wish that was refused while another one waited is sent again when it comes back."""
    shop.world.switches.change(max_title=20)
    await shop.upsert(product("p1", title=_LONG))
    operation = await shop.sync()
    await shop.turn()
    await shop.upsert(product("p1", version=2))
    async with runtime.db.begin() as tx:
        [catalog] = shop.world.all(ProductCatalog)
        pause = News(pause_time=shop.clock() + timedelta(minutes=5))
        await budgets.note(tx, batch_bucket(catalog.id), pause, at=shop.clock())
    shop.clock.advance(seconds=3)
    await shop.turn()  # the refusal; the newer wish waits for the pause to end
    await shop.upsert(product("p1", version=3, title=_LONG))
    shop.world.switches.change(max_title=150)
    await shop.settle(minutes=30)
    assert {"sc_p1": "CONFIRMED"} == await shop.states()
    assert Operation.STATE_SUCCEEDED == (await shop.operation(operation)).state


async def test_what_another_call_looks_at_is_sent_when_it_is_free(shop: Shop, runtime: Runtime) -> None:
    """An item that a reader keeps locked while the sender passes is sent afterwards, without another wish."""
    await shop.upsert(product("p1"))
    await shop.sync()
    async with runtime.db.begin() as tx:
        await tx.execute(select(items.c.retailer_id).with_for_update())
        await shop.turn()
    await shop.settle()
    assert {"sc_p1": "CONFIRMED"} == await shop.states()


async def test_a_change_during_a_failing_call_waits_for_nobody(shop: Shop, runtime: Runtime) -> None:
    """Whoever changes items while their batch is put back never waits for it in a circle."""
    shop.break_calls("items_batch", "status", status=503, body="")
    await shop.upsert(product("p1"))
    await shop.sync()
    calls = len(shop.world.records.calls)
    sending = asyncio.ensure_future(shop.turn())
    while len(shop.world.records.calls) == calls:  # noqa: ASYNC110 – the simulator has no event to wait for
        await asyncio.sleep(0)
    async with runtime.db.begin() as tx:
        await tx.execute(select(items.c.retailer_id).with_for_update())
        await asyncio.sleep(0.3)
        connection_id = await tx.scalar(select(items.c.connection_id))
        key = f"SEND_ITEMS:{connection_id}"
        async with asyncio.timeout(0.5):
            await outbox.add(tx, outbox.Task.SEND_ITEMS, due=runtime.now(), connection_id=connection_id, key=key)
    await sending
    await shop.settle(minutes=10)
    assert {"sc_p1": "CONFIRMED"} == await shop.states()


async def test_a_change_after_a_cancel_is_sent(shop: Shop) -> None:
    """A product that changes after its sync was cancelled is wanted anew, even when nobody looked at its items in between."""
    await shop.upsert(product("p1"), product("p2"))
    await shop.cancel(await shop.sync())
    await shop.upsert(product("p1", version=2, title="Another scarf"))
    await shop.settle()
    assert {"sc_p1": "CONFIRMED", "sc_p2": "PENDING"} == await shop.states()


async def test_a_verdict_during_the_planning_is_not_waited_for(stocked: Shop, runtime: Runtime) -> None:
    """A sync counts what it carries, not what it saw before: an item confirmed in between is nobody's debt."""
    await stocked.upsert(product("p1", version=2, title="Another scarf"))
    await stocked.turn()
    async with runtime.db.begin() as tx:
        await tx.execute(select(items.c.retailer_id).with_for_update())
        begun = asyncio.create_task(stocked.sync())
        await asyncio.sleep(0.3)
        confirmed = {"confirmed_content": items.c.content_hash, "confirmed_offer": items.c.offer_hash}
        await tx.execute(items.update().values(batch_id=None, **confirmed))
    operation = await begun
    await stocked.settle()
    assert Operation.STATE_SUCCEEDED == (await stocked.operation(operation)).state


async def test_a_retry_run_again_waits_for_the_same_items(shop: Shop, runtime: Runtime) -> None:
    """A retry that is run again under its request id, since its process died, tells the operation as it stands."""
    shop.world.switches.change(max_title=20)
    await shop.upsert(product("p1", title=_LONG))
    await shop.sync()
    await shop.settle()
    first = await actions.retry_items(runtime, STORE, "", [], request_id="r1")
    assert first == await actions.retry_items(runtime, STORE, "", [], request_id="r1")


async def test_a_lost_task_is_not_the_end(shop: Shop, runtime: Runtime) -> None:
    """Work that was given up though nothing is wrong with it, as after crashes, goes on after the next sweep."""
    await shop.upsert(product("p1"))
    operation = await shop.sync()
    await shop.turn()
    async with runtime.db.begin() as tx:
        lost = {"due_time": None, "reason": "INTERNAL", "message": "5 workers died of this task"}
        await tx.execute(outbox.tasks.update().values(**lost))
        await outbox.add(tx, outbox.Task.SWEEP, due=runtime.now(), key="every:SWEEP")
    await shop.settle()
    assert Operation.STATE_SUCCEEDED == (await shop.operation(operation)).state


async def test_what_is_refused_while_a_sync_is_still_given_items_is_settled_once(shop: Shop, runtime: Runtime) -> None:
    """An item that Meta refuses before its operation has been given all of its items is not sent and counted again for it."""
    shop.world.switches.change(max_title=20)
    await shop.upsert(product("p1", title=_LONG), product("p2"))
    began = shop.clock()
    operation = await shop.sync()
    await shop.settle()
    async with runtime.db.begin() as tx:
        [connection_id] = await tx.scalars(select(items.c.connection_id).distinct())
        wish = connection_id, UUID(operation.operation_id), plans.SCOPES["full"]
        piece = await plans.carry(tx, *wish, begin=began, after=("PENDING", "~"), limit=9)
    assert (0, {"sc_p1": "REJECTED", "sc_p2": "CONFIRMED"}) == (piece.sent_count, await shop.states())
    again = await shop.sync()
    assert 1 == again.total_count
