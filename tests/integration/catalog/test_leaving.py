"""Whoever disconnects chooses what becomes of our items: kept, hidden or deleted; never anybody else's."""

from typing import Any

import grpc
import pytest
from sqlalchemy import text

from connector.catalog.actions import leaving
from connector.connections import db as connections_db
from connector.connections.model import State
from simulator.batches import write_item
from simulator.state import ProductCatalog
from stormcom.facebook.v1.connection_pb2 import Connection
from stormcom.facebook.v1.connector_service_pb2 import DisconnectRequest, DisconnectResponse
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, product, reason_of
from tests.integration.conftest import connect

KEEP, HIDE, DELETE = (
    DisconnectRequest.CATALOG_CHOICE_KEEP,
    DisconnectRequest.CATALOG_CHOICE_HIDE,
    DisconnectRequest.CATALOG_CHOICE_DELETE_OURS,
)


async def leave(shop: Shop, choice: Any, **wish: Any) -> DisconnectResponse:
    request = DisconnectRequest(store_id=shop.store_id, connection_id=await _id(shop), catalog_choice=choice, **wish)
    response: DisconnectResponse = await FacebookConnectorStub(shop.channel).Disconnect(request)
    return response


async def _id(shop: Shop) -> str:
    async with shop.runtime.db.begin() as tx:
        return str(await tx.scalar(text("SELECT id FROM connections WHERE page_id <> ''")))


async def state(shop: Shop) -> State:
    async with shop.runtime.db.begin() as tx:
        return (await connections_db.require(tx, shop.store_id, await _id(shop))).state


async def filled(shop: Shop, count: int = 3) -> None:
    """Bring products into the catalog, beside one that somebody else put there."""
    catalog = shop.world.all(ProductCatalog)[0]
    write_item(shop.world, catalog, "theirs", {"title": "Theirs", "visibility": "published"})
    await shop.upsert(*(product(f"p{place}") for place in range(count)))
    await shop.sync()
    await shop.settle()
    assert {"theirs", *(f"sc_p{place}" for place in range(count))} == set(shop.shelf)


def hidden(shop: Shop) -> set[str]:
    return {name for name, item in shop.shelf.items() if item.get("visibility") == "hidden"}


async def test_items_stay_unless_told_otherwise(shop: Shop) -> None:
    """Disconnect without a choice ends the connection at once and touches no item."""
    await filled(shop)
    before = shop.shelf
    told = await leave(shop, DisconnectRequest.CATALOG_CHOICE_UNSPECIFIED)
    await shop.settle()
    assert (Connection.STATE_DISCONNECTED, 0, before) == (told.connection.state, told.item_count, shop.shelf)


async def test_ours_are_hidden_and_shown_again_by_the_next_sync(shop: Shop) -> None:
    """HIDE hides our items, ends the connection when Meta has confirmed, and a later login and sync undo it, under the same ids."""
    await filled(shop)
    told = await leave(shop, HIDE)
    assert (Connection.STATE_DISCONNECTING, 3) == (told.connection.state, told.item_count)
    await shop.settle(minutes=30)
    assert ({"sc_p0", "sc_p1", "sc_p2"}, State.DISCONNECTED) == (hidden(shop), await state(shop))
    ended = await shop.operation(told.operation)
    assert (Operation.STATE_SUCCEEDED, Operation.KIND_LEAVE_CATALOG, 3, 3) == (
        ended.state, ended.kind, ended.total_count, ended.confirmed_count,
    )  # fmt: skip
    await connect(shop.channel, shop.world, shop.turn)
    await shop.sync()
    await shop.settle(minutes=30)
    assert (set(), {"CONFIRMED"}) == (hidden(shop), set((await shop.states()).values()))
    assert "Scarf p0" == shop.shelf["sc_p0"]["title"]


async def test_ours_are_deleted_and_come_back_under_the_same_ids(shop: Shop) -> None:
    """DELETE_OURS leaves what others put there; a later login and sync bring ours back under the same ids."""
    await filled(shop)
    await leave(shop, DELETE)
    await shop.settle(minutes=30)
    assert ({"theirs"}, State.DISCONNECTED) == (set(shop.shelf), await state(shop))
    await connect(shop.channel, shop.world, shop.turn)
    await shop.sync()
    await shop.settle(minutes=30)
    assert {"theirs", "sc_p0", "sc_p1", "sc_p2"} == set(shop.shelf)


