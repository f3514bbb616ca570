"""The guard: whatever takes too much away waits for a word that names the number; nothing of it happens before."""

import asyncio
from typing import Any

import grpc
import pytest
from sqlalchemy import func, select, text, update

from connector.catalog.db import snapshots
from connector.registry.db.catalogue import items
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_HIDDEN
from tests.integration.catalog.shop import Shop, digest, product, reason_of
from tests.integration.keepsakes import Site, once

EVERYTHING = [product(f"p{number:03}") for number in range(60)]

_MANY_PRODUCTS = text(
    """
    INSERT INTO products (connection_id, product_id, source_version, update_time)
    SELECT id, 'a' || number, 1, now() - interval '1 day' FROM connections, generate_series(1, :count) AS number
    """
)  # without items: they are there to be looked through


@pytest.fixture
async def stocked(shop: Shop, site: Site) -> Shop:
    """The store with sixty products confirmed at Meta."""

    async def walk() -> None:
        await shop.snapshot(*EVERYTHING)
        await shop.settle()

    await once("catalog.test_guard.stocked", site, walk)
    return shop


async def _rules(shop: Shop, **changes: Any) -> None:
    settings = pb.CatalogSettings(**changes)
    await shop.catalog.UpdateCatalogSettings(pb.UpdateCatalogSettingsRequest(store_id=shop.store_id, settings=settings))


async def _confirm(shop: Shop, operation: Operation, count: int) -> Operation:
    named = {"store_id": shop.store_id, "operation_id": operation.operation_id}
    return (await shop.catalog.ConfirmChange(pb.ConfirmChangeRequest(**named, removal_count=count))).operation


@pytest.mark.parametrize(
    ("percent", "count", "kept", "held"),
    [(0, 5, 55, False), (0, 5, 54, True), (10, 0, 54, False), (10, 0, 53, True), (100, 0, 1, False), (0, 0, 59, True)],
)
async def test_the_connections_own_limits_count(stocked: Shop, percent: int, count: int, kept: int, held: bool) -> None:  # noqa: FBT001 – a column of the table
    """The larger of both limits lets a plan pass; one more item and it waits."""
    await _rules(stocked, guard_percent=percent, guard_items=count)
    operation = await stocked.snapshot(*EVERYTHING[:kept])
    assert held == (operation.state == Operation.STATE_NEEDS_CONFIRMATION)
    assert operation.removal_count == (60 - kept if held else 0)


async def test_what_is_on_its_way_can_be_lost_too(shop: Shop) -> None:
    """After the go, items that Meta does not have yet count: a truncated list does not drop them in silence."""
    await shop.sync()
    shop.break_calls("items_batch", "error", code=80014, minutes=600)
    await shop.upsert(*EVERYTHING)
    await shop.turn()
    operation = await shop.snapshot(product("p000"))
    assert (Operation.STATE_NEEDS_CONFIRMATION, 59) == (operation.state, operation.removal_count)


async def test_before_the_go_nothing_can_be_lost(shop: Shop) -> None:
    """What never left may be replaced as a whole: the catalog is empty."""
    await shop.upsert(*EVERYTHING)
    operation = await shop.snapshot(product("p000"))
    await shop.settle()
    assert (Operation.STATE_SUCCEEDED, ["sc_p000"]) == ((await shop.operation(operation)).state, list(shop.shelf))


async def test_hiding_counts_like_removing(stocked: Shop) -> None:
    """A list that hides many products waits as one that leaves them out does; confirmed, they are hidden, not gone."""
    hidden = [product(one.product_id, version=2, status=PRODUCT_STATUS_HIDDEN) for one in EVERYTHING[:51]]
    operation = await stocked.snapshot(*hidden, *EVERYTHING[51:])
    assert (Operation.STATE_NEEDS_CONFIRMATION, 51) == (operation.state, operation.removal_count)
    await stocked.settle()
    assert {"published"} == {item["visibility"] for item in stocked.shelf.values()}
    await _confirm(stocked, operation, 51)
    await stocked.settle()
    shown = [name for name, item in stocked.shelf.items() if item["visibility"] != "hidden"]
    assert (60, 9) == (len(stocked.shelf), len(shown))
    ended = await stocked.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 0, 51) == (ended.state, ended.removal_count, ended.confirmed_count)
    again = await stocked.snapshot(
        *(product(one.product_id, version=3, title="Other", status=PRODUCT_STATUS_HIDDEN) for one in EVERYTHING[:51]),
        *EVERYTHING[51:],
    )
    assert Operation.STATE_RUNNING == again.state


async def test_a_sync_asks_before_it_removes_what_was_held_back(stocked: Shop, runtime: Runtime) -> None:
    """Removals that a cancelled operation holds back are not released by the next sync in passing."""
    async with runtime.db.begin() as tx:
        await tx.execute(update(items).where(items.c.product_id < "p055").values(wanted=False, held=True))
    operation = await stocked.sync()
    assert (Operation.STATE_NEEDS_CONFIRMATION, 55) == (operation.state, operation.removal_count)
    await stocked.settle()
    assert 60 == len(stocked.shelf)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _confirm(stocked, operation, 54)
    assert ("REMOVAL_COUNT_CHANGED", "55") == reason_of(refused.value, "removal_count")
    await _confirm(stocked, operation, 55)
    await stocked.settle()
    ended = await stocked.operation(operation)
    assert (5, Operation.STATE_SUCCEEDED, 55) == (len(stocked.shelf), ended.state, ended.confirmed_count)


