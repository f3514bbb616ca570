"""Product sets: created, changed and deleted at Meta with the tree, whatever goes wrong on the way."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from simulator.state import ProductCatalog, ProductSet
from tests.integration.catalog.shop import Shop, product
from tests.integration.categories.tree import Tree, category, outcomes

ControlApi = Callable[..., Awaitable[Any]]
SETS = "product_sets"


async def test_nothing_is_created_before_the_go(tree: Tree, shop: Shop) -> None:
    """Sets wait for the first sync, and then come."""
    await tree.set(category("men", product_set=True), category("women"))
    await shop.settle()
    assert ({}, {"men": "PENDING"}) == (tree.at_meta, await tree.states())
    await shop.sync()
    await shop.settle()
    assert (["Men"], {"men": "CONFIRMED"}) == (list(tree.at_meta), await tree.states())


async def test_a_set_says_what_its_category_says(tree: Tree, shop: Shop) -> None:
    """Name, place, picture, link and words of the category are the set's, under a name of ours that stays."""
    await shop.sync()
    told = {
        "cover_image_link": "https://cdn.example/men.jpg",
        "link": "https://shop.example/men",
        "description": "All.",
    }
    await tree.set(category("men", product_set=True, position=3, **told))
    await shop.settle()
    one = tree.at_meta["Men"]
    assert ("scs_men", [3]) == (one.retailer_id, one.ordering_info)
    assert {
        "cover_image_url": told["cover_image_link"],
        "external_url": told["link"],
        "description": "All.",
    } == one.metadata
    listed = (await tree.sets())["men"]
    assert (one.id, "scs_men") == (listed.product_set_id, listed.retailer_id)


async def test_a_change_changes_the_very_set(tree: Tree, shop: Shop) -> None:
    """A renamed category renames its set; Meta's id and ours stay. What is not about the set sends nothing."""
    await shop.sync()
    await tree.set(category("men", product_set=True))
    await shop.settle()
    before = tree.at_meta["Men"].id
    await tree.set(category("men", product_set=True, name="Gentlemen", position=1))
    await shop.settle()
    assert [before] == [one.id for one in tree.at_meta.values()]
    assert "scs_men" == tree.at_meta["Gentlemen"].retailer_id
    calls = tree.calls("POST", before)
    await tree.set(category("men", product_set=True, name="Gentlemen", position=1, google_product_category="166"))
    await shop.settle()
    assert calls == tree.calls("POST", before)


async def test_a_set_holds_what_lies_below_its_category(tree: Tree, shop: Shop) -> None:
    """The items of a category and of all below are in its set, follow a move, and Meta's count is told."""
    await tree.set(
        category("men", product_set=True),
        category("women", product_set=True),
        category("shirts", "men", product_set=True),
    )
    await shop.upsert(
        product("p1", category_ids=["shirts"]), product("p2", category_ids=["women", "men"]), product("p3")
    )
    await shop.sync()
    await shop.settle(minutes=30)
    counts = {one: found.product_count for one, found in (await tree.sets()).items()}
    assert {"men": 2, "shirts": 1, "women": 1} == counts
    await tree.set(category("shirts", "women", product_set=True))
    await shop.settle()
    await tree.sleep_a_day()
    counts = {one: found.product_count for one, found in (await tree.sets()).items()}
    assert {"men": 1, "shirts": 1, "women": 2} == counts


@pytest.mark.parametrize("way", ["off", "gone"])
async def test_a_set_goes_with_its_category(tree: Tree, shop: Shop, way: str) -> None:
    """Switched off or with its category deleted, a set is deleted; wanted again, it comes back under its old name."""
    await shop.sync()
    await tree.set(category("men", product_set=True))
    await shop.settle()
    await (tree.set(category("men")) if way == "off" else tree.delete("men"))
    await shop.settle()
    assert ({}, {"men": "REMOVED"}) == (tree.at_meta, await tree.states())
    await tree.set(category("men", product_set=True))
    await shop.settle()
    assert ("scs_men", {"men": "CONFIRMED"}) == (tree.at_meta["Men"].retailer_id, await tree.states())


