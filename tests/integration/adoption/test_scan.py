"""Scanning a catalog that another tool filled: everything is seen, recognised by the first rule that fits, and nothing is touched."""

from uuid import UUID

import grpc
import pytest

from connector.adoption.db import scans
from connector.adoption.model import Seen
from simulator.state import ProductCatalog
from stormcom.facebook.v1 import adoption_service_pb2 as pb
from stormcom.facebook.v1.adoption_pb2 import ADOPTION_PLAN_ADOPT, ADOPTION_PLAN_REPLACE, ADOPTION_PLAN_UNSPECIFIED
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.adoption.conftest import Takeover
from tests.integration.catalog.shop import product, reason_of, shirt

LINK = "https://shop.example/"


async def fill(shop: Takeover) -> None:
    """Bring products, and the items another tool made of them."""
    await shop.upsert(
        product("p1", sku="SKU-1"),
        product("123"),
        product("p3", sku="mug"),
        product("p4", gtin="4006381333931"),
        product("p5"),
        shirt("p6", "S", "M"),
        product("p7"),
    )
    shop.seed("SKU-1")
    shop.seed("123")
    shop.seed("mug_9")
    shop.seed("x4", gtin="04006381333931")
    shop.seed("x5", link="http://www.shop.example/p5/?utm_source=feed")
    shop.seed("x6", link=f"{LINK}p6")
    shop.seed("sc_p7")
    shop.seed("stranger")


async def test_items_are_recognised_by_what_they_have_in_common(shop: Takeover) -> None:
    """Ids, stock keeping units, barcodes and links each lead to the product; what fits several, or nothing, is left alone."""
    await fill(shop)
    operation = await shop.scan()
    assert (Operation.STATE_SUCCEEDED, 8) == (operation.state, operation.confirmed_count)
    assert {
        ("SKU-1", "SKU", "sc_p1", "ADOPT"),
        ("123", "RETAILER_ID", "sc_123", "ADOPT"),
        ("mug_9", "SKU", "sc_p3", "ADOPT"),
        ("x4", "GTIN", "sc_p4", "ADOPT"),
        ("x5", "LINK", "sc_p5", "ADOPT"),
        ("x6", "LINK", "", "LEAVE"),
        ("sc_p7", "RETAILER_ID", "sc_p7", "ADOPT"),
        ("stranger", "UNSPECIFIED", "", "LEAVE"),
    } == await shop.rows()


async def test_a_scan_changes_nothing_at_meta(shop: Takeover) -> None:
    """Reading is all it does, and it is not the go."""
    await fill(shop)
    before = shop.writes()
    await shop.scan()
    assert (before, []) == (shop.writes(), shop.batches())


async def test_items_of_ours_are_no_strangers(shop: Takeover) -> None:
    """What was sent under our name is not found again."""
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle(minutes=1)
    shop.seed("stranger")
    await shop.scan()
    assert ["stranger"] == list(await shop.found())


async def test_two_items_of_one_product_are_marked_and_left(shop: Takeover) -> None:
    """Of two items that are the same product none is guessed; both are told as duplicates."""
    await shop.upsert(product("p1", sku="A", gtin="4006381333931"))
    shop.seed("A")
    shop.seed("x", gtin="4006381333931")
    await shop.scan()
    assert {("A", "SKU", "sc_p1", "LEAVE"), ("x", "GTIN", "sc_p1", "LEAVE")} == await shop.rows()
    assert {"A", "x"} == set(await shop.found(finding=pb.ListScannedItemsRequest.FINDING_DUPLICATE))


async def test_what_stands_already_is_to_be_replaced(shop: Takeover) -> None:
    """An item of a product that we sent already stands twice: theirs is to leave."""
    await shop.upsert(product("p1", sku="A"))
    await shop.sync()
    await shop.settle(minutes=1)
    shop.seed("A")
    await shop.scan()
    [item] = (await shop.found()).values()
    assert (("A", "SKU", "sc_p1", "REPLACE"), True) == (next(iter(await shop.rows())), item.duplicate)


async def test_names_of_our_kind_are_not_taken(shop: Takeover) -> None:
    """What another store of ours put into a shared catalog is left to it, whatever it looks like."""
    await shop.upsert(product("p1", gtin="4006381333931"))
    shop.seed("sc_other", gtin="4006381333931")
    await shop.scan()
    assert {("sc_other", "GTIN", "sc_p1", "LEAVE")} == await shop.rows()
    for plan in (ADOPTION_PLAN_ADOPT, ADOPTION_PLAN_REPLACE):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await shop.decide(pb.AdoptionDecision(retailer_id="sc_other", plan=plan))
        assert ("ADOPTION_IMPOSSIBLE", "sc_other") == reason_of(refused.value, "retailer_id")


async def test_a_further_scan_sees_the_catalog_as_it_is_then(shop: Takeover) -> None:
    """What is gone is forgotten, what is new is found, and what stayed is recognised anew."""
    await shop.upsert(product("p1", sku="A"))
    shop.seed("A")
    shop.seed("old")
    await shop.scan()
    [catalog] = shop.world.all(ProductCatalog)
    del catalog.items["old"]
    shop.seed("new")
    await shop.upsert(product("p1", sku="new", version=2))
    await shop.scan()
    assert {("A", "UNSPECIFIED", "", "LEAVE"), ("new", "SKU", "sc_p1", "ADOPT")} == await shop.rows()