async def test_a_snapshot_that_wants_them_back_removes_nothing(stocked: Shop, runtime: Runtime) -> None:
    """What a cancelled operation holds back and the list names again is no loss."""
    async with runtime.db.begin() as tx:
        await tx.execute(update(items).where(items.c.product_id < "p055").values(wanted=False, held=True))
    newer = [product(one.product_id, version=2, title="Other") for one in EVERYTHING]
    assert Operation.STATE_RUNNING == (await stocked.snapshot(*newer)).state


async def test_a_confirmed_count_that_changed_asks_again(stocked: Shop) -> None:
    """A product that comes back while the plan waits makes it another plan: the old number is refused, the new one goes on."""
    operation = await stocked.snapshot(*EVERYTHING[:5])
    await stocked.upsert(product("p059", version=2, title="Back again"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _confirm(stocked, operation, 55)
    assert ("REMOVAL_COUNT_CHANGED", "54") == reason_of(refused.value, "removal_count")
    assert 54 == (await stocked.operation(operation)).removal_count
    await _confirm(stocked, operation, 54)
    await stocked.settle()
    ended = await stocked.operation(operation)
    assert (6, Operation.STATE_SUCCEEDED) == (len(stocked.shelf), ended.state)


async def test_what_is_spoken_of_after_a_snapshot_began_stays(stocked: Shop) -> None:
    """A product upserted again as it was, under the same version, is not taken for one that the list left out."""
    named = await _begin(stocked)
    await stocked.upsert(EVERYTHING[7])
    commit = pb.CommitSnapshotRequest(
        **named, product_count=20, digest=digest(one.product_id for one in EVERYTHING[40:])
    )
    await _put(stocked, named, EVERYTHING[40:])
    await stocked.catalog.CommitSnapshot(commit)
    await stocked.settle()
    assert {f"sc_p{number:03}" for number in (7, *range(40, 60))} == set(stocked.shelf)


async def test_many_callers_fill_one_snapshot(shop: Shop) -> None:
    """Pieces come side by side, some twice, one caller dies in between: the list is whole, its currency one."""
    named = await _begin(shop)
    pieces = [EVERYTHING[start : start + 6] for start in range(0, 60, 6)]
    await asyncio.gather(*(_put(shop, named, piece) for piece in [*pieces, *pieces[:4]]))
    commit = pb.CommitSnapshotRequest(**named, product_count=60, digest=digest(one.product_id for one in EVERYTHING))
    operation = (await shop.catalog.CommitSnapshot(commit)).operation
    await shop.settle()
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 60) == (ended.state, ended.confirmed_count)


async def test_a_snapshot_is_resumed_by_its_request(shop: Shop) -> None:
    """Whoever begins with the same request id goes on with the same snapshot, with all that was put before."""
    begin = pb.BeginSnapshotRequest(store_id=shop.store_id, request_id="nightly")
    first = await shop.catalog.BeginSnapshot(begin)
    named = {"store_id": shop.store_id, "snapshot_id": first.snapshot_id}
    await _put(shop, named, EVERYTHING[:30])
    assert first.snapshot_id == (await shop.catalog.BeginSnapshot(begin)).snapshot_id
    await _put(shop, named, EVERYTHING[30:])
    commit = pb.CommitSnapshotRequest(**named, product_count=60, digest=digest(one.product_id for one in EVERYTHING))
    operations = [(await shop.catalog.CommitSnapshot(commit)).operation.operation_id for _ in range(2)]
    assert 1 == len(set(operations))


async def _begin(shop: Shop) -> dict[str, str]:
    began = await shop.catalog.BeginSnapshot(pb.BeginSnapshotRequest(store_id=shop.store_id))
    return {"store_id": shop.store_id, "snapshot_id": began.snapshot_id}


async def _put(shop: Shop, named: dict[str, str], products: Any) -> None:
    await shop.catalog.PutSnapshotProducts(pb.PutSnapshotProductsRequest(**named, products=products))


async def test_a_large_store_is_weighed_in_pieces_before_anything_happens(stocked: Shop, runtime: Runtime) -> None:
    """What does not fit into the call is weighed after it: the operation runs, waits for a word, and removes nothing until then."""
    async with runtime.db.begin() as tx:
        await tx.execute(_MANY_PRODUCTS, {"count": snapshots.RANGE})
    operation = await stocked.snapshot(EVERYTHING[-1])
    assert Operation.STATE_RUNNING == operation.state
    await stocked.settle()
    held = await stocked.operation(operation)
    assert (Operation.STATE_NEEDS_CONFIRMATION, 59, 60) == (held.state, held.removal_count, len(stocked.shelf))
    assert Operation.STATE_RUNNING == (await _confirm(stocked, held, 59)).state
    await stocked.settle()
    ended = await stocked.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 1) == (ended.state, len(stocked.shelf))


async def test_cancelled_while_it_is_weighed_a_large_plan_does_nothing(stocked: Shop, runtime: Runtime) -> None:
    """An operation cancelled before its plan was weighed removes nothing, and its list is forgotten."""
    async with runtime.db.begin() as tx:
        await tx.execute(_MANY_PRODUCTS, {"count": snapshots.RANGE})
    await stocked.cancel(await stocked.snapshot(EVERYTHING[-1]))
    await stocked.settle()
    async with runtime.db.begin() as tx:
        left = await tx.scalar(select(func.count()).select_from(snapshots.snapshot_products))
    assert (60, 0) == (len(stocked.shelf), left)
