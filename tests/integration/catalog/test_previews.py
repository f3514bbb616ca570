"""The preview tells what would happen, and nothing happens: of a sync, of named products, of an open snapshot."""

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest

from simulator import seeds
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1.catalog_service_pb2 import PREVIEW_MODE_DELTA, PREVIEW_MODE_FULL, PREVIEW_MODE_ITEMS
from stormcom.facebook.v1.connector_service_pb2 import SyncCatalogRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, digest, product, reason_of, shirt
from tests.integration.conftest import APP_ID, connect
from tests.integration.keepsakes import Site, once

_LONG = "A title that is too long for this Meta"


async def _preview(shop: Shop, **fields: Any) -> tuple[tuple[int, ...], dict[str, str]]:
    """Read a whole preview: its counts, and the change of each item."""
    counts, changes, pages = None, {}, 0
    async for told in shop.catalog.PreviewSync(pb.PreviewSyncRequest(store_id=shop.store_id, **fields)):
        assert (counts is None) == told.HasField("counts")
        counts = told.counts if counts is None else counts
        assert len(told.items) <= 500
        pages += 1
        for item in told.items:
            changes[item.retailer_id] = pb.PreviewedItem.Change.Name(item.change).removeprefix("CHANGE_")
    assert counts is not None
    numbers = counts.create_count, counts.change_count, counts.removal_count, counts.rejected_count
    return (*numbers, counts.unchanged_count), changes


async def _begin(shop: Shop, *products: Any) -> dict[str, str]:
    began = await shop.catalog.BeginSnapshot(pb.BeginSnapshotRequest(store_id=shop.store_id))
    named = {"store_id": shop.store_id, "snapshot_id": began.snapshot_id}
    await shop.catalog.PutSnapshotProducts(pb.PutSnapshotProductsRequest(**named, products=products))
    return named


async def _refused(call: Awaitable[object]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)[0]


@pytest.fixture
async def stocked(shop: Shop, site: Site) -> Shop:
    """The store with three products confirmed, one that Meta refused, and one that our checks refuse."""

    async def walk() -> None:
        shop.world.switches.change(max_title=20)
        await shop.upsert(
            product("p1"), product("p2"), product("p3"), product("p4", title=_LONG), product("p5", brand="")
        )
        await shop.sync()
        await shop.settle()
        shop.world.switches.change(max_title=150)

    await once("catalog.test_previews.stocked", site, walk)
    return shop


async def test_before_the_go_everything_would_be_created(shop: Shop) -> None:
    """A preview of the first sync tells every item and is not the go."""
    await shop.upsert(product("p1"), shirt("p2", "S", "M"), product("p3", brand=""))
    counts, changes = await _preview(shop)
    assert (3, 0, 0, 1, 0) == counts
    assert {"sc_p1": "CREATE", "sc_p2.M": "CREATE", "sc_p2.S": "CREATE", "sc_p3": "REJECT"} == changes
    await shop.settle()
    assert {} == shop.shelf


async def test_a_preview_tells_what_changes(stocked: Shop) -> None:
    """What is new, otherwise, leaving or refused is listed; what stays is only counted, unless everything is sent."""
    stocked.break_calls("items_batch", "error", code=80014, minutes=600)
    await stocked.upsert(product("p1", version=2, title="Shawl"), product("p6"))
    await stocked.delete("p2")
    changes = {"sc_p1": "UPDATE", "sc_p2": "REMOVE", "sc_p4": "REJECT", "sc_p5": "REJECT", "sc_p6": "CREATE"}
    assert ((1, 1, 1, 2, 1), changes) == await _preview(stocked, mode=PREVIEW_MODE_DELTA)
    assert ((1, 2, 1, 2, 0), changes | {"sc_p3": "UPDATE"}) == await _preview(stocked, mode=PREVIEW_MODE_FULL)
    some = {"mode": PREVIEW_MODE_ITEMS, "product_ids": ["p3", "p5"]}
    assert ((0, 1, 0, 1, 0), {"sc_p3": "UPDATE", "sc_p5": "REJECT"}) == await _preview(stocked, **some)
    assert ((1, 1, 1, 2, 1), {}) == await _preview(stocked, counts_only=True)


async def test_a_preview_says_why(stocked: Shop) -> None:
    """A refused item comes with what our checks or Meta say is wrong with it."""
    request = pb.PreviewSyncRequest(store_id=stocked.store_id)
    told = [item async for page in stocked.catalog.PreviewSync(request) for item in page.items]
    reasons = {item.retailer_id: [fault.reason for fault in item.faults] for item in told}
    assert {"sc_p4": ["META_REJECTED"], "sc_p5": ["FIELD_REQUIRED"]} == reasons


async def test_a_preview_comes_in_pages_in_order(shop: Shop) -> None:
    """More items than a page holds come in several, none twice, none left out, in the order of their names."""
    for start in range(0, 1_200, 400):
        await shop.upsert(*(product(f"p{number:04}") for number in range(start, start + 400)))
    counts, changes = await _preview(shop)
    assert (1_200, [f"sc_p{number:04}" for number in range(1_200)]) == (counts[0], list(changes))


async def test_a_preview_of_a_snapshot_is_what_its_commit_does(stocked: Shop) -> None:
    """Removals by omission included; afterwards exactly that has happened."""
    named = await _begin(
        stocked, product("p1"), product("p3", version=2, title="Shawl"), shirt("p6", "S"), product("p7", brand="")
    )
    counts, changes = await _preview(stocked, snapshot_id=named["snapshot_id"])
    assert (1, 1, 2, 1, 1) == counts
    leaving = {"sc_p2": "REMOVE", "sc_p4": "REMOVE"}
    assert leaving | {"sc_p3": "UPDATE", "sc_p6.S": "CREATE", "sc_p7": "REJECT"} == changes
    ids = ["p1", "p3", "p6", "p7"]
    await stocked.catalog.CommitSnapshot(pb.CommitSnapshotRequest(**named, product_count=4, digest=digest(ids)))
    await stocked.settle()
    assert ["sc_p1", "sc_p3", "sc_p6.S"] == sorted(stocked.shelf)
    assert "Shawl" == stocked.shelf["sc_p3"]["title"]


