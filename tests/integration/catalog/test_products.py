"""What becomes of products one by one: versions, variants, removal, and reading items back."""

import grpc
import pytest

from stormcom.facebook.v1.catalog_service_pb2 import (
    GetItemRequest,
    ListItemsRequest,
    ProductResult,
    UpsertProductsRequest,
)
from stormcom.facebook.v1.item_pb2 import Item
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ARCHIVED, PRODUCT_STATUS_DRAFT, Product, Variant
from tests.integration.catalog.shop import Shop, product, reason_of, shirt

ACCEPTED, UNCHANGED = ProductResult.OUTCOME_ACCEPTED, ProductResult.OUTCOME_UNCHANGED
STALE, REJECTED, UNKNOWN = ProductResult.OUTCOME_STALE, ProductResult.OUTCOME_REJECTED, ProductResult.OUTCOME_UNKNOWN


@pytest.fixture
async def shop(shop: Shop) -> Shop:
    """The store after its go."""
    await shop.sync()
    return shop


async def test_an_older_version_changes_nothing(shop: Shop) -> None:
    """A late message about an earlier state of a product is answered STALE."""
    await shop.upsert(product("p1", version=5, title="New"))
    [result] = await shop.upsert(product("p1", version=4, title="Old"))
    assert STALE == result.outcome
    assert "New" == (await shop.items())["sc_p1"].title


async def test_answers_come_in_the_order_asked(shop: Shop) -> None:
    """Each product is answered on its own, with its items' names in the order of its variants."""
    await shop.upsert(product("a"))
    results = await shop.upsert(shirt("z", "M", "S"), product("a"), product("b", brand=""))
    assert [("z", ACCEPTED), ("a", UNCHANGED), ("b", REJECTED)] == [(one.product_id, one.outcome) for one in results]
    assert ["sc_z.M", "sc_z.S"] == list(results[0].retailer_ids)


async def test_the_same_under_a_newer_version_is_unchanged(shop: Shop) -> None:
    """A version that changes nothing sends nothing, but counts: what is older than it is stale from then on."""
    await shop.upsert(product("p1", version=1))
    [same] = await shop.upsert(product("p1", version=7))
    [late] = await shop.upsert(product("p1", version=3, title="Late"))
    assert (UNCHANGED, STALE) == (same.outcome, late.outcome)


async def test_a_variant_no_longer_listed_leaves_the_catalog(shop: Shop) -> None:
    """Dropping a variant removes its item and touches no other."""
    await shop.upsert(shirt("p1", "S", "M"))
    await shop.settle(minutes=1)
    await shop.upsert(shirt("p1", "M", version=2))
    await shop.settle(minutes=1)
    assert ["sc_p1.M"] == list(shop.shelf)
    assert {"sc_p1.M": "CONFIRMED", "sc_p1.S": "REMOVED"} == await shop.states()


async def test_a_variant_that_comes_back_keeps_its_name(shop: Shop) -> None:
    """A name is written once: the item that returns is the item that left."""
    await shop.upsert(shirt("p1", "S", "M"))
    await shop.settle(minutes=1)
    await shop.upsert(shirt("p1", "M", version=2))
    await shop.settle(minutes=1)
    await shop.upsert(shirt("p1", "S", "M", version=3))
    await shop.settle(minutes=1)
    assert ["sc_p1.M", "sc_p1.S"] == sorted(shop.shelf)


@pytest.mark.parametrize("status", [PRODUCT_STATUS_DRAFT, PRODUCT_STATUS_ARCHIVED])
async def test_a_product_not_for_sale_leaves_the_catalog(shop: Shop, status: int) -> None:
    """A draft or archived product is removed if it was sent, and never sent otherwise."""
    await shop.upsert(product("p1"))
    await shop.settle(minutes=1)
    await shop.upsert(product("p1", version=2, status=status), product("p2", status=status))
    await shop.settle(minutes=1)
    assert ({}, {"sc_p1": "REMOVED"}) == (shop.shelf, await shop.states())


async def test_deleting_is_by_name(shop: Shop) -> None:
    """Deleted products leave the catalog; repeating it, and unknown names, change nothing."""
    await shop.upsert(product("p1"), product("p2"))
    await shop.settle(minutes=1)
    first = await shop.delete("p1", "nobody")
    again = await shop.delete("p1")
    await shop.settle(minutes=1)
    assert [ACCEPTED, UNKNOWN, UNCHANGED] == [one.outcome for one in (*first, *again)]
    assert ["sc_p2"] == list(shop.shelf)


async def test_a_deleted_product_can_come_back(shop: Shop) -> None:
    """The same product, upserted after its deletion, is wanted again."""
    await shop.upsert(product("p1"))
    await shop.settle(minutes=1)
    await shop.delete("p1")
    await shop.upsert(product("p1"))
    await shop.settle(minutes=1)
    assert {"sc_p1": "CONFIRMED"} == await shop.states()


