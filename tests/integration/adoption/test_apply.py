"""Applying the plan: adopted items become what StormCom says, replaced ones leave, everything else is not touched."""

from collections.abc import Awaitable

import grpc
import pytest
from sqlalchemy import select

from connector.db import outbox
from connector.registry.db.names import aliases
from stormcom.facebook.v1 import adoption_service_pb2 as pb
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1.adoption_pb2 import (
    ADOPTION_PLAN_ADOPT,
    ADOPTION_PLAN_LEAVE,
    ADOPTION_PLAN_REPLACE,
    AdoptionPlan,
)
from stormcom.facebook.v1.inventory_service_pb2 import ReleaseHoldRequest
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.adoption.conftest import Takeover
from tests.integration.catalog.shop import product, reason_of, shirt
from tests.integration.inventory.shelf import hold, inventory, rule, seen


def decision(retailer_id: str, plan: "AdoptionPlan.ValueType", product_id: str = "") -> pb.AdoptionDecision:
    """Decide about a scanned item."""
    return pb.AdoptionDecision(retailer_id=retailer_id, plan=plan, product_id=product_id)


async def _refused(call: Awaitable[object], *metadata: str) -> str | tuple[str, ...]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    told = reason_of(refused.value, *metadata)
    return told if metadata else told[0]


async def prepare(shop: Takeover) -> None:
    """Fill a catalog with one item to adopt, one to replace, one duplicate pair and two strangers; scan it."""
    await shop.upsert(product("sent", sku="OLD"))
    await shop.sync()
    await shop.settle(minutes=1)
    twin = product("twin", sku="TWIN", gtin="4006381333931")
    await shop.upsert(twin, shirt("shirt", "S", "M"), product("mug", sku="MUG"))
    await shop.rest()
    shop.seed("MUG", gender="female", custom_label_0="sale", item_group_id="cups", sale_price="4.00 BDT")
    shop.seed("OLD")
    shop.seed("TWIN")
    shop.seed("t2", gtin="4006381333931")
    shop.seed("S")
    shop.seed("stranger")
    await shop.scan()


async def one_to_adopt(shop: Takeover) -> None:
    """Fill a catalog with one item to adopt; scan it."""
    await shop.upsert(product("mug", sku="MUG"))
    shop.seed("MUG")
    await shop.scan()


async def one_to_replace(shop: Takeover) -> None:
    """Fill a catalog with one item of ours and another of the same product; scan it."""
    await shop.upsert(product("sent", sku="OLD"))
    await shop.sync()
    await shop.settle(minutes=1)
    shop.seed("OLD")
    await shop.scan()


async def test_a_plan_becomes_the_catalog(shop: Takeover) -> None:
    """The adopted item keeps its id and says what StormCom says, the replaced one is gone, strangers are as they were."""
    await prepare(shop)
    counted = await shop.apply(dry_run=True)
    assert (2, 1, 3, 0) == (counted.adopt_count, counted.replace_count, counted.leave_count, counted.impossible_count)
    before = shop.shelf
    assert Operation.STATE_SUCCEEDED == (await shop.applied()).state
    assert {
        "MUG": "Scarf mug", "S": "Scarf shirt", "sc_shirt.M": "Scarf shirt", "sc_sent": "Scarf sent", "sc_twin": "Scarf twin",
        "TWIN": "Theirs TWIN", "t2": "Theirs t2", "stranger": "Theirs stranger",
    } == shop.titles()  # fmt: skip
    for name in ("TWIN", "t2", "stranger"):
        assert (before[name], 1) == (shop.shelf[name], shop.writes()[name])
    assert not {"gender", "custom_label_0", "item_group_id", "sale_price"} & shop.shelf["MUG"].keys()
    assert "sc_shirt" == shop.shelf["S"]["item_group_id"] == shop.shelf["sc_shirt.M"]["item_group_id"]


async def test_applied_twice_is_the_same(shop: Takeover) -> None:
    """The second time there is nothing to do, neither with the old scan nor with a new one."""
    await prepare(shop)
    await shop.applied()
    before = shop.writes()
    again = await shop.applied()
    assert (Operation.STATE_SUCCEEDED, 0) == (again.state, again.total_count)
    await shop.scan()
    assert {"TWIN", "t2", "stranger"} == set(await shop.found())
    assert 0 == (await shop.applied()).total_count
    assert before == shop.writes()


async def test_what_was_replaced_and_comes_back_is_a_stranger_again(shop: Takeover) -> None:
    """Another tool may put it there once more: it is found by its alias, and only a new plan removes it."""
    await one_to_replace(shop)
    await shop.applied()
    shop.seed("OLD")
    await shop.sync(full=True)
    await shop.settle(minutes=1)
    assert "OLD" in shop.titles()
    await shop.scan()
    assert ("OLD", "ALIAS", "sc_sent", "REPLACE") in await shop.rows()
    await shop.applied()
    assert "OLD" not in shop.titles()


