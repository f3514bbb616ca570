"""Names are for ever: they stay when variants come and go, and lead to StormCom's ids and back."""

from collections.abc import Sequence

import grpc
import pytest

from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1.catalog_service_pb2 import ItemName, ResolvedName
from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from stormcom.facebook.v1.product_pb2 import Product
from tests.integration.catalog.shop import Shop, product, reason_of, shirt


async def resolve(shop: Shop, *names: ItemName) -> Sequence[ResolvedName]:
    """Resolve names."""
    return (
        await shop.catalog.ResolveRetailerIds(pb.ResolveRetailerIdsRequest(store_id=shop.store_id, names=names))
    ).names


async def _sent(shop: Shop, *listings: Product) -> list[list[str]]:
    """Upsert one after the other, each sent and confirmed before the next; tells the names answered."""
    answered = []
    for version, listing in enumerate(listings, start=1):
        listing.source_version = version
        [result] = await shop.upsert(listing)
        answered.append(list(result.retailer_ids))
        await shop.sync()
        await shop.settle(minutes=1)
    return answered


async def test_a_product_that_gains_variants_keeps_its_item(shop: Shop) -> None:
    """Its first variant goes on as the item that stood, now one of a group; the other is new."""
    assert [["sc_p1"], ["sc_p1", "sc_p1.M"]] == await _sent(shop, product("p1"), shirt("p1", "S", "M"))
    assert ("S", "sc_p1") == (shop.shelf["sc_p1"]["size"], shop.shelf["sc_p1"]["item_group_id"])
    assert {"sc_p1": "CONFIRMED", "sc_p1.M": "CONFIRMED"} == await shop.states()


async def test_a_product_that_loses_variants_keeps_its_item(shop: Shop) -> None:
    """Back without variants it is the item that went on before; every variant that comes back finds its own."""
    answered = await _sent(shop, product("p1"), shirt("p1", "S", "M"), product("p1"), shirt("p1", "M", "S"))
    assert [["sc_p1"], ["sc_p1", "sc_p1.M"], ["sc_p1"], ["sc_p1.M", "sc_p1"]] == answered
    assert {"sc_p1", "sc_p1.M"} == set(shop.shelf)


async def test_the_only_variant_left_becomes_the_product(shop: Shop) -> None:
    """A product whose single variant becomes the product itself keeps the variant's item, without a size."""
    assert [["sc_p1.S"], ["sc_p1.S"]] == await _sent(shop, shirt("p1", "S"), product("p1"))
    assert {"sc_p1.S": "CONFIRMED"} == await shop.states()
    assert "size" not in shop.shelf["sc_p1.S"]


@pytest.mark.parametrize("again", [shirt("p1", "S", "M", version=2), shirt("p1", "S", "M", version=1)])
async def test_every_answer_tells_the_name_an_item_has(shop: Shop, again: Product) -> None:
    """Changed, unchanged, older, in a snapshot, or for its stock: the name told is the one it has."""
    await shop.upsert(product("p1"))
    snapshot = await shop.catalog.BeginSnapshot(pb.BeginSnapshotRequest(store_id=shop.store_id))
    put = pb.PutSnapshotProductsRequest(
        store_id=shop.store_id, snapshot_id=snapshot.snapshot_id, products=[shirt("p1", "S", "M", version=2)]
    )
    [foreseen] = (await shop.catalog.PutSnapshotProducts(put)).results
    [first] = await shop.upsert(shirt("p1", "S", "M", version=2))
    [second] = await shop.upsert(again)
    assert [["sc_p1", "sc_p1.M"]] * 3 == [list(one.retailer_ids) for one in (foreseen, first, second)]
    line = InventoryLine(product_id="p1", variant_id="S", source_version=9, quantity=3, track_inventory=True)
    assert ["sc_p1"] == [result.retailer_id for result in await shop.stock(line)]


async def test_names_are_resolved_in_both_directions(shop: Shop) -> None:
    """Each name is answered in the order asked, unknown ones as such, and what is no longer wanted says so."""
    await shop.upsert(product("p1"), shirt("p2", "S", "M"))
    await shop.delete("p1")
    asked = [
        ItemName(product_id="p2", variant_id="M"),
        ItemName(retailer_id="none"),
        ItemName(retailer_id="sc_p1"),
        ItemName(product_id="p2"),
        ItemName(retailer_id="sc_p2.S"),
        ItemName(retailer_id="sc_p2.S"),
    ]
    found = await resolve(shop, *asked)
    item = ItemName(retailer_id="sc_p2.S", product_id="p2", variant_id="S")
    assert [True, False, True, False, True, True] == [one.found for one in found]
    assert ([True, False], [item, item]) == ([found[0].wanted, found[2].wanted], [found[4].item, found[5].item])


async def test_what_is_asked_is_read_strictly(shop: Shop) -> None:
    """A name is an id or a product, and there are 1 to 1,000; what is wrong is named."""
    wrong = {
        ("FIELD_REQUIRED", "names"): [],
        ("FIELD_TOO_LARGE", "names"): [ItemName(retailer_id="x")] * 1_001,
        ("FIELD_REQUIRED", "names[1].retailer_id"): [ItemName(retailer_id="x"), ItemName()],
        ("FIELD_REQUIRED", "names[0].retailer_id"): [ItemName(retailer_id="x", product_id="y")],
        ("FIELD_REQUIRED", "names[0].product_id"): [ItemName(retailer_id="x", variant_id="y")],
        ("FIELD_INVALID", "names[0].retailer_id"): [ItemName(retailer_id="x\0")],
    }
    for told, names in wrong.items():
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await resolve(shop, *names)
        assert told == reason_of(refused.value, "field")