async def test_a_refused_change_leaves_what_stands(shop: Shop) -> None:
    """When our checks refuse a new state, Meta keeps the old one; the mended product goes out."""
    await shop.upsert(product("p1", title="Good"))
    await shop.settle(minutes=1)
    await shop.upsert(product("p1", version=2, title=""))
    await shop.settle(minutes=1)
    assert ("Good", {"sc_p1": "REJECTED"}) == (shop.shelf["sc_p1"]["title"], await shop.states())
    await shop.upsert(product("p1", version=3, title="Better"))
    await shop.settle(minutes=1)
    assert ("Better", {"sc_p1": "CONFIRMED"}) == (shop.shelf["sc_p1"]["title"], await shop.states())


async def test_what_a_product_no_longer_has_is_cleared(shop: Shop) -> None:
    """An option or sale that is gone from the product is gone at Meta."""
    await shop.upsert(product("p1", options={"Colour": "red", "Scent": "rose"}, gtin="4006381333931"))
    await shop.settle(minutes=1)
    assert ("red", "Scent:rose") == (shop.shelf["sc_p1"]["color"], shop.shelf["sc_p1"]["additional_variant_attribute"])
    await shop.upsert(product("p1", version=2))
    await shop.settle(minutes=1)
    assert set() == {"color", "additional_variant_attribute", "gtin", "sale_price"} & shop.shelf["sc_p1"].keys()


async def test_another_currency_is_refused(shop: Shop) -> None:
    """A product that costs in another currency than the store's others is refused by name."""
    await shop.upsert(product("p1"))
    [result] = await shop.upsert(product("p2", price={"currency_code": "USD", "minor_units": 100}))
    assert [("price", "CURRENCY_MISMATCH")] == [(fault.field, fault.reason) for fault in result.faults]


@pytest.mark.parametrize(
    ("products", "field", "reason"),
    [
        ([], "products", "FIELD_REQUIRED"),
        ([product("p")] * 2, "products[1]", "DUPLICATE_ENTRY"),
        ([product("p q")], "products[0].product_id", "FIELD_INVALID"),
        ([product("p", version=0)], "products[0].source_version", "FIELD_REQUIRED"),
        ([product("p", variants=[Variant()])], "products[0].variants[0].variant_id", "FIELD_REQUIRED"),
        ([product("p", variants=[Variant(variant_id="v")] * 2)], "products[0].variants[1]", "DUPLICATE_ENTRY"),
        ([product(f"p{number}") for number in range(501)], "products", "FIELD_TOO_LARGE"),
    ],
)
async def test_a_call_that_cannot_be_read_is_refused_whole(
    shop: Shop, products: list[Product], field: str, reason: str
) -> None:
    """Ids, versions and sizes must be right for anything to be stored; the wrong one is named."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.catalog.UpsertProducts(UpsertProductsRequest(store_id=shop.store_id, products=products))
    assert (grpc.StatusCode.INVALID_ARGUMENT, (reason, field)) == (
        refused.value.code(),
        reason_of(refused.value, "field"),
    )
    assert {} == await shop.items()


async def test_items_are_listed_in_pages_by_state_product_and_reason(shop: Shop) -> None:
    """A list goes on where its token says, in the order of names, and shows what was asked for."""
    await shop.upsert(*(product(f"p{number}") for number in range(5)), product("bad", brand=""))
    names: list[str] = []
    token = ""
    while True:
        asked = ListItemsRequest(store_id=shop.store_id, page_size=4, page_token=token)
        answer = await shop.catalog.ListItems(asked)
        names, token = [*names, *(item.retailer_id for item in answer.items)], answer.next_page_token
        if not token:
            break
    assert ["sc_bad", *(f"sc_p{number}" for number in range(5))] == names
    assert ["sc_bad"] == list(await shop.items(reason="FIELD_REQUIRED"))
    assert ["sc_bad"] == list(await shop.items(states=[Item.STATE_REJECTED]))
    assert ["sc_p3"] == list(await shop.items(product_id="p3"))


async def test_one_item_is_found_by_either_name(shop: Shop) -> None:
    """An item is told by Meta's name or by StormCom's ids, with hashes that tell what Meta has."""
    await shop.upsert(shirt("p1", "S"))
    await shop.settle(minutes=1)
    ids = GetItemRequest(store_id=shop.store_id, product_id="p1", variant_id="S")
    name = GetItemRequest(store_id=shop.store_id, retailer_id="sc_p1.S")
    [by_ids, by_name] = [(await shop.catalog.GetItem(asked)).item for asked in (ids, name)]
    assert by_ids == by_name
    assert by_ids.desired_hash == by_ids.sent_hash == by_ids.confirmed_hash != ""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.catalog.GetItem(GetItemRequest(store_id=shop.store_id, retailer_id="sc_p2"))
    assert "ITEM_NOT_FOUND" == reason_of(refused.value)[0]