@pytest.mark.parametrize("kind", ["drop_answer", "drop_before", "close", "garbage"])
async def test_a_lost_answer_makes_no_second_set(tree: Tree, shop: Shop, kind: str) -> None:
    """Whether the set was created or not, it is looked up before it is created again: there is one in the end."""
    await shop.sync()
    shop.break_calls(SETS, kind, method="POST")
    await tree.set(category("men", product_set=True))
    await shop.settle(minutes=10)
    assert (["scs_men"], {"men": "CONFIRMED"}) == (
        [one.retailer_id for one in tree.at_meta.values()],
        await tree.states(),
    )


@pytest.mark.parametrize("seed", range(2))
async def test_half_of_all_answers_lost_make_no_second_set(tree: Tree, shop: Shop, seed: int) -> None:
    """With every second answer lost after the effect, each set is there once, then renamed, then gone: as wanted."""
    chance = random.Random(seed)  # noqa: S311 – to be repeatable
    for _ in range(300):
        lost, method = chance.random() < 0.5, chance.choice(["POST", "DELETE"])
        shop.break_calls("", method=method, **({"kind": "drop_answer"} if lost else {"kind": "delay", "seconds": 0}))
    await shop.sync()
    names = [f"c{number:02}" for number in range(12)]
    await tree.set(*(category(name, product_set=True) for name in names))
    await shop.settle(minutes=240)
    assert [f"scs_{name}" for name in names] == sorted(one.retailer_id for one in shop.world.all(ProductSet))
    await tree.set(*(category(name, name=f"New {name}", product_set=True) for name in names[:6]))
    await tree.set(*(category(name) for name in names[6:]))
    await shop.settle(minutes=240)
    assert [(f"New {name}", f"scs_{name}") for name in names[:6]] == sorted(
        (one.name, one.retailer_id) for one in shop.world.all(ProductSet)
    )


async def test_an_error_after_the_effect_makes_no_second_set(tree: Tree, shop: Shop) -> None:
    """An error that Meta answers although the set is there is looked into, and the set taken as ours."""
    await shop.sync()
    shop.break_calls(SETS, "error", method="POST", code=100, after=True)
    await tree.set(category("men", product_set=True))
    await shop.settle()
    assert (["Men"], {"men": "CONFIRMED"}) == (list(tree.at_meta), await tree.states())
    assert 1 == tree.calls("POST", SETS)


async def test_a_set_that_has_our_name_already_is_taken_over(tree: Tree, shop: Shop) -> None:
    """A set of an earlier connection is found by its retailer_id and brought up to date; a stranger's is not touched."""
    catalog = next(iter(shop.world.all(ProductCatalog)))
    for name, retailer_id in (("Old", "scs_men"), ("Foreign", "theirs"), ("Nameless", "")):
        one = shop.world.add(ProductSet(shop.world.new_id(), catalog.id, name, {}, retailer_id))
        catalog.sets[one.id] = one
    await shop.sync()
    await tree.set(category("men", product_set=True))
    await tree.sleep_a_day()
    assert ["Foreign", "Men", "Nameless"] == sorted(tree.at_meta)


async def test_a_refusal_stays_with_its_set(tree: Tree, shop: Shop, control_api: ControlApi) -> None:
    """What Meta refuses of one set is told with it, with its words, and holds up no other; a change tries again."""
    await control_api("PATCH", "/switches", {"broken_image_pattern": "broken"})
    await shop.sync()
    await tree.set(
        category("men", product_set=True, cover_image_link="https://cdn.example/broken.jpg"),
        category("women", product_set=True),
    )
    await shop.settle()
    assert {"men": "REJECTED", "women": "CONFIRMED"} == await tree.states()
    refused = (await tree.sets())["men"]
    assert ("META_REJECTED", True) == (refused.reason, "could not be fetched" in refused.message)
    assert refused.product_set_id  # the simulator created it nevertheless
    assert 2 == len(tree.at_meta)
    await tree.set(category("men", product_set=True, cover_image_link="https://cdn.example/good.jpg"))
    await shop.settle()
    assert ({"men": "CONFIRMED", "women": "CONFIRMED"}, 2) == (await tree.states(), len(tree.at_meta))


