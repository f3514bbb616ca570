"""The feed of products: written from a snapshot, fetched by Meta from the ingress, its findings on the items."""

from typing import Any
from uuid import UUID

import aiohttp
import grpc
import orjson
import pytest
from sqlalchemy import delete, func, select, text

from connector.connections import db as connections
from connector.db.outbox import Task
from connector.feeds import actions
from connector.feeds.db.pieces import feed_pieces
from connector.registry.db import feeding
from jobs.run import turn
from jobs.tasks import PLANS
from simulator.batches import write_item
from simulator.feed_state import ProductFeedUpload, Source
from simulator.state import ProductCatalog
from stormcom.facebook.v1.feed_pb2 import FeedUploadError
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.product_pb2 import ShippingPrice
from tests.integration.catalog.shop import product, reason_of
from tests.integration.conftest import connect
from tests.integration.feeds.fair import PRODUCTS, Fair


async def test_a_snapshot_travels_in_one_file(fair: Fair) -> None:
    """With the feed on, a committed snapshot reaches Meta as a fetched file, its items are confirmed, and no batch is sent."""
    await fair.switch(PRODUCTS)
    operation = await fair.snapshot(product("a", title='Scarf "quoted", গামছা'), product("b"))
    await fair.settle()
    assert {"CONFIRMED"} == set((await fair.states()).values())
    assert {'Scarf "quoted", গামছা', "Scarf b"} == {item["title"] for item in fair.shelf.values()}
    assert ([], Operation.STATE_SUCCEEDED) == (fair.batches(), (await fair.operation(operation)).state)
    last = await fair.last()
    assert ("SUCCEEDED", 2, 2, 2, 0) == (
        await fair.state(), last.row_count, last.detected_count, last.persisted_count, last.deleted_count,
    )  # fmt: skip
    assert fair.meta_uploads[0].source.url.startswith(f"{fair.runtime.public_url}/feeds/")