async def test_found_items_are_listed_in_pages_by_plan(shop: Takeover) -> None:
    """Pages follow the ids; a token belongs to its filter."""
    await fill(shop)
    await shop.scan()
    asked = pb.ListScannedItemsRequest(store_id=shop.store_id, page_size=4, plan=ADOPTION_PLAN_ADOPT)
    first = await shop.adoption.ListScannedItems(asked)
    asked.page_token = first.next_page_token
    last = await shop.adoption.ListScannedItems(asked)
    names = [item.retailer_id for item in (*first.items, *last.items)]
    assert (sorted(names), 6, "") == (names, len(names), last.next_page_token)
    asked.plan = ADOPTION_PLAN_UNSPECIFIED
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.adoption.ListScannedItems(asked)
    assert "PAGE_TOKEN_INVALID" == reason_of(refused.value)[0]


@pytest.mark.parametrize(("kind", "fields"), [("drop_answer", {}), ("error", {"code": 2}), ("close", {})])
async def test_a_page_that_fails_is_read_again(shop: Takeover, kind: str, fields: dict[str, int]) -> None:
    """Whatever becomes of a page's answer, in the end every item is found once."""
    for number in range(12):
        shop.seed(f"x{number}")
    shop.break_calls("/products", kind, times=2, method="GET", **fields)
    operation = await shop.scan()
    assert (12, 12, 12) == (operation.total_count, operation.confirmed_count, len(await shop.found()))


async def test_pages_that_are_too_large_are_halved(shop: Takeover) -> None:
    """When Meta wants less data, the scan goes on with smaller pages."""
    shop.world.switches.change(max_products_page=100, short_page_share=0.3)
    for number in range(250):
        shop.seed(f"x{number:03}")
    operation = await shop.scan()
    assert (Operation.STATE_SUCCEEDED, 250) == (operation.state, operation.confirmed_count)
    limits = {call.parameters["limit"] for call in shop.world.records.calls if call.path.endswith("/products")}
    assert {"500", "250", "125", "62"} == limits


async def test_a_scan_goes_on_behind_the_last_page_it_kept(shop: Takeover) -> None:
    """A worker that loses its way between two pages reads none of the pages before again."""
    shop.world.switches.change(max_products_page=4)
    for number in range(12):
        shop.seed(f"x{number}")
    shop.break_calls("/products", "delay", times=9, method="GET", seconds=0)  # pages of 500, 250 … and two of 3
    shop.break_calls("/products", "error", method="GET", code=2)
    operation = await shop.scan()
    assert (Operation.STATE_SUCCEEDED, 12) == (operation.state, operation.confirmed_count)
    places = [call.parameters.get("after") for call in shop.world.records.calls if call.path.endswith("/products")][7:]
    assert (5, 4) == (len(places), len(set(places)))


async def test_a_throttled_scan_waits(shop: Takeover) -> None:
    """When Meta wants a pause, nothing is asked until it is over; then the scan goes on by itself."""
    shop.seed("x")
    shop.break_calls("/products", "error", method="GET", code=80009)
    began = await shop.scan()
    assert Operation.STATE_RUNNING == began.state
    await shop.settle(minutes=120)
    assert Operation.STATE_SUCCEEDED == (await shop.operation(began)).state


async def test_what_two_pages_hold_is_found_once(shop: Takeover, connected: str) -> None:
    """While a catalog changes, Meta may show an item on several pages, or twice on one; whatever it is called."""
    one, two = (Seen(name, "1", "", "", "", "", "", "") for name in ("x1", "x\0"))
    async with shop.runtime.db.begin() as tx:
        pages = [one, one], [one, two], [two]
        found = [await scans.keep(tx, UUID(connected), UUID(int=1), page, at=shop.clock()) for page in pages]
    assert ([1, 1, 0], ["x1", "x\ufffd"]) == (found, list(await shop.found()))


@pytest.mark.parametrize(("times", "state"), [(1, Operation.STATE_SUCCEEDED), (9, Operation.STATE_FAILED)])
async def test_a_cursor_that_meta_forgot_begins_anew(
    shop: Takeover, times: int, state: Operation.State.ValueType
) -> None:
    """A scan whose place is lost begins again, a few times; then it ends, and says why."""
    shop.world.switches.change(max_products_page=4)
    for number in range(12):
        shop.seed(f"x{number}")
    shop.break_calls("/products", "delay", times=8, method="GET", seconds=0)  # pages of 500, 250 … and the first of 3
    shop.break_calls("/products", "error", times=times, method="GET", code=100)
    operation = await shop.scan()
    assert (state, 12 if times == 1 else 0) == (operation.state, operation.total_count)
    assert ("" if times == 1 else "META_REJECTED") == operation.reason


async def test_a_cancelled_scan_reads_no_more(shop: Takeover) -> None:
    """Cancelled before it begins to read, a scan asks Meta for nothing and forgets what it had written down."""
    await fill(shop)
    began = (await shop.adoption.ScanCatalog(pb.ScanCatalogRequest(store_id=shop.store_id))).operation
    await shop.cancel(began)
    await shop.settle(minutes=1)
    assert {} == await shop.found()
    assert [] == [call for call in shop.world.records.calls if call.path.endswith("/products")]


async def test_a_large_catalog_is_read_in_pages(shop: Takeover) -> None:
    """More items than fit into a page, or a piece of what is planned, are found, each once, a page to a transaction."""
    await shop.upsert(*(product(f"p{number}", sku=f"S{number}") for number in range(50)))
    for number in range(2_100):
        shop.seed(f"S{number}")
    assert 2_100 == (await shop.scan()).confirmed_count
    counted = await shop.apply(dry_run=True)
    assert (50, 2_050) == (counted.adopt_count, counted.leave_count)
    assert 5 == len([call for call in shop.world.records.calls if call.path.endswith("/products")])
