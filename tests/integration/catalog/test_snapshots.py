"""The complete list: proven complete before it counts, guarded when it removes much, applied in pieces."""

from collections.abc import Awaitable

import grpc
import pytest
from sqlalchemy import func, select

from connector.catalog.db import snapshots
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, digest, product, reason_of, shirt


async def _begin(shop: Shop) -> dict[str, str]:
    began = await shop.catalog.BeginSnapshot(pb.BeginSnapshotRequest(store_id=shop.store_id))
    return {"store_id": shop.store_id, "snapshot_id": began.snapshot_id}


async def _refused(call: Awaitable[object], *metadata: str) -> tuple[str, ...]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value, *metadata)


async def test_a_snapshot_makes_the_catalog_what_it_says(shop: Shop) -> None:
    """New products come, changed ones change, those left out go; it is also the go."""
    await shop.upsert(product("a"), product("b", title="Old"), product("c"))
    operation = await shop.snapshot(product("b", version=2, title="New"), product("c"), shirt("d", "S", "M"))
    await shop.settle(minutes=1)
    assert ["sc_b", "sc_c", "sc_d.M", "sc_d.S"] == sorted(shop.shelf)
    assert "New" == shop.shelf["sc_b"]["title"]
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 4, 4) == (ended.state, ended.total_count, ended.confirmed_count)


async def test_removals_by_a_snapshot_are_counted(shop: Shop) -> None:
    """What a snapshot leaves out is removed under its operation."""
    await shop.snapshot(product("a"), product("b"))
    await shop.settle(minutes=1)
    operation = await shop.snapshot(product("a"))
    await shop.settle(minutes=1)
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 1, 1, 1) == (
        ended.state, ended.total_count, ended.removal_count, ended.confirmed_count,
    )  # fmt: skip
    assert ["sc_a"] == list(shop.shelf)


async def test_an_unchanged_snapshot_sends_nothing(shop: Shop) -> None:
    """The same list again has nothing to settle."""
    await shop.snapshot(product("a"), product("b"))
    await shop.settle(minutes=1)
    operation = await shop.snapshot(product("a", version=2), product("b"))
    await shop.settle(minutes=1)
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 0, 1) == (ended.state, ended.total_count, len(shop.batches()))


async def test_an_incomplete_snapshot_is_not_committed(shop: Shop) -> None:
    """A wrong count or digest changes nothing, tells what is there, and leaves the snapshot open."""
    named = await _begin(shop)
    await shop.catalog.PutSnapshotProducts(pb.PutSnapshotProductsRequest(**named, products=[product("a")]))
    for count, ids in ((2, ["a"]), (1, ["b"])):
        commit = pb.CommitSnapshotRequest(**named, product_count=count, digest=digest(ids))
        assert ("SNAPSHOT_INCOMPLETE", "1") == await _refused(shop.catalog.CommitSnapshot(commit), "product_count")
    commit = pb.CommitSnapshotRequest(**named, product_count=1, digest=digest(["a"]))
    assert Operation.STATE_RUNNING == (await shop.catalog.CommitSnapshot(commit)).operation.state


async def test_an_empty_snapshot_is_proven_too(shop: Shop) -> None:
    """A list of nothing has a digest as well."""
    commit = pb.CommitSnapshotRequest(**await _begin(shop), product_count=0, digest=digest([]))
    answer = await shop.catalog.CommitSnapshot(commit)
    await shop.settle(minutes=1)
    assert Operation.STATE_SUCCEEDED == (await shop.operation(answer.operation)).state


async def test_a_product_put_twice_counts_once_and_the_newer_wins(shop: Shop) -> None:
    """Pieces may come twice and in any order."""
    named = await _begin(shop)
    for version, title in ((2, "Newer"), (1, "Older")):
        piece = [product("a", version=version, title=title)]
        await shop.catalog.PutSnapshotProducts(pb.PutSnapshotProductsRequest(**named, products=piece))
    await shop.catalog.CommitSnapshot(pb.CommitSnapshotRequest(**named, product_count=1, digest=digest(["a"])))
    await shop.settle(minutes=1)
    assert "Newer" == shop.shelf["sc_a"]["title"]


async def test_too_many_removals_wait_for_a_word(shop: Shop) -> None:
    """A plan above the guard removes nothing until its number is confirmed."""
    await shop.snapshot(*(product(f"p{number:03}") for number in range(80)))
    await shop.settle(minutes=1)
    operation = await shop.snapshot(*(product(f"p{number:03}") for number in range(20)))
    assert (Operation.STATE_NEEDS_CONFIRMATION, 60) == (operation.state, operation.removal_count)
    await shop.settle(minutes=1)
    assert 80 == len(shop.shelf)
    named = {"store_id": shop.store_id, "operation_id": operation.operation_id}
    wrong = pb.ConfirmChangeRequest(**named, removal_count=59)
    assert ("REMOVAL_COUNT_CHANGED", "60") == await _refused(shop.catalog.ConfirmChange(wrong), "removal_count")
    confirmed = await shop.catalog.ConfirmChange(pb.ConfirmChangeRequest(**named, removal_count=60))
    assert Operation.STATE_RUNNING == confirmed.operation.state
    await shop.settle(minutes=1)
    assert (20, 60) == (len(shop.shelf), (await shop.operation(operation)).confirmed_count)
    again = pb.ConfirmChangeRequest(**named, removal_count=60)
    assert "CHANGE_NOT_WAITING" == (await _refused(shop.catalog.ConfirmChange(again)))[0]


