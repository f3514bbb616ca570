"""From product to confirmed item: what a sync sends, what Meta answers, and what callers are told."""

import time

import grpc
import pytest

from simulator import seeds
from stormcom.facebook.v1.catalog_service_pb2 import ProductResult
from stormcom.facebook.v1.connector_service_pb2 import SyncCatalogRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.event_service_pb2 import PullEventsRequest
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, product, reason_of, shirt
from tests.integration.conftest import APP_ID, connect

SECOND = {
    **seeds.DEFAULT,
    "app_id": APP_ID,
    "pages": [*seeds.DEFAULT["pages"], {"id": "30000000000000002", "name": "Second shop"}],
    "catalogs": [*seeds.DEFAULT["catalogs"], {"id": "50000000000000002", "name": "Second catalog"}],
}


async def test_nothing_is_sent_before_the_go(shop: Shop) -> None:
    """Products upserted before the first sync wait: not one call about them reaches Meta."""
    await shop.upsert(product("p1"))
    await shop.settle(minutes=1)
    assert ({}, {"sc_p1": "PENDING"}) == (shop.shelf, await shop.states())


async def test_a_sync_ends_with_every_item_confirmed(shop: Shop) -> None:
    """The operation counts confirmed items only, and ends when the last verdict is in."""
    await shop.upsert(product("p1"), shirt("p2", "S", "M"))
    operation = await shop.sync()
    assert (Operation.STATE_RUNNING, 3, 0) == (operation.state, operation.total_count, operation.confirmed_count)
    await shop.settle(minutes=1)
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 3, 0) == (ended.state, ended.confirmed_count, ended.rejected_count)
    assert dict.fromkeys(["sc_p1", "sc_p2.M", "sc_p2.S"], "CONFIRMED") == await shop.states()
    assert "sc_p2" == shop.shelf["sc_p2.M"]["item_group_id"]
    assert "1250.00 BDT" == shop.shelf["sc_p1"]["price"]


async def test_a_second_sync_sends_only_what_changed(shop: Shop) -> None:
    """What Meta has as wanted is not sent again."""
    await shop.upsert(product("p1"), product("p2"))
    await shop.sync()
    await shop.settle(minutes=1)
    [unchanged, changed] = await shop.upsert(product("p1"), product("p2", version=2, title="Shawl"))
    assert ProductResult.OUTCOME_UNCHANGED == unchanged.outcome
    assert ProductResult.OUTCOME_ACCEPTED == changed.outcome
    operation = await shop.sync()
    assert 1 == operation.total_count
    await shop.settle(minutes=1)
    assert "Shawl" == shop.shelf["sc_p2"]["title"]
    assert Operation.STATE_SUCCEEDED == (await shop.operation(operation)).state


async def test_a_full_sync_sends_everything_again(shop: Shop) -> None:
    """FULL carries also what Meta has as wanted, and its items stay CONFIRMED meanwhile."""
    await shop.upsert(product("p1"), product("p2"))
    await shop.sync()
    await shop.settle(minutes=1)
    operation = await shop.sync(full=True)
    assert (2, {"sc_p1": "CONFIRMED", "sc_p2": "CONFIRMED"}) == (operation.total_count, await shop.states())
    await shop.settle(minutes=1)
    assert 2 == (await shop.operation(operation)).confirmed_count
    assert 2 == len(shop.batches())


async def test_a_dry_run_counts_and_changes_nothing(shop: Shop) -> None:
    """A dry run tells what would be sent and refused; it is not the go."""
    await shop.upsert(product("p1"), product("p2", brand=""))
    request = SyncCatalogRequest(store_id=shop.store_id, dry_run=True)
    counted = await FacebookConnectorStub(shop.channel).SyncCatalog(request)
    assert (1, 0, 1, 0) == (
        counted.send_count, counted.removal_count, counted.rejected_count, counted.unchanged_count,
    )  # fmt: skip
    await shop.settle(minutes=1)
    assert (False, {}) == (counted.HasField("operation"), shop.shelf)