async def test_a_dry_run_tells_the_count_only(shop: Shop) -> None:
    """A dry run says how many items it is about, and nothing happens."""
    await filled(shop)
    told = await leave(shop, DELETE, dry_run=True)
    await shop.settle()
    assert (3, Connection.STATE_CONNECTED, False) == (
        told.item_count, told.connection.state, told.HasField("operation"),
    )  # fmt: skip
    assert (4, State.CONNECTED) == (len(shop.shelf), await state(shop))


async def test_nothing_of_ours_there_ends_at_once(shop: Shop) -> None:
    """Without an item of ours there is nothing to wait for."""
    told = await leave(shop, DELETE)
    assert (Connection.STATE_DISCONNECTED, False) == (told.connection.state, told.HasField("operation"))


async def test_repeating_it_changes_nothing_and_another_way_is_refused(shop: Shop) -> None:
    """The same choice again tells of the same operation; another one names the operation at work; KEEP ends it at once."""
    await filled(shop)
    first, second = await leave(shop, HIDE), await leave(shop, HIDE)
    assert first.operation.operation_id == second.operation.operation_id
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await leave(shop, DELETE)
    assert ("OPERATION_RUNNING", first.operation.operation_id) == reason_of(refused.value, "operation_id")
    told = await leave(shop, KEEP)
    assert Connection.STATE_DISCONNECTED == told.connection.state
    assert Operation.STATE_FAILED == (await shop.operation(first.operation)).state
    await shop.settle()
    assert set() == hidden(shop)


async def test_a_leaving_connection_takes_no_other_work(shop: Shop) -> None:
    """Meanwhile syncs are refused, and changed products are kept for later."""
    await filled(shop)
    await leave(shop, DELETE)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.sync()
    assert ("STORE_NOT_CONNECTED",) == reason_of(refused.value)
    await shop.upsert(product("p0", version=2, title="Newer"))
    await shop.settle(minutes=30)
    assert ({"theirs"}, State.DISCONNECTED) == (set(shop.shelf), await state(shop))


async def test_batches_under_way_are_judged_first(shop: Shop) -> None:
    """What was sent just before is waited for: no item is ever in two batches at once."""
    shop.world.switches.change(batch_seconds=120.0)
    await shop.upsert(product("p1"), product("p2"))
    await shop.sync()
    await shop.turn()
    await leave(shop, DELETE)
    await shop.settle(minutes=60)
    assert (set(), State.DISCONNECTED) == (set(shop.shelf), await state(shop))


async def test_connecting_again_meanwhile_ends_it(shop: Shop) -> None:
    """A new login before the end cancels the operation; what went already comes back with the next sync."""
    await filled(shop)
    shop.world.switches.change(batch_seconds=120.0)
    told = await leave(shop, HIDE)
    await shop.turn()
    await connect(shop.channel, shop.world, shop.turn)
    assert Operation.STATE_CANCELLED == (await shop.operation(told.operation)).state
    await shop.settle(minutes=30)
    await shop.sync()
    await shop.settle(minutes=30)
    assert (set(), State.CONNECTED) == (hidden(shop), await state(shop))


async def test_an_item_that_meta_refuses_to_hide_is_told(shop: Shop) -> None:
    """An item that is gone at Meta cannot be hidden: the operation says so, and the connection ends all the same."""
    await filled(shop)
    del shop.world.all(ProductCatalog)[0].items["sc_p1"]
    told = await leave(shop, HIDE)
    await shop.settle(minutes=30)
    ended = await shop.operation(told.operation)
    assert ({"sc_p0", "sc_p2"}, State.DISCONNECTED) == (hidden(shop), await state(shop))
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 1, ["sc_p1"]) == (
        ended.state, ended.rejected_count, [one.retailer_id for one in ended.first_rejections],
    )  # fmt: skip


async def test_a_token_that_dies_meanwhile_ends_it(shop: Shop) -> None:
    """When Meta refuses us there is no way to go on: the connection ends, and the operation says why."""
    await filled(shop)
    told = await leave(shop, DELETE)
    for token in shop.world.tokens.values():
        token.death = 460
    await shop.settle(minutes=30)
    ended = await shop.operation(told.operation)
    assert (Operation.STATE_FAILED, "META_TOKEN_INVALID") == (ended.state, ended.reason)
    assert State.DISCONNECTED is await state(shop)


