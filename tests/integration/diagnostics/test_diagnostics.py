"""What is wrong is told with counts, samples and what mends it, whoever found it."""

from datetime import timedelta
from typing import Any

import grpc
import pytest

from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Task
from connector.diagnostics.model.values import PAGE_SIZE
from jobs import schedule
from stormcom.facebook.v1 import diagnostic_service_pb2 as pb
from stormcom.facebook.v1.diagnostic_pb2 import Diagnostic, Explanation
from stormcom.facebook.v1.diagnostic_service_pb2_grpc import FacebookDiagnosticsStub
from tests.integration.catalog.shop import Shop, product, reason_of


async def synced(shop: Shop, *titles: str) -> None:
    """Bring products with these titles into the catalog, and let Meta look at them."""
    await shop.upsert(*(product(f"p{place:03}", title=title) for place, title in enumerate(titles)))
    await shop.sync()
    await shop.settle()
    shop.clock.advance(hours=2)
    shop.world.clock.advance(7_200)


async def pull(shop: Shop) -> None:
    """Ask Meta what is wrong, now."""
    async with shop.runtime.db.begin() as tx:
        connection_id = (await connections.require(tx, shop.store_id, "")).id
        key = f"every:{Task.PULL_DIAGNOSTICS}:{connection_id}"
        await outbox.add(tx, Task.PULL_DIAGNOSTICS, due=shop.clock(), connection_id=connection_id, key=key)
    await shop.settle()


async def listed(shop: Shop, **fields: Any) -> list[Diagnostic]:
    """List what is wrong."""
    stub = FacebookDiagnosticsStub(shop.channel)
    return list((await stub.ListDiagnostics(pb.ListDiagnosticsRequest(store_id=shop.store_id, **fields))).diagnostics)


def brief(found: list[Diagnostic]) -> list[tuple[str, str, int, list[str]]]:
    """Shorten to source, reason, count and samples."""
    sources = Diagnostic.Source.Name
    return [
        (sources(one.source).removeprefix("SOURCE_"), one.reason, one.item_count, list(one.sample_retailer_ids))
        for one in found
    ]


async def test_what_meta_finds_wrong_with_items_is_told_with_samples_and_a_way_out(shop: Shop) -> None:
    """A review's no and a broken image become a kind of trouble each, with the items, Meta's words and who mends it."""
    shop.world.switches.change(rejected_title_pattern="Weapon", broken_image_pattern="p002")
    await synced(shop, "Scarf", "Weapon", "Hat", "Another Weapon")
    await pull(shop)
    found = await listed(shop, source=Diagnostic.SOURCE_ITEM)
    expected = [
        ("ITEM", "PRODUCT_NOT_APPROVED", 2, ["sc_p001", "sc_p003"]),
        ("ITEM", "IMAGE_FETCH_FAILED", 1, ["sc_p002"]),
    ]
    assert expected == brief(found)
    assert ["OWNER_MERCHANT", "OWNER_STORMCOM"] == [Explanation.Owner.Name(one.explanation.owner) for one in found]
    assert all(one.title and one.explanation.remedy and one.explanation.link.startswith("https://") for one in found)


async def test_what_meta_says_of_the_catalog_is_told_until_it_says_so_no_more(shop: Shop) -> None:
    """Counts, severity and channels are Meta's; what is mended is gone after the next round."""
    shop.world.switches.change(rejected_title_pattern="Weapon")
    await synced(shop, "Scarf", "Weapon")
    await pull(shop)
    found = {one.reason: one for one in await listed(shop, source=Diagnostic.SOURCE_CATALOG)}
    assert (1, ["shops"]) == (found["POLICY_VIOLATION"].item_count, list(found["POLICY_VIOLATION"].affected_channels))
    shop.world.switches.change(rejected_title_pattern="")
    shop.clock.advance(hours=1)
    await pull(shop)
    reasons = [one.reason for one in await listed(shop)]
    assert "POLICY_VIOLATION" not in reasons
    assert "PRODUCT_NOT_APPROVED" not in reasons


