"""Reviews and navigation: handed in over gRPC, written into files, fetched by Meta; gated."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from sqlalchemy import text

from connector.db import outbox
from connector.db.outbox import Task
from connector.feeds import actions
from simulator.feed_state import CommercePartnerIntegration
from stormcom.facebook.v1 import feed_service_pb2 as pb
from stormcom.facebook.v1.feed_pb2 import NavigationEntry, NavigationMenu, Review
from tests.integration.catalog.shop import product, reason_of
from tests.integration.feeds.fair import NAVIGATION, PRODUCTS, PROMOTIONS, REVIEWS, Fair, Killed, dying

INTEGRATION = "8800000000000001"
WRITTEN = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


def review(review_id: str, product_id: str = "a", **changes: Any) -> Review:
    """Make a review that nobody refuses."""
    fields: dict[str, Any] = {
        "rating": 5,
        "content": f"Fine, {review_id}",
        "reviewer_name": "Ann",
        "create_time": WRITTEN,
    }
    return Review(review_id=review_id, product_id=product_id, **fields | changes)


async def _put(fair: Fair, *reviews: Review) -> int:
    return int(
        (await fair.feeds.PutReviews(pb.PutReviewsRequest(store_id=fair.store_id, reviews=reviews))).review_count
    )


async def _put_menus(fair: Fair, *menus: NavigationMenu) -> None:
    await fair.feeds.PutNavigation(pb.PutNavigationRequest(store_id=fair.store_id, menus=menus))


async def _stocked(fair: Fair) -> None:
    """Let the store have a product."""
    await fair.upsert(product("a"))
    await fair.switch(REVIEWS)


async def test_reviews_reach_their_feed(fair: Fair) -> None:
    """Reviews of known products are written with their product's name and link; those of unknown ones are left out."""
    await _stocked(fair)
    assert 2 == await _put(fair, review("1", content='Good,\n"really" 👍'), review("2", "unknown"))
    await fair.upload(REVIEWS)
    await fair.settle()
    taken = fair.meta_feeds[0].reviews
    name = next(iter((await fair.names()).values()))
    assert (["1"], "SUCCEEDED", 1) == (list(taken), await fair.state(), (await fair.last()).row_count)
    assert ('Good,\n"really" 👍', "2026-11-01 12:30:00", "Scarf a", f"['{name}']", "https://shop.example/a") == tuple(
        taken["1"][column]
        for column in ("content", "created_at", "product.name", "product.productIdentifiers.skus", "product.url")
    )
    assert ("Ann", "false", "['https://shop.example']") == tuple(
        taken["1"][column] for column in ("reviewer.name", "reviewer.isAnonymous", "store.storeUrls")
    )


async def test_a_deleted_review_leaves_with_the_next_upload(fair: Fair) -> None:
    """The feed holds exactly the reviews there are, also when the last one goes."""
    await _stocked(fair)
    await _put(fair, review("1"), review("2"))
    for gone, left in (("1", ["2"]), ("2", [])):
        await fair.feeds.DeleteReviews(pb.DeleteReviewsRequest(store_id=fair.store_id, review_ids=[gone, "never"]))
        await fair.upload(REVIEWS)
        await fair.settle()
        assert ("SUCCEEDED", left) == (await fair.state(), list(fair.meta_feeds[0].reviews))


async def test_a_writer_that_dies_between_pieces_is_resumed(fair: Fair) -> None:
    """What a killed writer had written stays; the next one goes on behind it, and every row is in the file once."""
    await _stocked(fair)
    count = 1_200
    async with fair.runtime.db.begin() as tx:
        statement = """
            INSERT INTO reviews SELECT :connection, 'r' || lpad(n::text, 5, '0'), 'a', '', 5, '', 'Fine', 'Ann', '', false, false, now()
            FROM generate_series(1, :count) n
        """
        await tx.execute(text(statement), {"connection": fair.connection_id, "count": count})
    await fair.upload(REVIEWS)
    async with fair.runtime.db.begin() as tx:
        leased = (await outbox.lease_due(tx, [Task.WRITE_FEED], at=fair.clock(), limit=1))[0]
        taken = await outbox.take(tx, leased.id, leased.attempt, at=fair.clock())
    assert taken is not None
    with pytest.raises(Killed):
        await actions.write(replace(fair.runtime, now=dying(fair.clock, after=2)), taken)
    assert (500, "WRITING") == ((await fair.last()).row_count, await fair.state())
    fair.clock.advance(minutes=1)
    await fair.settle()
    assert (count, count, "SUCCEEDED") == (
        (await fair.last()).row_count, len(fair.meta_feeds[0].reviews), await fair.state(),
    )  # fmt: skip
    assert count == (await fair.last()).detected_count