async def test_fifty_removals_need_no_word(shop: Shop) -> None:
    """The guard lets up to 50 removals of a small catalog pass."""
    await shop.snapshot(*(product(f"p{number:03}") for number in range(60)))
    await shop.settle(minutes=1)
    await shop.snapshot(*(product(f"p{number:03}") for number in range(10)))
    await shop.settle(minutes=1)
    assert 10 == len(shop.shelf)


async def test_a_cancelled_plan_removes_nothing(shop: Shop) -> None:
    """An operation cancelled while it waited for a word leaves the catalog as it is, and the next snapshot may come."""
    everything = [product(f"p{number:03}") for number in range(60)]
    await shop.snapshot(*everything)
    await shop.settle(minutes=1)
    await shop.cancel(await shop.snapshot(product("p000")))
    await shop.settle(minutes=1)
    assert 60 == len(shop.shelf)
    assert Operation.STATE_RUNNING == (await shop.snapshot(*everything)).state


async def test_what_was_upserted_after_a_snapshot_began_stays(shop: Shop) -> None:
    """A product newer than the list is not taken for one that was left out."""
    named = await _begin(shop)
    await shop.upsert(product("new"))
    await shop.catalog.PutSnapshotProducts(pb.PutSnapshotProductsRequest(**named, products=[product("a")]))
    await shop.catalog.CommitSnapshot(pb.CommitSnapshotRequest(**named, product_count=1, digest=digest(["a"])))
    await shop.settle(minutes=1)
    assert ["sc_a", "sc_new"] == sorted(shop.shelf)


async def test_a_snapshot_expires_after_a_day(shop: Shop) -> None:
    """An old list is not committed by mistake."""
    named = await _begin(shop)
    shop.clock.advance(hours=25)
    commit = pb.CommitSnapshotRequest(**named, product_count=0, digest=digest([]))
    assert "SNAPSHOT_CLOSED" == (await _refused(shop.catalog.CommitSnapshot(commit)))[0]


async def test_a_cancelled_snapshot_is_forgotten(shop: Shop, runtime: Runtime) -> None:
    """A committed snapshot that never will be applied, since its operation ended, does not lie about for ever."""
    await shop.upsert(*(product(f"p{number}") for number in range(60)))
    await shop.sync()
    await shop.settle(minutes=1)
    held = await shop.snapshot(product("p1"))
    assert Operation.STATE_NEEDS_CONFIRMATION == held.state
    shop.clock.advance(days=2)
    async with runtime.db.begin() as tx:
        assert not await snapshots.sweep(tx, at=runtime.now())
        assert 1 == await tx.scalar(select(func.count()).select_from(snapshots.snapshots))
    await shop.cancel(held)
    async with runtime.db.begin() as tx:
        while await snapshots.sweep(tx, at=runtime.now()):
            pass
        assert 0 == await tx.scalar(select(func.count()).select_from(snapshots.snapshot_products))


async def test_an_abandoned_snapshot_is_closed(shop: Shop) -> None:
    """Abandoning can be repeated; putting into what was abandoned is refused."""
    named = await _begin(shop)
    for _ in range(2):
        await shop.catalog.AbandonSnapshot(pb.AbandonSnapshotRequest(**named))
    put = pb.PutSnapshotProductsRequest(**named, products=[product("a")])
    assert "SNAPSHOT_CLOSED" == (await _refused(shop.catalog.PutSnapshotProducts(put)))[0]


@pytest.mark.parametrize("snapshot_id", ["nonsense", "00000000-0000-7000-8000-00000000ffff"])
async def test_a_snapshot_of_nobody_is_not_found(shop: Shop, snapshot_id: str) -> None:
    """Malformed and unknown ids are answered alike."""
    wish = pb.AbandonSnapshotRequest(store_id=shop.store_id, snapshot_id=snapshot_id)
    assert "SNAPSHOT_NOT_FOUND" == (await _refused(shop.catalog.AbandonSnapshot(wish)))[0]


async def test_a_snapshot_can_change_the_currency(shop: Shop) -> None:
    """A complete list in another currency is how a store changes what it sells in."""
    await shop.snapshot(product("a"), product("b"))
    await shop.settle(minutes=1)
    euros = {"price": {"currency_code": "EUR", "minor_units": 990}}
    await shop.snapshot(product("a", version=2, **euros), product("b", version=2, **euros))
    await shop.settle(minutes=1)
    assert {"9.90 EUR"} == {item["price"] for item in shop.shelf.values()}
