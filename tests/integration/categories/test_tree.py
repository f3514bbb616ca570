"""The tree over gRPC: what is stored, what is refused, and what products take from it."""

from typing import Any

import grpc
import pytest

from stormcom.facebook.v1.category_service_pb2 import ListCategoriesRequest
from tests.integration.catalog.shop import Shop, product, reason_of, shirt
from tests.integration.categories.tree import Tree, category, outcomes

CLOTHING = "Apparel & Accessories > Clothing"


async def test_a_mapping_is_taken_from_the_nearest_ancestor(tree: Tree) -> None:
    """A category without a mapping of its own has its nearest ancestor's, and is told whose."""
    await tree.set(
        category("men", google_product_category=CLOTHING, fb_product_category="clothing"),
        category("shirts", "men", google_product_category="212"),
        category("linen", "shirts"),
    )
    linen = (await tree.list())["linen"]
    assert ["Men", "Shirts", "Linen"] == list(linen.path)
    assert ("212", "shirts") == (linen.google.value, linen.google.category_id)
    assert ("clothing", "men") == (linen.meta.value, linen.meta.category_id)


async def test_parents_may_come_later_and_in_any_order(tree: Tree) -> None:
    """Until its parent comes, a category counts as one at the top and says that something is missing."""
    assert ["ACCEPTED"] == outcomes(await tree.set(category("linen", "shirts")))
    before = (await tree.list())["linen"]
    assert (True, ["Linen"]) == (before.parent_missing, list(before.path))
    await tree.set(category("shirts", "men"), category("men"))
    after = (await tree.list())["linen"]
    assert (False, ["Men", "Shirts", "Linen"]) == (after.parent_missing, list(after.path))


async def test_versions_decide(tree: Tree) -> None:
    """An older version changes nothing, the same category is unchanged under a newer version, a newer one is taken."""
    await tree.set(category("men", source_version=5))
    assert ["STALE"] == outcomes(await tree.set(category("men", source_version=4, name="Old")))
    assert ["UNCHANGED"] == outcomes(await tree.set(category("men", source_version=7)))
    assert ["STALE"] == outcomes(await tree.set(category("men", source_version=6, name="Late")))
    assert ["ACCEPTED"] == outcomes(await tree.set(category("men", source_version=8, name="New")))
    assert "New" == (await tree.list())["men"].category.name


async def test_no_category_lies_in_itself(tree: Tree) -> None:
    """What would close a circle is refused and stays where it was; its neighbours in the call are stored."""
    await tree.set(category("a"), category("b", "a"), category("c", "b"))
    results = await tree.set(category("a", "c"), category("d", "c"))
    assert ["REJECTED", "ACCEPTED"] == outcomes(results)
    assert ("CATEGORY_CYCLE", "categories[0].parent_id") == (results[0].faults[0].reason, results[0].faults[0].field)
    assert [] == list((await tree.list())["a"].path)[1:]


async def test_parent_and_child_may_change_places(tree: Tree) -> None:
    """A call is judged by the tree it leads to, not by the order of its categories."""
    await tree.set(category("a"), category("b", "a"))
    assert ["ACCEPTED", "ACCEPTED"] == outcomes(await tree.set(category("a", "b"), category("b")))
    assert ["B", "A"] == list((await tree.list())["a"].path)