async def _fetched(fair: Fair, integration: CommercePartnerIntegration) -> None:
    """Let Meta fetch an integration's file and take it in, and the connector notice."""
    await fair.turn()
    fair.clock.advance(seconds=2)
    await integration.updates[0].ended.wait()
    await fair.settle(minutes=20 * 60)  # the ingress notes the end of the fetch after Meta has seen it


async def test_navigation_goes_to_the_integration(fair: Fair) -> None:
    """The menus of the shop are fetched for the merchant's integration; once fetched, the upload has succeeded."""
    integration = fair.world.add(CommercePartnerIntegration(INTEGRATION, "50000000000000001"))
    await fair.switch(NAVIGATION, integration_id=INTEGRATION)
    below = NavigationEntry(title="Shoes", set_retailer_id="set_2")
    top = NavigationEntry(title="Women", set_retailer_id="set_1", entries=[below])
    await _put_menus(fair, NavigationMenu(handle="main", title="Shop", entries=[top]))
    await fair.upload(NAVIGATION)
    await _fetched(fair, integration)
    assert ("SUCCEEDED", True) == (await fair.state(), (await fair.last()).HasField("fetch_time"))
    assert [("Shop", "main", "Women", "Shoes")] == [
        (menu["title"], menu["partner_menu_handle"], menu["items"][0]["title"], menu["items"][0]["items"][0]["title"])
        for menu in integration.navigation
    ]


async def test_reviews_may_go_to_the_integration(fair: Fair) -> None:
    """With an integration, reviews are one of its files, and no feed of the catalog is made."""
    integration = fair.world.add(CommercePartnerIntegration(INTEGRATION, "50000000000000001"))
    await fair.upsert(product("a"))
    await fair.switch(REVIEWS, integration_id=INTEGRATION)
    await _put(fair, review("1"))
    await fair.upload(REVIEWS)
    await _fetched(fair, integration)
    assert (["1"], []) == (list(integration.reviews), fair.meta_feeds)


async def test_an_integration_that_is_none_of_the_merchants_fails_the_upload(fair: Fair) -> None:
    """Meta's refusal of the integration is told with the upload."""
    await fair.switch(NAVIGATION, integration_id="99")
    await _put_menus(fair, NavigationMenu(handle="main", title="Shop"))
    await fair.upload(NAVIGATION)
    await fair.settle()
    assert ("FAILED", "META_REJECTED") == (await fair.state(), (await fair.last()).reason)