async def test_former_names_lead_to_todays(shop: Takeover) -> None:
    """The name ours would have had, and the one theirs had, resolve to the item; so does StormCom's id."""
    await prepare(shop)
    await shop.applied()
    asked = [
        catalog_pb.ItemName(retailer_id="sc_mug"),
        catalog_pb.ItemName(retailer_id="OLD"),
        catalog_pb.ItemName(product_id="shirt", variant_id="S"),
        catalog_pb.ItemName(retailer_id="stranger"),
    ]
    request = catalog_pb.ResolveRetailerIdsRequest(store_id=shop.store_id, names=asked)
    found = (await shop.catalog.ResolveRetailerIds(request)).names
    assert ["MUG", "sc_sent", "S", ""] == [one.item.retailer_id for one in found]
    assert [["sc_mug"], ["OLD"], ["sc_shirt.S"], []] == [list(one.aliases) for one in found]


async def test_an_upsert_answers_with_the_adopted_name(shop: Takeover) -> None:
    """From then on the product is known by the id it took over, changed or not, and so is its stock."""
    await one_to_adopt(shop)
    await shop.applied()
    for version, title in ((1, "Scarf mug"), (2, "Scarf mug"), (3, "Cup")):
        [result] = await shop.upsert(product("mug", sku="MUG", version=version, title=title))
        assert ["MUG"] == list(result.retailer_ids)
    await shop.settle(minutes=1)
    assert ("Cup", "CONFIRMED") == (shop.titles()["MUG"], (await shop.states())["MUG"])


async def test_the_merchant_decides(shop: Takeover) -> None:
    """Duplicates are settled by decisions: one is adopted, the other leaves, and a stranger may be told to be a product."""
    await prepare(shop)
    await shop.upsert(product("vase"))
    await shop.rest()
    planned = await shop.decide(
        decision("t2", ADOPTION_PLAN_ADOPT),
        decision("TWIN", ADOPTION_PLAN_REPLACE),
        decision("stranger", ADOPTION_PLAN_ADOPT, "vase"),
        decision("OLD", ADOPTION_PLAN_LEAVE),
    )
    assert [True] * 4 == [item.decided for item in planned]
    await shop.applied()
    titles = shop.titles()
    assert ("Scarf twin", "Scarf vase", "Theirs OLD") == (titles["t2"], titles["stranger"], titles["OLD"])
    assert not {"TWIN", "sc_twin", "sc_vase"} & titles.keys()
    async with shop.runtime.db.begin() as tx:
        led = {row.alias: row.retailer_id for row in await tx.execute(select(aliases))}
    assert {"TWIN": "t2", "sc_twin": "t2"}.items() <= led.items()


async def test_impossible_decisions_change_nothing(shop: Takeover) -> None:
    """A decision that cannot be carried out is refused, and with it all of its call."""
    await prepare(shop)
    before = await shop.rows()
    good, both = decision("MUG", ADOPTION_PLAN_LEAVE), [decision(name, ADOPTION_PLAN_ADOPT) for name in ("TWIN", "t2")]
    assert "SCANNED_ITEM_NOT_FOUND" == await _refused(shop.decide(good, decision("nowhere", ADOPTION_PLAN_LEAVE)))
    assert "ITEM_NOT_FOUND" == await _refused(shop.decide(good, decision("stranger", ADOPTION_PLAN_ADOPT, "none")))
    for wrong in ([decision("stranger", ADOPTION_PLAN_ADOPT)], [decision("OLD", ADOPTION_PLAN_ADOPT)], both):
        assert "ADOPTION_IMPOSSIBLE" == await _refused(shop.decide(good, *wrong))
    assert before == await shop.rows()


async def test_decisions_are_read_strictly(shop: Takeover) -> None:
    """Every wrong field is named."""
    wrong = [
        [],
        [decision("MUG", ADOPTION_PLAN_LEAVE)] * 2,
        [pb.AdoptionDecision(retailer_id="MUG")],
        [pb.AdoptionDecision(plan=ADOPTION_PLAN_LEAVE)],
        [pb.AdoptionDecision(retailer_id="MUG", plan=ADOPTION_PLAN_ADOPT, variant_id="v")],
        [decision("MUG\0", ADOPTION_PLAN_LEAVE)],
    ]
    assert [
        ("FIELD_REQUIRED", "decisions"),
        ("DUPLICATE_ENTRY", "decisions[1]"),
        ("FIELD_REQUIRED", "decisions[0].plan"),
        ("FIELD_REQUIRED", "decisions[0].retailer_id"),
        ("FIELD_REQUIRED", "decisions[0].product_id"),
        ("FIELD_INVALID", "decisions[0].retailer_id"),
    ] == [await _refused(shop.decide(*decisions), "field") for decisions in wrong]


async def test_what_became_impossible_is_left(shop: Takeover) -> None:
    """A product that was sent, or let go of, after the plan was made is counted as rejected; its item stays as it was."""
    await one_to_adopt(shop)
    await shop.delete("mug")
    operation = await shop.applied()
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, 1) == (operation.state, operation.rejected_count)
    assert ["MUG"] == [one.retailer_id for one in operation.first_rejections]
    assert "Theirs MUG" == shop.titles()["MUG"]