async def test_a_preview_tells_whether_the_guard_would_hold(shop: Shop) -> None:
    """A list that leaves out too much is told so before it is committed."""
    everything = [product(f"p{number:03}") for number in range(60)]
    await shop.snapshot(*everything)
    await shop.settle()
    for kept, held in ((everything[:9], True), (everything[:10], False)):
        named = await _begin(shop, *kept)
        request = pb.PreviewSyncRequest(store_id=shop.store_id, snapshot_id=named["snapshot_id"], counts_only=True)
        [told] = [told async for told in shop.catalog.PreviewSync(request)]
        assert (60 - len(kept), held) == (told.counts.removal_count, told.counts.needs_confirmation)


async def test_a_preview_knows_what_is_newer_than_the_snapshot(stocked: Shop) -> None:
    """What was upserted since stays as it is: it is neither left out nor overwritten by an older piece."""
    named = await _begin(stocked, product("p1", version=2, title="Shawl"))
    await stocked.upsert(product("p1", version=3, title="Scarf of wool"), product("p2"))
    await stocked.settle()
    _, changes = await _preview(stocked, snapshot_id=named["snapshot_id"])
    assert {"sc_p3": "REMOVE"} == {name: change for name, change in changes.items() if name < "sc_p4"}


async def test_only_what_is_there_is_previewed(shop: Shop) -> None:
    """Unknown products, closed and foreign snapshots, and requests that contradict themselves are refused."""
    await shop.upsert(product("p1"))
    seeds.seed(shop.world, _SECOND)
    await connect(shop.channel, shop.world, shop.turn, store_id="store_2", seeded=1)
    other = Shop(shop.channel, shop.world, shop.clock, shop.turn, shop.runtime, store_id="store_2", seeded=1)
    foreign, closed = await _begin(other, product("p1")), await _begin(shop, product("p1"))
    await shop.catalog.AbandonSnapshot(pb.AbandonSnapshotRequest(**closed))
    for fields, reason in (
        ({"mode": PREVIEW_MODE_ITEMS, "product_ids": ["p1", "p9"]}, "PRODUCT_NOT_FOUND"),
        ({"mode": PREVIEW_MODE_ITEMS}, "FIELD_REQUIRED"),
        ({"product_ids": ["p1"]}, "FIELD_INVALID"),
        ({"mode": 9}, "FIELD_INVALID"),
        ({"snapshot_id": closed["snapshot_id"]}, "SNAPSHOT_CLOSED"),
        ({"snapshot_id": foreign["snapshot_id"]}, "SNAPSHOT_NOT_FOUND"),
        ({"snapshot_id": "nonsense"}, "SNAPSHOT_NOT_FOUND"),
        ({"snapshot_id": closed["snapshot_id"], "mode": PREVIEW_MODE_FULL}, "FIELD_INVALID"),
    ):
        assert reason == await _refused(_preview(shop, **fields))


_SECOND = {
    **seeds.DEFAULT,
    "app_id": APP_ID,
    "pages": [*seeds.DEFAULT["pages"], {"id": "30000000000000002", "name": "Second shop"}],
    "catalogs": [*seeds.DEFAULT["catalogs"], {"id": "50000000000000002", "name": "Second catalog"}],
}


async def _sync_items(shop: Shop, *product_ids: str, **fields: Any) -> Any:
    request = SyncCatalogRequest(
        store_id=shop.store_id, mode=SyncCatalogRequest.MODE_ITEMS, product_ids=product_ids, **fields
    )
    return await FacebookConnectorStub(shop.channel).SyncCatalog(request)


async def test_a_sync_of_named_products_sends_these_again(stocked: Shop) -> None:
    """All items of the named products go out, also what Meta has or refused; no others do; what checks refuse is counted."""
    batches = len(stocked.batches())
    answer = await _sync_items(stocked, "p1", "p4", "p5")
    assert (2, 0, 1) == (answer.send_count, answer.removal_count, answer.rejected_count)
    await stocked.settle()
    ended = await stocked.operation(answer.operation)
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 3, 2, 1) == (
        ended.state, ended.total_count, ended.confirmed_count, ended.rejected_count,
    )  # fmt: skip
    assert ["sc_p5"] == [one.retailer_id for one in ended.first_rejections]
    [batch] = stocked.batches()[batches:]
    assert ["sc_p1", "sc_p4"] == [record["data"]["id"] for record in batch["requests"]]


async def test_a_sync_of_many_products_goes_in_pieces(shop: Shop) -> None:
    """More products than a transaction takes are all sent under one operation."""
    await shop.upsert(*(product(f"p{number}") for number in range(50)))
    operation = (await _sync_items(shop, *(f"p{number}" for number in range(45)))).operation
    await shop.settle()
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, 45) == (ended.state, ended.confirmed_count)


async def test_a_sync_of_an_unknown_product_begins_nothing(stocked: Shop) -> None:
    """One product that was never upserted refuses the call, naming it."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _sync_items(stocked, "p1", "p9")
    assert ("PRODUCT_NOT_FOUND", "p9") == reason_of(refused.value, "product_id")
    counted = await _sync_items(stocked, "p1", dry_run=True)
    assert (1, False) == (counted.send_count, counted.HasField("operation"))
