"""The schedule: a full sync a day, a delta an hour, at the connection's own time, once for what was missed, never before the go."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import grpc
import pytest
from sqlalchemy import delete, update

from connector.db.outbox import Task, tasks
from connector.registry.db.catalogue import items
from jobs import schedule
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import ListOperationsRequest
from stormcom.facebook.v1.operation_service_pb2_grpc import FacebookOperationsStub
from tests.integration.catalog.shop import Shop, product, reason_of
from tests.integration.conftest import connect


async def _settings(shop: Shop, **changes: Any) -> pb.UpdateCatalogSettingsResponse:
    wish = pb.UpdateCatalogSettingsRequest(store_id=shop.store_id, settings=pb.CatalogSettings(**changes))
    return await shop.catalog.UpdateCatalogSettings(wish)


async def _scheduled(shop: Shop) -> list[Operation]:
    """List the operations that the schedule began, oldest first."""
    asked = ListOperationsRequest(store_id=shop.store_id, page_size=500)
    found = (await FacebookOperationsStub(shop.channel).ListOperations(asked)).operations
    return [one for one in reversed(found) if one.scheduled]


async def _pass(shop: Shop, *, hours: float) -> None:
    await shop.settle(minutes=hours * 60)
    shop.clock.advance(seconds=1)


@pytest.fixture
async def gone(shop: Shop) -> Shop:
    """The store with two products confirmed at Meta."""
    await shop.upsert(product("p1"), product("p2"))
    await shop.sync()
    await shop.settle(minutes=1)
    return shop


async def test_a_week_of_full_syncs(gone: Shop) -> None:
    """Seven days see seven full syncs, a day apart, each settled; deltas that find nothing begin no operation."""
    await _pass(gone, hours=12 + 7 * 24)
    began = [one.create_time.ToDatetime() for one in await _scheduled(gone)]
    gaps = {round((after - before) / timedelta(minutes=1)) for before, after in pairwise(began[1:])}
    assert (True, {24 * 60}) == (len(began) in {7, 8}, gaps)
    kinds = {(one.kind, one.state, one.total_count) for one in await _scheduled(gone)}
    assert {(Operation.KIND_SYNC_CATALOG, Operation.STATE_SUCCEEDED, 2)} == kinds


async def test_a_lost_change_is_found_within_the_hour(gone: Shop) -> None:
    """An item that waits though no task is left to send it goes out with the next delta, under an operation of its own."""
    await _settings(gone, full_sync_hours=0)
    await gone.upsert(product("p1", version=2, title="Another scarf"))
    async with gone.runtime.db.begin() as tx:
        await tx.execute(delete(tasks).where(tasks.c.name == Task.SEND_ITEMS))
    await _pass(gone, hours=1.6)
    assert "Another scarf" == gone.shelf["sc_p1"]["title"]
    assert [(Operation.STATE_SUCCEEDED, 1)] == [(one.state, one.total_count) for one in await _scheduled(gone)]


async def test_nothing_is_scheduled_before_the_go(shop: Shop) -> None:
    """A connection that never synced is left alone, however long; its settings tell no next time."""
    await shop.upsert(product("p1"))
    async with shop.runtime.db.begin() as tx:
        await schedule.plan(tx, at=shop.clock(), every_linked={})
    await _pass(shop, hours=72)
    told = await shop.catalog.GetCatalogSettings(pb.GetCatalogSettingsRequest(store_id=shop.store_id))
    assert ({}, [], False) == (shop.shelf, await _scheduled(shop), told.HasField("next_full_sync_time"))


async def test_what_was_missed_is_made_up_for_once(gone: Shop) -> None:
    """After five days without anybody at work there is one full sync, not five, and then the next at its own time."""
    await _pass(gone, hours=36)
    before = len(await _scheduled(gone))
    gone.clock.advance(days=5)
    await gone.turn()
    await gone.settle(minutes=5)
    assert before + 1 == len(await _scheduled(gone))
    told = await gone.catalog.GetCatalogSettings(pb.GetCatalogSettingsRequest(store_id=gone.store_id))
    wait = told.next_full_sync_time.ToDatetime() - gone.clock().replace(tzinfo=None)
    assert timedelta(hours=11) < wait < timedelta(hours=36)


async def test_a_turn_waits_for_the_operation_at_work(gone: Shop) -> None:
    """While another operation is at work none begins; once it has ended the turn is taken."""
    gone.world.switches.change(batch_seconds=1e9)
    await gone.upsert(product("p1", version=2, title="Another scarf"))
    running = await gone.sync()
    await gone.turn()
    gone.clock.advance(hours=36)
    async with gone.runtime.db.begin() as tx:
        await tx.execute(update(tasks).where(tasks.c.name == Task.CHECK_BATCH).values(due_time=None))
    await gone.turn()
    assert [] == await _scheduled(gone)
    await gone.cancel(running)
    await _pass(gone, hours=0.2)
    assert 1 == len(await _scheduled(gone))
    gone.world.records.overlaps.clear()  # the batch that was forgotten above is still at work


async def test_what_was_cancelled_stays_held_back(gone: Shop) -> None:
    """The schedule is nobody who wants something: what a cancelled operation holds back waits for a caller."""
    await gone.upsert(product("p3"))
    async with gone.runtime.db.begin() as tx:
        await tx.execute(update(items).where(items.c.product_id == "p3").values(held=True))
    await _pass(gone, hours=50)
    assert {"sc_p1", "sc_p2"} == set(gone.shelf)
    await gone.sync()
    await gone.settle()
    assert {"sc_p1", "sc_p2", "sc_p3"} == set(gone.shelf)


async def test_a_login_brings_the_schedule_back(gone: Shop) -> None:
    """A token that died stops the schedule; after the merchant connected again what was missed is made up for once."""
    await _pass(gone, hours=36)
    before = len(await _scheduled(gone))
    for token in gone.world.tokens.values():
        token.death = 463
    await gone.upsert(product("p1", version=2, title="Another scarf"))
    await gone.settle(minutes=5)
    gone.clock.advance(days=3)
    await gone.turn()
    assert before == len(await _scheduled(gone))
    await connect(gone.channel, gone.world, gone.turn)
    await gone.settle(minutes=30)
    assert before + 1 == len(await _scheduled(gone))
    assert "Another scarf" == gone.shelf["sc_p1"]["title"]


async def test_the_relay_gives_every_connection_its_schedule(gone: Shop) -> None:
    """A connection whose go was given before there was a schedule gets one, once."""
    async with gone.runtime.db.begin() as tx:
        await tx.execute(delete(tasks))
    for _ in range(2):
        async with gone.runtime.db.begin() as tx:
            await schedule.plan(tx, at=gone.clock(), every_linked={})
    await _pass(gone, hours=38)
    assert 1 <= len(await _scheduled(gone)) <= 2


async def test_other_periods_plan_anew(gone: Shop) -> None:
    """A shorter period takes hold at once, zero means never, and the answer tells the next time."""
    never = await _settings(gone, full_sync_hours=0, delta_sync_minutes=0)
    assert (False, False) == (never.HasField("next_full_sync_time"), never.HasField("next_delta_sync_time"))
    await _pass(gone, hours=72)
    assert [] == await _scheduled(gone)
    soon = await _settings(gone, full_sync_hours=1)
    wait = soon.next_full_sync_time.ToDatetime() - gone.clock().replace(tzinfo=None)
    assert timedelta(seconds=-5) <= wait <= timedelta(minutes=90)
    await _pass(gone, hours=10)
    assert 9 <= len(await _scheduled(gone)) <= 11


async def test_settings_have_their_usual_values(shop: Shop) -> None:
    """Nobody has to set anything; what is set changes alone."""
    await _settings(shop, guard_items=7)
    told = (await shop.catalog.GetCatalogSettings(pb.GetCatalogSettingsRequest(store_id=shop.store_id))).settings
    usual = {"guard_percent": 5, "guard_items": 7, "full_sync_hours": 24, "delta_sync_minutes": 60}
    assert pb.CatalogSettings(
        **usual, safety_stock=0, last_units=0, hide_unconfirmed=False, flip_alarm_percent=20
    ) == told  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guard_percent", 101),
        ("guard_percent", -1),
        ("guard_items", 1_000_001),
        ("full_sync_hours", 721),
        ("delta_sync_minutes", 14),
        ("delta_sync_minutes", 1_441),
        ("safety_stock", -1),
        ("last_units", 1_000_001),
        ("flip_alarm_percent", 0),
    ],
)
async def test_settings_have_limits(shop: Shop, name: str, value: int) -> None:
    """What cannot be is refused, naming the field; nothing changes."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _settings(shop, **{name: value})
    assert ("FIELD_INVALID", f"settings.{name}") == reason_of(refused.value, "field")


async def test_a_safety_stock_is_offered_at_once(gone: Shop) -> None:
    """Other stock rules offer every counted item anew, without another word."""
    await _settings(gone, safety_stock=2)
    await gone.settle()
    quantities = {name: item["quantity_to_sell_on_facebook"] for name, item in gone.shelf.items()}
    assert {"sc_p1": 3, "sc_p2": 3} == quantities


def test_the_schedule_s_tasks_are_the_relay_s() -> None:
    """Every kind of scheduled sync is among what the relay keeps alive for each connection."""
    assert {Task.FULL_SYNC, Task.DELTA_SYNC} <= set(schedule.EVERY_CONNECTION)