async def test_an_adopted_item_our_checks_refuse_stays_as_it_is(shop: Takeover) -> None:
    """Taken over, but not written: it is told as rejected, and mended by the next good upsert."""
    await shop.upsert(product("mug", sku="MUG", brand=""))
    shop.seed("MUG")
    await shop.scan()
    operation = await shop.applied()
    assert (Operation.STATE_PARTIALLY_SUCCEEDED, "Theirs MUG") == (operation.state, shop.titles()["MUG"])
    await shop.upsert(product("mug", sku="MUG", version=2))
    await shop.settle(minutes=1)
    assert {"MUG": "Scarf mug"} == shop.titles()


async def test_the_guard_holds_a_plan_that_removes_much(shop: Takeover) -> None:
    """More removals than the connection allows wait until they are confirmed by number."""
    await rule(shop, guard_percent=0, guard_items=2)
    await shop.upsert(*(product(f"p{number}", sku=f"S{number}") for number in range(4)))
    await shop.sync()
    await shop.settle(minutes=1)
    for number in range(4):
        shop.seed(f"S{number}")
    shop.seed("stranger")
    await shop.scan()
    began = await shop.apply()
    assert (True, Operation.STATE_NEEDS_CONFIRMATION) == (began.needs_confirmation, began.operation.state)
    await shop.settle(minutes=1)
    assert 9 == len(shop.titles())
    await shop.decide(decision("S0", ADOPTION_PLAN_LEAVE))
    named = {"store_id": shop.store_id, "operation_id": began.operation.operation_id}
    stale = catalog_pb.ConfirmChangeRequest(**named, removal_count=4)
    assert "REMOVAL_COUNT_CHANGED" == await _refused(shop.catalog.ConfirmChange(stale))
    await shop.catalog.ConfirmChange(catalog_pb.ConfirmChangeRequest(**named, removal_count=3))
    await shop.settle(minutes=1)
    ended = await shop.operation(began.operation)
    assert (Operation.STATE_SUCCEEDED, 3, 3) == (ended.state, ended.removal_count, ended.confirmed_count)
    assert {"S0", "stranger"} == {name for name in shop.titles() if not name.startswith("sc_")}


async def test_nothing_is_taken_over_by_a_dry_run(shop: Takeover) -> None:
    """A dry run counts; the plan, the catalog and our names stay."""
    await one_to_adopt(shop)
    before, rows = shop.writes(), await shop.rows()
    await shop.apply(dry_run=True)
    await shop.settle(minutes=1)
    assert (before, rows) == (shop.writes(), await shop.rows())


@pytest.mark.parametrize("name", ["SCAN_CATALOG", "CARRY_ADOPTION"])
async def test_a_worker_that_dies_costs_time_only(shop: Takeover, name: str) -> None:
    """A task that was taken and abandoned, between any two transactions, comes back and ends as it would have."""
    await shop.upsert(*(product(f"p{number}", sku=f"S{number}") for number in range(8)))
    for number in range(8):
        shop.seed(f"S{number}")
    began = (await shop.adoption.ScanCatalog(pb.ScanCatalogRequest(store_id=shop.store_id))).operation
    if name == "CARRY_ADOPTION":
        await shop.settle(minutes=1)
        began = (await shop.apply()).operation
    async with shop.runtime.db.begin() as tx:
        [leased] = await outbox.lease_due(tx, [outbox.Task(name)], at=shop.clock(), limit=1)
        assert await outbox.take(tx, leased.id, leased.attempt, at=shop.clock())
    await shop.turn()
    assert Operation.STATE_RUNNING == (await shop.operation(began)).state
    await shop.settle(minutes=2)
    assert (Operation.STATE_SUCCEEDED, 8) == ((ended := await shop.operation(began)).state, ended.confirmed_count)


async def test_scans_and_adoptions_go_one_after_the_other(shop: Takeover) -> None:
    """While one is at work, neither another one nor a decision is taken."""
    await one_to_adopt(shop)
    await shop.adoption.ScanCatalog(pb.ScanCatalogRequest(store_id=shop.store_id))
    assert "OPERATION_RUNNING" == await _refused(shop.apply())
    assert "OPERATION_RUNNING" == await _refused(shop.decide(decision("MUG", ADOPTION_PLAN_LEAVE)))
    await shop.settle(minutes=1)
    assert (await shop.apply()).HasField("operation")


async def test_pieces_reserved_before_are_given_back_after(shop: Takeover) -> None:
    """A hold on an item that takes over another's name meanwhile is released as any other."""
    await one_to_adopt(shop)
    held = await hold(shop, ("mug", 2))
    await shop.applied()
    assert ("MUG", 2) == ((stock := await seen(shop, "MUG")).retailer_id, stock.reserved)
    await inventory(shop).ReleaseHold(ReleaseHoldRequest(store_id=shop.store_id, hold_id=held.hold_id))
    assert 0 == (await seen(shop, "MUG")).reserved