Refused = Callable[[Fair], Awaitable[Any]]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda fair: fair.switch(NAVIGATION), ("FIELD_REQUIRED", "integration_id")),
        (lambda fair: fair.switch(PRODUCTS, integration_id="1"), ("FIELD_INVALID", "integration_id")),
        (lambda fair: fair.switch(REVIEWS, integration_id="x"), ("FIELD_INVALID", "integration_id")),
        (lambda fair: fair.switch(0), ("FIELD_REQUIRED", "kind")),
        (lambda fair: _put(fair, review("1", rating=6)), ("FIELD_INVALID", "reviews[0].rating")),
        (lambda fair: _put(fair, review("1"), review("1")), ("DUPLICATE_ENTRY", "reviews[1]")),
        (lambda fair: _put(fair, review("1", content="")), ("FIELD_REQUIRED", "reviews[0].content")),
        (lambda fair: _put(fair, review("1", title="x" * 256)), ("FIELD_TOO_LONG", "reviews[0].title")),
        (lambda fair: _put(fair, review("ü")), ("FIELD_INVALID", "reviews[0].review_id")),
        (_put, ("FIELD_REQUIRED", "reviews")),
        (lambda fair: _put(fair, review("1", content="\0")), ("FIELD_INVALID", "reviews[0].content")),
        (lambda fair: _put_menus(fair, _menu("\0")), ("FIELD_INVALID", "menus[0].entries[0].title")),
        (lambda fair: _put_menus(fair, _deep(6)), ("FIELD_TOO_LARGE", "menus[0].entries" + "[0].entries" * 5)),
        (lambda fair: _put_menus(fair, NavigationMenu(handle="m", title="")), ("FIELD_REQUIRED", "menus[0].title")),
        (lambda fair: fair.uploads(page_token="rubbish"), ("PAGE_TOKEN_INVALID", "page_token")),
        (lambda fair: fair.uploads(kind=99), ("FIELD_INVALID", "kind")),
    ],
)  # fmt: skip
async def test_wrong_calls_are_refused_by_name(stall: Fair, call: Refused, reason: tuple[str, str]) -> None:
    """What is missing, too long or wrong is refused with its reason and field."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(stall)
    assert reason == reason_of(refused.value, "field")


async def test_reviews_and_navigation_are_gated(fair: Fair) -> None:
    """While their feeds are off, neither reviews nor navigation are taken; reviews can still be forgotten."""
    for call in (_put(fair, review("1")), _put_menus(fair, _menu("Women"))):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert ("FEED_NOT_ENABLED",) == reason_of(refused.value)
    gone = pb.DeleteReviewsRequest(store_id=fair.store_id, review_ids=["1"])
    assert 0 == (await fair.feeds.DeleteReviews(gone)).review_count


def _menu(title: str) -> NavigationMenu:
    return NavigationMenu(handle="m", title="M", entries=[NavigationEntry(title=title, set_retailer_id="s")])


def _deep(levels: int) -> NavigationMenu:
    entries: list[NavigationEntry] = []
    for _ in range(levels):
        entries = [NavigationEntry(title="T", set_retailer_id="s", entries=entries)]
    return NavigationMenu(handle="m", title="M", entries=entries)


async def test_feeds_are_listed_with_where_to_look(fair: Fair) -> None:
    """Every kind is listed, off, with the merchant's page for it; another store sees none of ours."""
    listed = await fair.feeds.ListFeeds(pb.ListFeedsRequest(store_id=fair.store_id))
    assert [(PRODUCTS, False), (REVIEWS, False), (NAVIGATION, False), (PROMOTIONS, False)] == [
        (feed.kind, feed.enabled) for feed in listed.feeds
    ]
    assert all(feed.manage_url.startswith("https://business.facebook.com/commerce/") for feed in listed.feeds)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await fair.feeds.ListFeeds(pb.ListFeedsRequest(store_id="other", connection_id=fair.connection_id))
    assert ("CONNECTION_NOT_FOUND",) == reason_of(refused.value)


async def test_uploads_are_listed_in_pages(fair: Fair) -> None:
    """Uploads come newest first, a page at a time, each once."""
    await _stocked(fair)
    await _put(fair, review("1"))
    begun = []
    for _ in range(3):
        begun.append((await fair.upload(REVIEWS)).upload_id)
        await fair.settle()
    asked = pb.ListFeedUploadsRequest(store_id=fair.store_id, page_size=2)
    first = await fair.feeds.ListFeedUploads(asked)
    asked.page_token = first.next_page_token
    second = await fair.feeds.ListFeedUploads(asked)
    assert begun[::-1] == [one.upload_id for one in (*first.uploads, *second.uploads)]
    assert "" == second.next_page_token


async def test_feeds_are_listed_in_pages(fair: Fair) -> None:
    """Feeds come in the order of their kinds, a page at a time."""
    asked = pb.ListFeedsRequest(store_id=fair.store_id, page_size=2)
    first = await fair.feeds.ListFeeds(asked)
    asked.page_token = first.next_page_token
    second = await fair.feeds.ListFeeds(asked)
    assert [PRODUCTS, REVIEWS, NAVIGATION, PROMOTIONS] == [feed.kind for feed in (*first.feeds, *second.feeds)]
    assert "" == second.next_page_token
