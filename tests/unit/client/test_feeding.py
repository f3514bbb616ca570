"""The commands of feeds as they are typed: what they send, what they print, how they end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.feed_pb2 import (
    FEED_KIND_NAVIGATION,
    FEED_KIND_PRODUCTS,
    FEED_KIND_RATINGS_AND_REVIEWS,
    Feed,
    FeedUpload,
    FeedUploadError,
)
from stormcom.facebook.v1.feed_service_pb2 import (
    DeleteReviewsRequest,
    DeleteReviewsResponse,
    ListFeedsResponse,
    ListFeedUploadsRequest,
    ListFeedUploadsResponse,
    PutNavigationRequest,
    PutNavigationResponse,
    PutPromotionsRequest,
    PutPromotionsResponse,
    PutReviewsRequest,
    PutReviewsResponse,
    SetFeedRequest,
    SetFeedResponse,
    UploadFeedRequest,
    UploadFeedResponse,
)

Connector = Any
Type = Callable[..., Result]


@pytest.fixture
def type_in(connector: Connector) -> Type:
    """Type a command, as a person on a terminal would."""
    options = ["--address", connector.address, "--store", "store-1", "--token", "t", "--no-json"]
    return lambda *words: CliRunner().invoke(app, [*options, *words])


def test_a_feed_is_switched_on(connector: Connector, type_in: Type) -> None:
    """The kind may be written small and with hyphens; the integration goes along."""
    connector.on("SetFeed", SetFeedResponse(feed=Feed(kind=FEED_KIND_NAVIGATION, enabled=True)))
    done = type_in("feeds", "set", "navigation", "--on", "--integration", "88")
    asked = connector.asked_for(SetFeedRequest)[0]
    assert (0, True) == (done.exit_code, "NAVIGATION is on" in done.stdout)
    assert (FEED_KIND_NAVIGATION, True, "88") == (asked.kind, asked.enabled, asked.integration_id)


def test_an_unknown_feed_is_refused_with_those_there_are(type_in: Type) -> None:
    """A wrong kind is a wrong option."""
    done = type_in("feeds", "upload", "weather")
    assert (2, True) == (done.exit_code, "RATINGS_AND_REVIEWS" in done.output)


def test_feeds_are_listed(connector: Connector, type_in: Type) -> None:
    """A line per feed: whether it is on, and how its last upload did."""
    last = FeedUpload(state=FeedUpload.STATE_SUCCEEDED)
    connector.on("ListFeeds", ListFeedsResponse(feeds=[Feed(kind=FEED_KIND_PRODUCTS, enabled=True, last_upload=last)]))
    done = type_in("feeds", "list")
    assert [True] * 3 == [word in done.stdout for word in ("PRODUCTS", "yes", "SUCCEEDED")]


def test_an_upload_is_begun_and_listed(connector: Connector, type_in: Type) -> None:
    """What Meta found is told with a few of the rows."""
    error = FeedUploadError(total_count=4, summary="No price", samples=["a", "b", "c", "d"])
    begun = FeedUpload(upload_id="u1", state=FeedUpload.STATE_WRITING, errors=[error])
    connector.on("UploadFeed", UploadFeedResponse(upload=begun))
    connector.on("ListFeedUploads", ListFeedUploadsResponse(uploads=[begun]))
    assert "u1 is WRITING" in type_in("feeds", "upload", "products").stdout
    assert "(a, b, c)" in type_in("feeds", "uploads", "--kind", "ratings-and-reviews").stdout.replace("\n", " ")
    assert [FEED_KIND_PRODUCTS] == [one.kind for one in connector.asked_for(UploadFeedRequest)]
    assert [FEED_KIND_RATINGS_AND_REVIEWS] == [one.kind for one in connector.asked_for(ListFeedUploadsRequest)]


def test_a_file_of_reviews_is_handed_in(connector: Connector, type_in: Type, tmp_path: Path) -> None:
    """Calls take 500 reviews each; a line that is none is told with its number."""
    file = tmp_path / "reviews.jsonl"
    file.write_text("\n".join(f'{{"reviewId": "r{number}", "rating": 5}}' for number in range(501)))
    connector.on("PutReviews", PutReviewsResponse(review_count=501))
    done = type_in("feeds", "reviews", str(file))
    assert (0, True) == (done.exit_code, "501 reviews" in done.stdout)
    assert [500, 1] == [len(one.reviews) for one in connector.asked_for(PutReviewsRequest)]
    for wrong in (b'\n{"rating": "five"}', b'\n{"content": "\xe9t\xe9"}'):
        file.write_bytes(wrong)
        assert "line 2" in type_in("feeds", "reviews", str(file)).output


def test_only_a_line_end_ends_a_line(connector: Connector, type_in: Type, tmp_path: Path) -> None:
    """Unicode's own line and paragraph separators are part of a text, as JSON allows."""
    file = tmp_path / "reviews.jsonl"
    file.write_text('{"reviewId": "r1", "content": "One\u2028two\x85three"}', encoding="utf-8")
    connector.on("PutReviews", PutReviewsResponse(review_count=1))
    assert 0 == type_in("feeds", "reviews", str(file)).exit_code
    assert ["One\u2028two\x85three"] == [one.content for one in connector.asked_for(PutReviewsRequest)[0].reviews]


def test_reviews_are_forgotten(connector: Connector, type_in: Type) -> None:
    """The named reviews are sent."""
    connector.on("DeleteReviews", DeleteReviewsResponse(review_count=1))
    assert "1 reviews" in type_in("feeds", "delete-reviews", "r1", "r2").stdout
    assert ["r1", "r2"] == list(connector.asked_for(DeleteReviewsRequest)[0].review_ids)


def test_navigation_is_handed_in(connector: Connector, type_in: Type, tmp_path: Path) -> None:
    """The file's menus are sent as they are."""
    file = tmp_path / "menus.json"
    file.write_text(
        '{"menus": [{"handle": "main", "title": "Shop", "entries": [{"title": "A", "set_retailer_id": "s"}]}]}'
    )
    connector.on("PutNavigation", PutNavigationResponse())
    assert 0 == type_in("feeds", "navigation", str(file)).exit_code
    assert "s" == connector.asked_for(PutNavigationRequest)[0].menus[0].entries[0].set_retailer_id


def test_promotions_are_handed_in(connector: Connector, type_in: Type, tmp_path: Path) -> None:
    """The file's promotions are sent as they are."""
    file = tmp_path / "promotions.json"
    file.write_text('{"promotions": [{"promotion_id": "p", "title": "Spring", "percent_off": 10}]}')
    connector.on("PutPromotions", PutPromotionsResponse())
    assert 0 == type_in("feeds", "promotions", str(file)).exit_code
    assert 10 == connector.asked_for(PutPromotionsRequest)[0].promotions[0].percent_off