async def test_what_is_wrong_is_told_with_its_category(tree: Tree) -> None:
    """A category our checks refuse is answered with the path of the wrong field and what would be right; others are stored."""
    wrong = category("men", google_product_category="Aparel & Accessories > Clothing")
    results = await tree.set(category("women"), wrong)
    assert ["ACCEPTED", "REJECTED"] == outcomes(results)
    (fault,) = results[1].faults
    assert ("CATEGORY_UNKNOWN", "categories[1].google_product_category") == (fault.reason, fault.field)
    assert "close are: Apparel & Accessories" in fault.message
    assert ["women"] == list(await tree.list())


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"source_version": 0}, ("FIELD_REQUIRED", "categories[1].source_version")),
        ({"parent_id": "a b"}, ("FIELD_INVALID", "categories[1].parent_id")),
        ({"name": "M\0n"}, ("FIELD_INVALID", "categories[1].name")),
        ({"description": "\0"}, ("FIELD_INVALID", "categories[1].description")),
    ],
)
async def test_what_cannot_be_read_refuses_the_call(
    tree: Tree, wrong: dict[str, Any], expected: tuple[str, str]
) -> None:
    """Without usable ids, versions and texts nothing of the call is stored; the wrong field is named."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tree.set(category("women"), category("men", **wrong))
    assert expected == reason_of(caught.value, "field")
    assert {} == await tree.list()


async def test_lists_are_paged(tree: Tree) -> None:
    """Pages follow each other by id until the last."""
    await tree.set(*(category(f"c{number}") for number in range(5)))
    seen, token = [], ""
    while True:
        asked = ListCategoriesRequest(store_id=tree.shop.store_id, page_size=2, page_token=token)
        page = await tree.stub.ListCategories(asked)
        seen += [one.category.category_id for one in page.categories]
        if not (token := page.next_page_token):
            break
    assert [f"c{number}" for number in range(5)] == seen


async def test_a_product_takes_path_and_mapping_from_its_categories(tree: Tree, shop: Shop) -> None:
    """The main category gives the path, the most deeply lying mapping wins, and every category above lends its label."""
    await tree.set(
        category("men", google_product_category="166"),
        category("shirts", "men", google_product_category="212", fb_product_category="429"),
        category("sale", google_product_category="1"),
    )
    await shop.upsert(product("p1", category_ids=["sale", "shirts"]))
    await shop.sync()
    await shop.settle()
    item = shop.shelf["sc_p1"]
    assert ("Sale", "212", "429") == (
        item["product_type"], item["google_product_category"], item["fb_product_category"],
    )  # fmt: skip
    assert ["sc_category_men", "sc_category_sale", "sc_category_shirts"] == item["internal_label"]


async def test_a_products_own_words_win(tree: Tree, shop: Shop) -> None:
    """What the product says itself is sent, also after its category changed; its own labels stay."""
    await tree.set(category("men", google_product_category="166"))
    own: dict[str, Any] = {"categories": ["Mine"], "google_product_category": "1", "fb_product_category": "2"}
    await shop.upsert(product("p1", category_ids=["men"], internal_labels=["gift"], **own))
    await shop.sync()
    await shop.settle()
    await tree.set(category("men", name="Gentlemen", google_product_category="222"))
    await shop.settle()
    item = shop.shelf["sc_p1"]
    assert ("Mine", "1", "2") == (item["product_type"], item["google_product_category"], item["fb_product_category"])
    assert ["gift", "sc_category_men"] == item["internal_label"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (category("men", name="Gentlemen", google_product_category="166"), ("Gentlemen > Shirts", "166")),
        (category("shirts", "women", google_product_category=""), ("Women > Shirts", "222")),
        (category("men", google_product_category="1"), ("Men > Shirts", "1")),
        (category("shirts", "men", google_product_category="8"), ("Men > Shirts", "8")),
    ],
    ids=["renamed above", "moved", "mapped otherwise above", "mapped itself"],
)
async def test_a_change_of_the_tree_changes_its_items(
    tree: Tree, shop: Shop, change: Any, expected: tuple[str, str]
) -> None:
    """What changes for a category's products is sent, of every variant, without StormCom handing them in again; others rest."""
    await tree.set(
        category("men", google_product_category="166"),
        category("women", google_product_category="222"),
        category("shirts", "men"),
    )
    await shop.upsert(
        shirt("p1", "S", "M", category_ids=["shirts"]), product("p2", category_ids=["women"]), product("p3")
    )
    await shop.sync()
    await shop.settle()
    sent = len(shop.batches())
    change.source_version = 1_000_000
    await tree.set(change)
    await shop.settle()
    items = [shop.shelf[name] for name in ("sc_p1.S", "sc_p1.M")]
    assert [expected] * 2 == [(item["product_type"], item["google_product_category"]) for item in items]
    told = [request["data"]["id"] for batch in shop.batches()[sent:] for request in batch["requests"]]
    assert ["sc_p1.M", "sc_p1.S"] == sorted(told)
    assert {"CONFIRMED"} == set((await shop.states()).values())


async def test_a_category_that_comes_after_its_products_reaches_them(tree: Tree, shop: Shop) -> None:
    """Products may name categories before they are set."""
    await shop.upsert(product("p1", category_ids=["shirts"]))
    await tree.set(category("shirts", google_product_category="212"))
    await shop.sync()
    await shop.settle()
    assert ("Shirts", "212") == (shop.shelf["sc_p1"]["product_type"], shop.shelf["sc_p1"]["google_product_category"])


async def test_a_deleted_category_leaves_its_products(tree: Tree, shop: Shop) -> None:
    """What lay below a deleted category stays as if at the top; deleting twice is UNKNOWN."""
    await tree.set(category("men", google_product_category="166"), category("shirts", "men"))
    await shop.upsert(product("p1", category_ids=["shirts"]))
    await shop.sync()
    await shop.settle()
    assert ["ACCEPTED", "UNKNOWN"] == await tree.delete("men", "never")
    await shop.settle()
    item = shop.shelf["sc_p1"]
    assert ("Shirts", None) == (item["product_type"], item.get("google_product_category"))
    assert ["UNKNOWN"] == await tree.delete("men")


async def test_a_product_that_leaves_its_categories_loses_their_labels(tree: Tree, shop: Shop) -> None:
    """Handed in without categories, an item carries no label of them any more at Meta."""
    await tree.set(category("men"))
    await shop.upsert(product("p1", category_ids=["men"]))
    await shop.sync()
    await shop.settle()
    await shop.upsert(product("p1", version=2))
    await shop.settle()
    assert [] == shop.shelf["sc_p1"].get("internal_label", [])


async def test_a_snapshot_follows_the_tree_as_it_is_when_applied(tree: Tree, shop: Shop) -> None:
    """A category renamed while a snapshot is being put counts with its new name."""
    await tree.set(category("men"))
    operation = await shop.snapshot(product("p1", category_ids=["men"]))
    await tree.set(category("men", name="Gentlemen"))
    await shop.settle()
    assert "Gentlemen" == shop.shelf["sc_p1"]["product_type"]
    assert 1 == (await shop.operation(operation)).confirmed_count


async def test_another_stores_tree_is_not_seen(tree: Tree) -> None:
    """A store lists and deletes its own categories only."""
    await tree.set(category("men"))
    other = Tree(
        Shop(
            **{name: getattr(tree.shop, name) for name in ("channel", "world", "clock", "turn", "runtime")},
            store_id="store_2",
        )
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await other.list()
    assert ("STORE_NOT_CONNECTED",) == reason_of(caught.value)
