"""What Meta and the way to it can do to a batch: whatever happens, nothing is lost, doubled or wrongly called confirmed."""

import asyncio

import pytest
from sqlalchemy import select

from connector.catalog import actions
from connector.db import outbox
from connector.registry.db.flights import batches
from connector.registry.db.narrowings import narrowings
from connector.runtime import Runtime
from simulator.batches import write_item
from simulator.state import ProductCatalog
from stormcom.facebook.v1.catalog_service_pb2 import RetryItemsRequest
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, product, shirt
from tests.integration.conftest import connect

PATH = "items_batch"


async def _settled(shop: Shop, operation: Operation, *, minutes: float = 3) -> Operation:
    await shop.settle(minutes=minutes)
    assert [] == shop.world.records.overlaps
    return await shop.operation(operation)


async def test_one_bad_item_does_not_hold_up_its_batch(shop: Shop) -> None:
    """Meta's no to one item comes back in Meta's words; its neighbours are confirmed."""
    shop.world.switches.change(max_title=20)
    await shop.upsert(product("p1"), product("p2", title="A title that is too long for this Meta"))
    ended = await _settled(shop, await shop.sync())
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 1, 1) == (ended.state, ended.confirmed_count, ended.rejected_count)
    assert {"sc_p1": "CONFIRMED", "sc_p2": "REJECTED"} == await shop.states()
    [fault] = (await shop.items())["sc_p2"].faults
    assert ("META_REJECTED", True) == (fault.reason, "at most 20 characters" in fault.meta_message)


async def test_a_refusal_in_the_answer_itself_is_a_verdict(shop: Shop) -> None:
    """What Meta refuses before it takes the batch in is rejected at once; with nothing left, no handle is waited for."""
    shop.world.switches.change(max_title=20, early_validation=True)
    await shop.upsert(product("p2", title="A title that is too long for this Meta"))
    ended = await _settled(shop, await shop.sync())
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 1) == (ended.state, ended.rejected_count)


async def test_retried_items_are_sent_again(shop: Shop) -> None:
    """`RetryItems` sends what Meta refused once its cause is gone, and leaves out what our checks refuse."""
    shop.world.switches.change(max_title=20)
    await shop.upsert(product("p1", title="A title that is too long for this Meta"), product("p2", brand=""))
    await _settled(shop, await shop.sync())
    shop.world.switches.change(max_title=150)
    wish = RetryItemsRequest(store_id=shop.store_id, retailer_ids=["sc_p1", "sc_p2"])
    retried = await shop.catalog.RetryItems(wish)
    assert (1, 1) == (retried.operation.total_count, retried.skipped_count)
    assert Operation.STATE_SUCCEEDED == (await _settled(shop, retried.operation)).state
    assert {"sc_p1": "CONFIRMED", "sc_p2": "REJECTED"} == await shop.states()


async def test_an_empty_handle_means_nothing_was_taken_in(shop: Shop) -> None:
    """Items of a batch without a handle go out again."""
    shop.world.switches.change(empty_handles=1)
    await shop.upsert(product("p1"))
    ended = await _settled(shop, await shop.sync())
    assert (Operation.STATE_SUCCEEDED, 2) == (ended.state, len(shop.batches()))


async def test_items_that_never_get_a_verdict_end_rejected(shop: Shop) -> None:
    """After three sends without a verdict, that is the verdict: no item waits for ever."""
    shop.world.switches.change(empty_handles=100)
    await shop.upsert(product("p1"))
    ended = await _settled(shop, await shop.sync())
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 3) == (ended.state, len(shop.batches()))
    assert ["META_OUTCOME_UNKNOWN"] == [fault.reason for fault in (await shop.items())["sc_p1"].faults]