async def test_our_checks_are_told_at_once(shop: Shop) -> None:
    """What our checks refuse or repair needs no round: it is counted when asked, the worst first."""
    await shop.upsert(product("p1", brand=""), product("p2", brand=""), product("p3", gtin="123"))
    found = await listed(shop)
    expected = [("CHECKS", "FIELD_REQUIRED", 2, ["sc_p1", "sc_p2"]), ("CHECKS", "GTIN_INVALID", 1, ["sc_p3"])]
    assert expected == brief(found)
    assert [Diagnostic.SEVERITY_MUST_FIX, Diagnostic.SEVERITY_OPPORTUNITY] == [one.severity for one in found]
    assert expected[:1] == brief(await listed(shop, severity=Diagnostic.SEVERITY_MUST_FIX))


async def test_many_pages_are_read_and_a_lost_turn_is_taken_again(shop: Shop) -> None:
    """Every item in trouble is counted, though Meta fails in between and finds a page too large."""
    shop.world.switches.change(rejected_title_pattern="Weapon")
    await synced(shop, *["Weapon"] * (PAGE_SIZE + 20))
    shop.break_calls("/products", "error", code=1, message="Please reduce the amount of data you're asking for")
    shop.break_calls("/products", "error", code=2, message="Service temporarily unavailable")
    await pull(shop)
    found = await listed(shop, source=Diagnostic.SOURCE_ITEM)
    assert [PAGE_SIZE + 20] == [one.item_count for one in found]
    assert 10 == len(found[0].sample_retailer_ids)


async def test_rounds_come_by_themselves_from_the_go_on(shop: Shop) -> None:
    """Within an hour of the go Meta is asked, and every hour after that."""
    await synced(shop, "Scarf")
    stub, begin = FacebookDiagnosticsStub(shop.channel), shop.clock()
    for _ in range(9):
        async with shop.runtime.db.begin() as tx:
            await schedule.plan(tx, at=shop.clock(), every_linked={})
        await shop.settle(minutes=10)
        shop.clock.advance(minutes=10)
    answer = await stub.ListDiagnostics(pb.ListDiagnosticsRequest(store_id=shop.store_id))
    asked = [call for call in shop.world.records.calls if call.path.endswith("/diagnostics")]
    assert answer.pull_time.ToDatetime(tzinfo=begin.tzinfo) > begin
    assert 1 <= len(asked) <= (shop.clock() - begin) / timedelta(hours=1) + 1


async def test_the_error_catalogue_is_listed_page_by_page(shop: Shop) -> None:
    """Every row comes once, in order; one can be asked for by its name."""
    stub, token, seen = FacebookDiagnosticsStub(shop.channel), "", []
    while True:
        asked = pb.ListExplanationsRequest(store_id=shop.store_id, page_size=100, page_token=token)
        answer = await stub.ListExplanations(asked)
        seen += [(one.kind, one.name) for one in answer.explanations]
        if not (token := answer.next_page_token):
            break
    assert len(seen) == len(set(seen)) > 200
    one = pb.ListExplanationsRequest(
        store_id=shop.store_id, kind=Explanation.KIND_ITEM_ERROR, name="IMAGE_FETCH_FAILED"
    )
    assert ["RetryItems"] == [row.fix_rpc for row in (await stub.ListExplanations(one)).explanations]


async def test_diagnostics_come_page_by_page(shop: Shop) -> None:
    """Every kind of trouble comes once, in the same order as at once."""
    await shop.upsert(product("p1", brand=""), product("p2", brand="", gtin="123"), product("p3", title=""))
    stub, token = FacebookDiagnosticsStub(shop.channel), ""
    seen: list[Diagnostic] = []
    while True:
        asked = pb.ListDiagnosticsRequest(store_id=shop.store_id, page_size=1, page_token=token)
        answer = await stub.ListDiagnostics(asked)
        seen += answer.diagnostics
        if not (token := answer.next_page_token):
            break
    assert len(seen) > 1
    assert brief(await listed(shop)) == brief(seen)


async def test_a_filter_that_does_not_exist_is_refused_by_name(shop: Shop) -> None:
    """A number without a meaning is not taken for any."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await listed(shop, source=99)
    assert ("FIELD_INVALID", "source") == reason_of(refused.value, "field")