async def test_what_our_checks_refuse_counts_as_rejected_at_once(shop: Shop) -> None:
    """A refused item is never sent; the operation names it and ends without it."""
    [result] = await shop.upsert(product("bad", brand="", image_links=["/a.jpg"]))
    assert ProductResult.OUTCOME_REJECTED == result.outcome
    assert {("brand", "FIELD_REQUIRED"), ("image_links[0]", "IMAGE_LINK_NOT_ABSOLUTE")} == {
        (fault.field, fault.reason) for fault in result.faults
    }
    await shop.upsert(product("good"))
    operation = await shop.sync()
    assert (2, 1) == (operation.total_count, operation.rejected_count)
    await shop.settle(minutes=1)
    ended = await shop.operation(operation)
    assert Operation.STATE_PARTIALLY_SUCCEEDED == ended.state
    assert ["sc_bad"] == [one.retailer_id for one in ended.first_rejections]
    assert ["sc_good"] == list(shop.shelf)


async def test_a_sync_of_nothing_has_ended_already(shop: Shop) -> None:
    """An operation without items to settle begins and ends at once."""
    assert Operation.STATE_SUCCEEDED == (await shop.sync()).state


async def test_one_sync_runs_at_a_time(shop: Shop) -> None:
    """A second sync is refused while the first runs, and names it."""
    await shop.upsert(product("p1"))
    first = await shop.sync()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.sync()
    assert ("OPERATION_RUNNING", first.operation_id) == reason_of(refused.value, "operation_id")


async def test_repeating_a_sync_request_begins_nothing_new(shop: Shop) -> None:
    """The same `request_id` is answered with the same operation."""
    await shop.upsert(product("p1"))
    operations = [await shop.sync(request_id="once") for _ in range(2)]
    assert operations[0].operation_id == operations[1].operation_id


async def test_a_cancelled_sync_sends_no_more_until_wanted_again(shop: Shop) -> None:
    """What waits when an operation is cancelled is held back; the next sync sends it."""
    await shop.upsert(product("p1"))
    await shop.cancel(await shop.sync())
    await shop.settle(minutes=1)
    assert ({}, {"sc_p1": "PENDING"}) == (shop.shelf, await shop.states())
    await shop.sync()
    await shop.settle(minutes=1)
    assert {"sc_p1": "CONFIRMED"} == await shop.states()


async def test_after_the_go_a_change_travels_by_itself(shop: Shop) -> None:
    """Once a sync was called, an upsert needs no further word."""
    await shop.sync()
    await shop.upsert(product("p1"))
    await shop.settle(minutes=1)
    assert {"sc_p1": "CONFIRMED"} == await shop.states()


async def test_items_are_told_in_events(shop: Shop) -> None:
    """Every verdict reaches StormCom as an event."""
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle(minutes=1)
    pulled = await FacebookEventsStub(shop.channel).PullEvents(
        PullEventsRequest(store_id=shop.store_id, consumer="test", max_events=100)
    )
    settled = [item for event in pulled.events for item in event.items_settled.items]
    assert [("sc_p1", "p1", True)] == [(one.retailer_id, one.product_id, one.confirmed) for one in settled]


async def test_stores_do_not_meet(shop: Shop, connected: str) -> None:
    """The same product of two stores is two items in two catalogs; neither store sees the other's."""
    seeds.seed(shop.world, SECOND)
    await connect(shop.channel, shop.world, shop.turn, store_id="store_2", seeded=1)
    other = Shop(shop.channel, shop.world, shop.clock, shop.turn, shop.runtime, store_id="store_2", seeded=1)
    await shop.upsert(product("p1", title="Mine"))
    await other.upsert(product("p1", title="Theirs"), product("p2"))
    await shop.sync()
    await other.sync()
    await shop.settle(minutes=1)
    assert ("Mine", "Theirs") == (shop.shelf["sc_p1"]["title"], other.shelf["sc_p1"]["title"])
    assert (["sc_p1"], ["sc_p1", "sc_p2"]) == (list(await shop.items()), list(await other.items()))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await other.items(connection_id=connected)
    assert "CONNECTION_NOT_FOUND" == reason_of(refused.value)[0]


async def test_ten_thousand_products_are_quick(shop: Shop) -> None:
    """Ten thousand products are stored, sent and confirmed well within a minute, in batches of 3,000."""
    begin = time.monotonic()
    for start in range(0, 10_000, 500):
        await shop.upsert(*(product(f"p{number}") for number in range(start, start + 500)))
    operation = await shop.sync()
    await shop.settle(minutes=1)
    assert 10_000 == (await shop.operation(operation)).confirmed_count
    assert (4, True) == (len(shop.batches()), time.monotonic() - begin < 60)