async def test_a_batch_that_is_too_large_is_halved(shop: Shop, runtime: Runtime) -> None:
    """When Meta wants less data, half as many items go out, and the limit is remembered."""
    shop.world.switches.change(max_batch_bytes=3_000)
    await shop.upsert(*(product(f"p{number}") for number in range(10)))
    ended = await _settled(shop, await shop.sync())
    assert (Operation.STATE_SUCCEEDED, 10) == (ended.state, ended.confirmed_count)
    async with runtime.db.begin() as tx:
        assert (await tx.scalar(select(narrowings.c.item_count))) in {1, 2, 3, 5}


async def test_an_item_too_large_on_its_own_is_rejected_in_metas_words(shop: Shop) -> None:
    """One item that Meta will never take does not block the others."""
    shop.world.switches.change(max_batch_bytes=2_000)
    await shop.upsert(product("a"), product("b", description="long " * 600), product("c"))
    ended = await _settled(shop, await shop.sync())
    assert {"sc_a": "CONFIRMED", "sc_b": "REJECTED", "sc_c": "CONFIRMED"} == await shop.states()
    assert Operation.STATE_PARTIALLY_SUCCEEDED == ended.state


async def test_a_throttled_sync_waits_and_goes_on(shop: Shop) -> None:
    """Nothing is sent inside the pause Meta asked for; afterwards the sync ends by itself."""
    shop.break_calls(PATH, "error", code=80014, minutes=4)
    await shop.upsert(product("p1"))
    operation = await shop.sync()
    await shop.settle(minutes=3)
    assert 1 == len(shop.batches())
    assert {"sc_p1": "PENDING"} == await shop.states()
    assert Operation.STATE_SUCCEEDED == (await _settled(shop, operation, minutes=5)).state