async def test_a_refused_set_is_tried_again_when_its_category_is_set_again(
    tree: Tree, shop: Shop, control_api: ControlApi
) -> None:
    """What Meta minded may be mended where we do not see it: the same category, set again, tries its set again, once."""
    await control_api("PATCH", "/switches", {"broken_image_pattern": "late"})
    await shop.sync()
    wish = category("men", product_set=True, cover_image_link="https://cdn.example/late.jpg")
    await tree.set(wish)
    await shop.settle()
    assert {"men": "REJECTED"} == await tree.states()
    await control_api("PATCH", "/switches", {"broken_image_pattern": ""})
    await shop.settle()
    assert {"men": "REJECTED"} == await tree.states()
    assert ["UNCHANGED"] == outcomes(await tree.set(wish))
    await shop.settle()
    assert ({"men": "CONFIRMED"}, 1) == (await tree.states(), len(tree.at_meta))
    calls = len(shop.world.records.calls)
    await tree.set(wish)
    await shop.turn()
    assert calls == len(shop.world.records.calls)


async def test_a_live_set_is_deleted_only_when_that_is_allowed(tree: Tree, shop: Shop) -> None:
    """A set that a shop shows stays until the caller allows its deletion in so many words."""
    await shop.sync()
    await tree.set(category("men", product_set=True))
    await shop.settle()
    tree.at_meta["Men"].shop_ids.append("1")
    await tree.delete("men")
    await shop.settle()
    assert ("PRODUCT_SET_LIVE", ["Men"]) == ((await tree.sets())["men"].reason, list(tree.at_meta))
    assert ["UNKNOWN"] == await tree.delete("men", allow_live=True)
    await shop.settle()
    assert ({}, {"men": "REMOVED"}) == (tree.at_meta, await tree.states())


async def test_a_set_that_vanished_comes_back(tree: Tree, shop: Shop) -> None:
    """A set deleted at Meta is missed within a day and created again, or at once when it is to be changed."""
    await shop.sync()
    await tree.set(category("men", product_set=True), category("women", product_set=True))
    await shop.settle(minutes=30)
    catalog = next(iter(shop.world.all(ProductCatalog)))
    for one in list(catalog.sets.values()):
        shop.world.forget(catalog.sets.pop(one.id))
    await tree.set(category("men", product_set=True, name="Gentlemen"))
    await shop.settle()
    assert ["Gentlemen"] == list(tree.at_meta)
    await tree.sleep_a_day()
    assert ["Gentlemen", "Women"] == sorted(tree.at_meta)


async def test_a_pause_of_meta_is_kept(tree: Tree, shop: Shop) -> None:
    """A throttled turn waits as long as Meta asks, then goes on where it stopped."""
    await shop.sync()
    shop.break_calls(SETS, "error", method="POST", code=80009, minutes=7)
    await tree.set(*(category(f"c{number}", product_set=True) for number in range(3)))
    await shop.settle(minutes=5)
    assert (1, {}) == (tree.calls("POST", SETS), tree.at_meta)
    await shop.settle(minutes=10)
    assert ["C0", "C1", "C2"] == sorted(tree.at_meta)


async def test_a_thousand_categories_go_in_bounded_turns(tree: Tree, shop: Shop) -> None:
    """A whole tree is stored in two calls; its sets come in turns of twenty, each created once, none looked up."""
    await shop.sync()
    await shop.turn()
    for start in (0, 500):
        numbers = range(start, start + 500)
        await tree.set(*(category(f"c{number:03}", product_set=number % 10 == 0) for number in numbers))
    turns = await shop.turn()
    assert (1_000, 100, 100) == (await tree.count(), len(tree.at_meta), tree.calls("POST", SETS))
    assert (0, True) == (tree.calls("GET", SETS), turns > 100 / 20)


async def test_changes_and_sending_do_not_stand_in_each_others_way(tree: Tree, shop: Shop) -> None:
    """Categories change while products and sets of them are stored and sent; in the end all is as last wanted."""
    await shop.sync()
    await tree.set(*(category(f"c{number}", product_set=True) for number in range(10)))

    async def rename(number: int) -> None:
        await tree.set(category(f"c{number}", product_set=True, name=f"New {number}"))
        await shop.upsert(product(f"p{number}", category_ids=[f"c{number}"]))

    await asyncio.gather(shop.turn(), *(rename(number) for number in range(10)))
    await shop.settle()
    names = sorted(f"New {number}" for number in range(10))
    assert names == sorted(tree.at_meta)
    assert names == sorted(item["product_type"] for item in shop.shelf.values())