async def test_it_ends_after_a_day_whatever_meta_does(shop: Shop) -> None:
    """While Meta does not answer it is tried again; after a day the connection ends, and the operation tells what is left."""
    await filled(shop)
    told = await leave(shop, DELETE)
    shop.break_calls("items_batch", "status", times=10_000, status=503)
    await shop.turn()
    shop.clock.advance(hours=23)
    await shop.turn()
    assert State.DISCONNECTING is await state(shop)
    shop.clock.advance(seconds=leaving.LONGEST.total_seconds())
    await shop.turn()
    ended = await shop.operation(told.operation)
    assert (Operation.STATE_FAILED, "LEAVING_UNFINISHED") == (ended.state, ended.reason)
    assert State.DISCONNECTED is await state(shop)


async def test_a_connection_that_needs_a_login_can_only_keep(shop: Shop) -> None:
    """Without a living token nothing can be hidden: the call says so, and KEEP still works."""
    await filled(shop)
    async with shop.runtime.db.begin() as tx:
        await tx.execute(text("UPDATE connections SET state = 'NEEDS_LOGIN', reason = 'META_TOKEN_INVALID'"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await leave(shop, HIDE)
    assert ("META_TOKEN_INVALID",) == reason_of(refused.value)
    assert Connection.STATE_DISCONNECTED == (await leave(shop, KEEP)).connection.state


async def test_a_batch_whose_sender_died_is_waited_for(shop: Shop) -> None:
    """A batch that may have arrived, though nobody looks after it, is settled before anything is deleted."""
    await filled(shop)
    async with shop.runtime.db.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO batches (id, connection_id, lane, catalog_id, item_count, create_time)"
                " SELECT gen_random_uuid(), id, 'CONTENT', catalog_id, 1, :at FROM connections"
            ),
            {"at": shop.clock()},
        )
        await tx.execute(text("UPDATE items SET batch_id = (SELECT id FROM batches) WHERE retailer_id = 'sc_p0'"))
    await leave(shop, DELETE)
    await shop.settle(minutes=60)
    assert ({"theirs"}, State.DISCONNECTED) == (set(shop.shelf), await state(shop))


async def test_who_leaves_again_has_a_day_again(shop: Shop) -> None:
    """The end of an earlier leaving, which a new login had cancelled, does not cut the next one short."""
    await filled(shop)
    await leave(shop, HIDE)
    await connect(shop.channel, shop.world, shop.turn)
    shop.clock.advance(hours=23)
    shop.break_calls("items_batch", "status", times=10_000, status=503)
    told = await leave(shop, DELETE)
    shop.clock.advance(hours=2)
    await shop.turn()
    assert (Operation.STATE_RUNNING, State.DISCONNECTING) == (
        (await shop.operation(told.operation)).state,
        await state(shop),
    )


async def test_what_an_earlier_leaving_sent_is_judged_before_the_next(shop: Shop) -> None:
    """Items that Meta is still hiding for a leaving that was cancelled are deleted by the next one, like all others."""
    await filled(shop)
    shop.world.switches.change(batch_seconds=120.0)
    await leave(shop, HIDE)
    for _ in range(3):  # judge what was sent before, mark, send
        shop.clock.advance(minutes=1)
        await shop.turn()
    await connect(shop.channel, shop.world, shop.turn)
    told = await leave(shop, DELETE)
    await shop.settle(minutes=30)
    assert ({"theirs"}, Operation.STATE_SUCCEEDED) == (set(shop.shelf), (await shop.operation(told.operation)).state)


async def test_marking_goes_on_where_it_was_killed(shop: Shop) -> None:
    """A turn that dies while a large catalog is marked is continued with the next piece, not from the start."""
    await filled(shop)
    await leave(shop, HIDE)
    async with shop.runtime.db.begin() as tx:
        found = await tx.execute(
            text("UPDATE tasks SET arguments = '{\"after\": \"sc_p1\"}' WHERE name = 'LEAVE_CATALOG' RETURNING id")
        )
        assert 1 == len(found.all())
    await shop.settle(minutes=30)
    assert ({"sc_p2"}, State.DISCONNECTED) == (hidden(shop), await state(shop))