async def test_nobody_but_meta_learns_a_files_address(fair: Fair, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the logs of an upload that goes wrong on its way, nor the database, hold the token of the file."""
    fair.break_calls("uploads$", "drop_answer", method="POST")
    fair.break_calls("uploads$", "error", method="GET", code=2, times=2)
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle(minutes=10)
    (upload,) = fair.meta_uploads
    token = upload.source.url.rpartition("/")[2].removesuffix(".csv.gz")
    assert ("SUCCEEDED", 43) == (await fair.state(), len(token))
    said = capsys.readouterr()
    assert token not in said.out + said.err
    async with fair.runtime.db.begin() as tx:
        for table in ("feed_uploads", "feeds", "tasks", "problems", "requests"):
            kept = await tx.scalars(text(f"SELECT {table}::text FROM {table}"))  # noqa: S608 – the names above
            assert token not in "".join(kept)


async def test_nothing_is_deleted_by_a_file(fair: Fair) -> None:
    """What the next snapshot lacks leaves by a batch that names it; what others put into the catalog stays."""
    catalog = fair.world.all(ProductCatalog)[0]
    write_item(fair.world, catalog, "FOREIGN", {"title": "Foreign"})
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"), product("b"))
    await fair.settle()
    names = await fair.names()
    await fair.snapshot(product("a", version=2, title="Changed"))
    await fair.settle()
    assert {"FOREIGN", names["a"]} == set(fair.shelf)
    assert [True, True] == [upload.update_only for upload in fair.meta_uploads]
    assert [0, 0] == [upload.deleted for upload in fair.meta_uploads]
    assert [[{"method": "DELETE", "data": {"id": names["b"]}}]] == [batch["requests"] for batch in fair.batches()]


async def test_an_item_that_meta_names_is_rejected(fair: Fair) -> None:
    """A row that Meta refuses and names rejects its item in Meta's words; the others are confirmed."""
    fair.world.switches.change(max_title=20)
    await fair.switch(PRODUCTS)
    operation = await fair.snapshot(product("a"), product("b", title="A title that is far too long"))
    await fair.settle()
    items = {item.product_id: item for item in (await fair.items()).values()}
    states = await fair.states()
    names = await fair.names()
    assert {names["a"]: "CONFIRMED", names["b"]: "REJECTED"} == states
    assert ["META_REJECTED"] == [fault.reason for fault in items["b"].faults]
    assert "20 characters" in items["b"].faults[0].meta_message
    last = await fair.last()
    assert ("PARTIALLY_SUCCEEDED", 1) == (await fair.state(), last.invalid_count)
    assert [(FeedUploadError.SEVERITY_FATAL, [names["b"]])] == [
        (one.severity, list(one.samples)) for one in last.errors
    ]
    assert Operation.STATE_PARTIALLY_SUCCEEDED == (await fair.operation(operation)).state


async def test_items_that_meta_does_not_name_get_their_verdict_in_batches(fair: Fair) -> None:
    """Where Meta names only some of the rows it refused, nothing else is taken for granted: batches find the others."""
    fair.world.switches.change(max_title=20, feed_samples=1)
    await fair.switch(PRODUCTS)
    long = "A title that is far too long"
    await fair.snapshot(product("a"), product("b", title=long), product("c", title=long))
    await fair.settle()
    names, states = await fair.names(), await fair.states()
    assert {"a": "CONFIRMED", "b": "REJECTED", "c": "REJECTED"} == {one: states[names[one]] for one in names}
    assert 1 == len(fair.batches())


async def test_rows_that_meta_never_counted_are_not_taken_for_granted(fair: Fair) -> None:
    """When Meta ends with fewer rows than the file has and names none, no item is confirmed by the file: batches follow."""
    counts = {"num_detected_items": 1, "num_persisted_items": 1, "num_invalid_items": 0, "num_deleted_items": 0}
    body = orjson.dumps({"end_time": "2026-11-21T12:00:00+0000"} | counts).decode()
    fair.world.switches.change(feed_seconds=0.0)  # so that Meta is at its end before the first look is answered
    fair.break_calls(r"(^|/)\d+$", "status", method="GET", status=200, body=body, after=True)
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"), product("b"))
    await fair.settle()
    assert ("PARTIALLY_SUCCEEDED", 1) == (await fair.state(), (await fair.last()).detected_count)
    assert (1, {"CONFIRMED"}) == (len(fair.batches()), set((await fair.states()).values()))


async def test_what_no_row_can_clear_is_cleared_by_a_batch(fair: Fair) -> None:
    """Shipping prices that are gone from a product are gone at Meta too, although files have no column for them."""
    price = ShippingPrice(country_code="BD", price=Money(currency_code="BDT", minor_units=6_000))
    await fair.upsert(product("a", shipping_prices=[price]))
    await fair.sync()
    await fair.settle()
    assert [True] == ["shipping" in item for item in fair.shelf.values()]
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a", version=2, title="Changed"), product("b"))
    await fair.settle()
    assert {"Changed": [], "Scarf b": []} == {item["title"]: item.get("shipping", []) for item in fair.shelf.values()}
    assert 1 == (await fair.last()).row_count


async def test_changes_wait_for_the_files_verdict(fair: Fair) -> None:
    """What changes while Meta is at work on the file, stock included, goes in a batch after its end, as it is then."""
    fair.world.switches.change(feed_seconds=300.0)
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle(minutes=1)
    assert "RUNNING" == await fair.state()
    await fair.upsert(product("a", version=2, title="Newer", quantity=3), product("new"))
    await fair.settle(minutes=1)
    new = (await fair.names())["new"]
    assert [[new]] == [[record["data"]["id"] for record in batch["requests"]] for batch in fair.batches()]
    await fair.settle(minutes=10)
    assert {"CONFIRMED"} == set((await fair.states()).values())
    assert ("Newer", 3) == (
        fair.shelf[(await fair.names())["a"]]["title"],
        fair.shelf[(await fair.names())["a"]]["quantity_to_sell_on_facebook"],
    )


async def test_a_lost_answer_begins_no_second_upload(fair: Fair) -> None:
    """When the answer to the upload is lost, the upload is found by its address and not repeated; the feed neither."""
    fair.break_calls("uploads$", "drop_answer", method="POST")
    fair.break_calls("product_feeds$", "drop_answer", method="POST")
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle(minutes=10)
    assert (1, 1, "SUCCEEDED") == (len(fair.meta_feeds), len(fair.meta_uploads), await fair.state())


async def test_a_new_feed_may_seem_absent(fair: Fair) -> None:
    """A feed that Meta created and cannot find for a while is waited for."""
    fair.world.switches.change(feed_lag_seconds=8.0)
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle()
    assert (1, "SUCCEEDED") == (len(fair.meta_feeds), await fair.state())


async def test_a_feed_that_somebody_deleted_is_made_anew(fair: Fair) -> None:
    """When the merchant deletes the feed at Meta, the next upload creates it again."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle()
    gone = fair.meta_feeds[0]
    del fair.world.all(ProductCatalog)[0].feeds[gone.id]
    fair.world.forget(gone)
    fair.clock.advance(minutes=5)
    await fair.snapshot(product("a", version=2, title="Changed"))
    await fair.settle()
    assert ("SUCCEEDED", 1, "Changed") == (
        await fair.state(), len(fair.meta_feeds), next(iter(fair.shelf.values()))["title"],
    )  # fmt: skip


async def test_another_upload_is_waited_for(fair: Fair) -> None:
    """While somebody's own upload of the feed is under way at Meta ours waits, and goes on after it."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle()
    feed, now = fair.meta_feeds[0], fair.world.clock.now()
    source = Source("http://127.0.0.1:9/manual.csv")
    theirs = ProductFeedUpload(fair.world.new_id(), feed.catalog_id, feed.id, source, True, now, now, begun=True)
    feed.uploads.append(fair.world.add(theirs))
    await fair.snapshot(product("a", version=2, title="Changed"))
    await fair.settle()
    assert ("READY", 2) == (await fair.state(), len(fair.meta_uploads))
    theirs.end_time = fair.world.clock.now()
    theirs.ended.set()
    await fair.settle()
    assert ("SUCCEEDED", 3) == (await fair.state(), len(fair.meta_uploads))


async def test_a_file_that_meta_cannot_fetch_goes_in_batches(fair: Fair) -> None:
    """An upload whose file Meta could not use fails with Meta's words, and its items travel in batches."""
    fair.break_calls("uploads$", "error", method="POST", code=100, message="No such host", times=1)
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle()
    last = await fair.last()
    assert ("FAILED", "META_REJECTED", True) == (await fair.state(), last.reason, "No such host" in last.message)
    assert (1, {"CONFIRMED"}) == (len(fair.batches()), set((await fair.states()).values()))


async def test_a_file_that_goes_away_is_no_file(fair: Fair) -> None:
    """When a piece is gone while Meta fetches, the connection breaks; the upload fails and its items go in batches."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await turn(fair.runtime, plans={name: plan for name, plan in PLANS.items() if name is not Task.UPLOAD_FEED})
    async with fair.runtime.db.begin() as tx:
        await tx.execute(delete(feed_pieces))
    await fair.settle()
    last = await fair.last()
    assert ("FAILED", True, False) == (
        await fair.state(), "cannot be fetched" in last.message, last.HasField("fetch_time"),
    )  # fmt: skip
    assert (1, {"CONFIRMED"}) == (len(fair.batches()), set((await fair.states()).values()))


async def test_an_upload_that_never_ends_is_given_up(fair: Fair) -> None:
    """After two hours of silence the upload counts as failed and its items go in batches."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await turn(fair.runtime, plans={name: plan for name, plan in PLANS.items() if name is not Task.UPLOAD_FEED})
    fair.world.switches.change(feed_seconds=1_000_000.0)
    await fair.turn()
    fair.clock.advance(hours=2, minutes=1)
    await fair.turn()
    last = await fair.last()
    assert ("FAILED", "META_OUTCOME_UNKNOWN") == (await fair.state(), last.reason)
    # Nobody knows whether Meta will still come to it: the one time when a file and a batch may meet.
    fair.world.records.overlaps.clear()
    assert 1 == len(fair.batches())
    fair.world.records.overlaps.clear()


async def test_a_file_is_no_longer_served_after_its_end(fair: Fair) -> None:
    """Once the upload has ended its address is like any other that never was, and no piece is kept."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle()
    async with aiohttp.ClientSession() as http, http.get(fair.meta_uploads[0].source.url) as answer:
        assert 404 == answer.status
    async with fair.runtime.db.begin() as tx:
        assert 0 == await tx.scalar(select(func.count()).select_from(feed_pieces))


async def test_a_feed_that_is_switched_off_takes_its_file_along(fair: Fair) -> None:
    """Switched off before Meta was asked, the upload fails and its items go in batches."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await turn(fair.runtime, plans={name: plan for name, plan in PLANS.items() if name is not Task.UPLOAD_FEED})
    await fair.switch(PRODUCTS, enabled=False)
    await fair.settle()
    assert ("FAILED", "FEED_NOT_ENABLED") == (await fair.state(), (await fair.last()).reason)
    assert ([], 1, {"CONFIRMED"}) == (fair.meta_uploads, len(fair.batches()), set((await fair.states()).values()))


async def test_an_upload_outlives_a_dead_token(fair: Fair) -> None:
    """When the token dies while Meta is at work, the upload waits for the merchant and ends after the next login."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await turn(fair.runtime, plans={name: plan for name, plan in PLANS.items() if name is not Task.UPLOAD_FEED})
    for token in fair.world.tokens.values():
        token.death = 460
    await fair.settle()
    assert "READY" == await fair.state()
    await connect(fair.channel, fair.world, fair.turn)
    await fair.settle()
    assert ("SUCCEEDED", {"CONFIRMED"}) == (await fair.state(), set((await fair.states()).values()))


async def test_an_upload_that_gets_nowhere_is_ended(fair: Fair) -> None:
    """After three days without a merchant's login an upload has failed: no file is kept, and no item waits for it."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await turn(fair.runtime, plans={name: plan for name, plan in PLANS.items() if name is not Task.UPLOAD_FEED})
    for token in fair.world.tokens.values():
        token.death = 460
    await fair.settle()
    fair.clock.advance(days=3)
    async with fair.runtime.db.begin() as tx:
        assert not await actions.sweep(tx, at=fair.clock())
    await fair.settle()
    last = await fair.last()
    assert ("FAILED", "STORE_NOT_CONNECTED", True) == (await fair.state(), last.reason, last.HasField("end_time"))
    assert {"PENDING"} == set((await fair.states()).values())
    async with fair.runtime.db.begin() as tx:
        assert 0 == await tx.scalar(select(func.count()).select_from(feed_pieces))


async def test_old_uploads_are_forgotten(fair: Fair) -> None:
    """Ninety days after its end an upload is no longer listed."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle()
    fair.clock.advance(days=91)
    async with fair.runtime.db.begin() as tx:
        assert await actions.sweep(tx, at=fair.clock())
        assert not await actions.sweep(tx, at=fair.clock())
    assert [] == await fair.uploads()


async def test_the_feed_is_off_until_it_is_set(fair: Fair) -> None:
    """Without the switch a snapshot travels in batches and an upload is refused; on, it wants a snapshot first."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await fair.upload(PRODUCTS)
    assert ("FEED_NOT_ENABLED", "PRODUCTS") == reason_of(refused.value, "kind")
    await fair.switch(PRODUCTS)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await fair.upload(PRODUCTS)
    assert ("FEED_NOT_READY",) == reason_of(refused.value)
    await fair.switch(PRODUCTS, enabled=False)
    await fair.snapshot(product("a"))
    await fair.settle()
    assert (1, [], []) == (len(fair.batches()), fair.meta_feeds, await fair.uploads())


async def test_one_upload_at_a_time(fair: Fair) -> None:
    """A second upload is refused while one is under way, and one with nothing to write succeeds without Meta."""
    await fair.switch(PRODUCTS)
    await fair.snapshot(product("a"))
    await fair.settle()
    first = await fair.upload(PRODUCTS, request_id="r1")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await fair.upload(PRODUCTS)
    assert ("FEED_UPLOAD_RUNNING", first.upload_id) == reason_of(refused.value, "upload_id")
    await fair.settle()
    last = await fair.last()
    assert (first.upload_id, 0, "SUCCEEDED", 1) == (
        last.upload_id, last.row_count, await fair.state(), len(fair.meta_uploads),
    )  # fmt: skip
    assert first.upload_id == (await fair.upload(PRODUCTS, request_id="r1")).upload_id


async def test_large_items_make_small_pieces(fair: Fair) -> None:
    """A piece holds no more bytes than a batch, and what comes after it is in the next: no row is lost or doubled."""
    await fair.upsert(*(product(name) for name in "abc"))
    await fair.switch(PRODUCTS)
    async with fair.runtime.db.begin() as tx:
        connection = await connections.by_id(tx, UUID(fair.connection_id))
        assert connection is not None
        await tx.execute(
            text("UPDATE items SET content = jsonb_set(content::jsonb, '{title}', to_jsonb(repeat('x', 9000000)))")
        )
        found, after = [], ""
        while True:
            named: dict[str, Any] = {"batch_id": fair.runtime.new_id(), "after": after, "limit": 10, "at": fair.clock()}
            piece = await feeding.load(tx, connection, fair.runtime.new_id(), **named, fits=lambda _: True)
            if piece is None:
                break
            after = piece.upto
            found.append(len(piece.cargo))
    assert [2, 1] == found