@pytest.mark.parametrize("path", [PATH, "check_batch_request_status"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_answer", "garbage", "close"])
async def test_a_lost_answer_loses_no_item(shop: Shop, path: str, kind: str) -> None:
    """Whether the batch arrived or not, it is sent or asked about again, and every item ends confirmed once."""
    shop.break_calls(path, kind, times=2)
    await shop.upsert(product("p1"), product("p2"))
    await shop.sync()
    await shop.settle(minutes=15)
    assert dict.fromkeys(["sc_p1", "sc_p2"], "CONFIRMED") == await shop.states()
    assert ["sc_p1", "sc_p2"] == sorted(shop.shelf)


@pytest.mark.parametrize("path", [PATH, "check_batch_request_status"])
async def test_an_outage_is_sat_out(shop: Shop, path: str) -> None:
    """While Meta fails nothing counts as confirmed, and the sync ends once it is back."""
    shop.break_calls(path, "error", times=4, code=2)
    await shop.upsert(product("p1"))
    operation = await shop.sync()
    await shop.turn()
    assert 0 == (await shop.operation(operation)).confirmed_count
    assert Operation.STATE_SUCCEEDED == (await _settled(shop, operation, minutes=15)).state


async def test_a_forgotten_handle_sends_the_batch_again(shop: Shop) -> None:
    """When Meta does not know a handle any more, its items go out once more."""
    shop.break_calls("check_batch_request_status", "error", times=2, code=100)
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle(minutes=10)
    assert ({"sc_p1": "CONFIRMED"}, 2) == (await shop.states(), len(shop.batches()))


async def test_a_batch_without_end_is_given_up_and_sent_again(shop: Shop) -> None:
    """After half an hour without a verdict the items of a batch go out again."""
    shop.world.switches.change(batch_seconds=100_000.0)
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle(minutes=20)
    assert 1 == len(shop.batches())
    shop.world.switches.change(batch_seconds=1.0)
    await shop.settle(minutes=15)
    assert ({"sc_p1": "CONFIRMED"}, 2) == (await shop.states(), len(shop.batches()))
    shop.world.records.overlaps.clear()  # the simulator is still at work on what was given up


async def test_a_sender_that_died_leaves_nothing_behind(shop: Shop, runtime: Runtime) -> None:
    """Items whose batch has no handle, since its sender was killed, go out when Meta cannot be at work on it any more."""
    shop.break_calls(PATH, "delay", seconds=5)
    await shop.upsert(product("p1"))
    operation = await shop.sync()
    async with runtime.db.begin() as tx:
        due = await outbox.lease_due(tx, [outbox.Task.SEND_ITEMS], at=runtime.now(), limit=1)
        task = await outbox.take(tx, due[0].id, due[0].attempt, at=runtime.now())
    assert task is not None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(actions.send_items(runtime, task), 0.3)
    async with runtime.db.begin() as tx:
        assert [None] == list(await tx.scalars(select(batches.c.handle)))
    shop.clock.advance(seconds=30)
    await shop.settle(minutes=15)
    assert Operation.STATE_SUCCEEDED == (await shop.operation(operation)).state


async def test_a_dead_token_keeps_the_queue_for_the_next_login(shop: Shop) -> None:
    """When the token dies mid-sync the items wait; after the merchant connects again the sync ends by itself."""
    await shop.upsert(product("p1"))
    shop.break_calls(PATH, "error", code=190, subcode=463, status=401)
    operation = await shop.sync()
    await shop.settle(minutes=1)
    assert ({"sc_p1": "PENDING"}, Operation.STATE_RUNNING) == (
        await shop.states(),
        (await shop.operation(operation)).state,
    )
    await connect(shop.channel, shop.world, shop.turn)
    assert Operation.STATE_SUCCEEDED == (await _settled(shop, operation)).state


async def test_a_change_in_flight_is_sent_after_the_verdict(shop: Shop) -> None:
    """An item never travels in two batches at once; the newer wish follows the older one's verdict."""
    shop.world.switches.change(batch_seconds=60.0)
    await shop.upsert(product("p1", title="First"))
    operation = await shop.sync()
    await shop.turn()
    await shop.upsert(product("p1", version=2, title="Second"))
    assert {"sc_p1": "PENDING"} == await shop.states()
    ended = await _settled(shop, operation, minutes=5)
    assert (Operation.STATE_SUCCEEDED, 1) == (ended.state, ended.confirmed_count)
    assert ("Second", {"sc_p1": "CONFIRMED"}) == (shop.shelf["sc_p1"]["title"], await shop.states())


async def test_a_change_back_in_flight_is_sent_too(shop: Shop) -> None:
    """A wish that returns to what was confirmed while another is on its way still ends at Meta."""
    await shop.upsert(product("p1", title="First"))
    await shop.sync()
    await shop.settle(minutes=1)
    shop.world.switches.change(batch_seconds=60.0)
    await shop.upsert(product("p1", version=2, title="Second"))
    await shop.turn()
    await shop.upsert(product("p1", version=3, title="First"))
    await shop.settle(minutes=5)
    assert ("First", {"sc_p1": "CONFIRMED"}) == (shop.shelf["sc_p1"]["title"], await shop.states())


async def test_what_others_put_into_the_catalog_stays(shop: Shop) -> None:
    """Items we did not create are never touched, not even by a snapshot that does not know them."""
    catalog = next(iter(shop.world.all(ProductCatalog)))
    write_item(shop.world, catalog, "foreign", {"title": "Not ours"})
    await shop.upsert(shirt("p1", "S"))
    await shop.sync()
    await shop.settle(minutes=1)
    await shop.snapshot(product("p2"))
    await shop.settle(minutes=1)
    assert ["foreign", "sc_p2"] == sorted(shop.shelf)


async def test_a_catalog_that_takes_nothing_ends_the_operation(shop: Shop) -> None:
    """When Meta refuses the whole call, the operation ends FAILED with the reason; the next sync tries everything again."""
    shop.break_calls(PATH, "error", code=100, subcode=33)
    await shop.upsert(product("p1"))
    ended = await _settled(shop, await shop.sync())
    assert (Operation.STATE_FAILED, "META_REJECTED") == (ended.state, ended.reason)
    assert Operation.STATE_SUCCEEDED == (await _settled(shop, await shop.sync())).state
