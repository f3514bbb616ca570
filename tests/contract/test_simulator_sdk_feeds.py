"""Meta's own SDK manages feeds and their uploads and must not notice that it is not Facebook."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any

import pytest
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.adobjects.productfeed import ProductFeed
from facebook_business.adobjects.productfeedupload import ProductFeedUpload
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from tests.contract.sdk_session import finished_status, push, update
from tests.contract.simulator_server import Meta

HEADER = ("id", "title", "description", "availability", "condition", "price", "link", "image_link", "brand")
COUNTS = ["end_time", "error_count", "warning_count", "num_detected_items", "num_persisted_items"]
COUNTS += ["num_invalid_items", "num_deleted_items"]

# The SDK warns of its own tables: `requests` is a list although it says map. Any other warning would be ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore:value of requests might not be compatible:UserWarning")


@contextmanager
def serving(content: bytes, *, status: int = 200) -> Iterator[str]:
    """Serve a file while the block runs; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/feed.csv"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write(rows: Sequence[dict[str, str]], header: Sequence[str] = HEADER, *, delimiter: str = ",") -> bytes:
    """Write a feed file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def row(name: str, **changes: str) -> dict[str, str]:
    """One row of a valid item."""
    return {key: str(value) for key, value in update(name)["data"].items()} | changes


@pytest.fixture
def feed(catalog: ProductCatalog, user_api: FacebookAdsApi) -> ProductFeed:
    """A new feed of the default catalog."""
    return ProductFeed(catalog.create_product_feed(params={"name": "Feed"})["id"], api=user_api)


def upload(meta: Meta, feed: ProductFeed, content: bytes, *, status: int = 200, **params: Any) -> ProductFeedUpload:
    """Upload a file by address and return the ended upload."""
    with serving(content, status=status) as url:
        begun = feed.create_upload(params={"url": url, **params})
        meta.advance(2)
        return ProductFeedUpload(begun["id"], api=feed.get_api()).api_get(fields=COUNTS)


def _names(catalog: ProductCatalog) -> set[str]:
    return {item["retailer_id"] for item in catalog.get_products(fields=["retailer_id"])}


def test_a_feed_is_created_read_changed_and_deleted(catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """A feed shows its settings, counts in its catalog, can be renamed, and is gone after its deletion."""
    made = catalog.create_product_feed(params={"name": "A", "delimiter": "COMMA", "default_currency": "USD"})
    feed = ProductFeed(made["id"], api=user_api)
    feed.api_update(params={"name": "B"})
    read = feed.api_get(fields=["name", "delimiter", "default_currency", "feed_type", "product_count"])
    assert ("B", "COMMA", "USD", "PRODUCTS", 0) == (
        read["name"], read["delimiter"], read["default_currency"], read["feed_type"], read["product_count"],
    )  # fmt: skip
    assert 1 == catalog.api_get(fields=["feed_count"])["feed_count"]
    feed.api_delete()
    assert [] == list(catalog.get_product_feeds())


@pytest.mark.parametrize("packed", [False, True])
def test_an_upload_by_address_takes_the_items_in(
    meta: Meta, catalog: ProductCatalog, feed: ProductFeed, *, packed: bool
) -> None:
    """The file is fetched, plain or gzip; its items are in the catalog and counted."""
    content = write([row("A"), row("B", title='A "quoted",\nbroken title')])
    ended = upload(meta, feed, gzip.compress(content) if packed else content)
    assert (2, 2, 0, 0, 0) == tuple(ended[name] for name in [*COUNTS[3:], "error_count"])
    assert {"A", "B"} == _names(catalog)
    titles = [item["name"] for item in catalog.get_products(fields=["name"])]
    assert 'A "quoted",\nbroken title' in titles


def test_an_upload_is_running_until_its_end(meta: Meta, feed: ProductFeed) -> None:
    """`end_time` is absent while Meta works, and a second upload of the feed is refused meanwhile."""
    with serving(write([row("A")])) as url:
        begun = ProductFeedUpload(feed.create_upload(params={"url": url})["id"], api=feed.get_api())
        assert "end_time" not in begun.api_get(fields=COUNTS)
        with pytest.raises(FacebookRequestError) as caught:
            feed.create_upload(params={"url": url})
        meta.advance(2)
        assert "end_time" in begun.api_get(fields=COUNTS)
    assert 100 == caught.value.api_error_code()


def test_a_replace_upload_deletes_only_what_the_feed_brought(
    meta: Meta, catalog: ProductCatalog, feed: ProductFeed
) -> None:
    """An item missing from the next file goes, unless it came by another way; with `update_only` nothing goes."""
    finished_status(meta, catalog, push(catalog, [update("FOREIGN")])["handles"][0])
    upload(meta, feed, write([row("A"), row("B")]))
    upload(meta, feed, write([row("C")]), update_only=True)
    assert {"FOREIGN", "A", "B", "C"} == _names(catalog)
    assert 2 == upload(meta, feed, write([row("C")]))["num_deleted_items"]
    assert {"FOREIGN", "C"} == _names(catalog)


def test_errors_name_severity_and_rows(meta: Meta, catalog: ProductCatalog, feed: ProductFeed) -> None:
    """A bad row costs its item, an unknown column only warns; both name the rows that have them."""
    rows = [row("A"), row("B", price="cheap"), row("", title="nameless")]
    ended = upload(meta, feed, write([one | {"shininess": "3"} for one in rows], (*HEADER, "shininess")))
    assert (3, 1, 2) == tuple(ended[f"num_{name}_items"] for name in ("detected", "persisted", "invalid"))
    errors = list(ended.get_errors(fields=["severity", "summary", "total_count"]))
    assert ["fatal", "fatal", "warning"] == [error["severity"] for error in errors]
    priced = next(error for error in errors if "price" in error["summary"])
    assert [("B", 3)] == [(one["retailer_id"], one["row_number"]) for one in priced.get_samples()]
    assert {"A"} == _names(catalog)
    assert 2 == len(list(ended.get_errors(params={"error_priority": "HIGH"})))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"name,price\r\nA,1\r\n", 200),
        (b"\xff\xfe\x00rubbish", 200),
        (gzip.compress(b"id\nA\n")[:-6], 200),
        (b"", 404),
    ],
    ids=["no id", "no text", "cut", "missing"],
)
def test_an_unusable_file_is_one_fatal_error(
    meta: Meta, catalog: ProductCatalog, feed: ProductFeed, content: bytes, status: int
) -> None:
    """What cannot be fetched or read ends the upload with a fatal error and changes nothing."""
    upload(meta, feed, write([row("KEPT")]))
    ended = upload(meta, feed, content, status=status)
    assert (1, 0) == (ended["error_count"], ended["num_deleted_items"])
    assert {"KEPT"} == _names(catalog)


def test_a_line_over_5_mb_is_not_taken(meta: Meta, catalog: ProductCatalog, feed: ProductFeed) -> None:
    """A row longer than 5 MB costs its item, the others are taken."""
    meta.control("PATCH", "/switches", {"max_description": 10_000_000})
    ended = upload(meta, feed, write([row("A"), row("B", description="x" * 5_000_001)]))
    assert (1, {"A"}) == (ended["num_invalid_items"], _names(catalog))


def test_a_posted_file_is_taken_like_a_fetched_one(
    meta: Meta, catalog: ProductCatalog, feed: ProductFeed, user_api: FacebookAdsApi
) -> None:
    """A file in a multipart form is taken in, here with tabs between its cells."""
    file = ("feed.tsv", write([row("A")], delimiter="\t"))
    begun = user_api.call("POST", (feed["id"], "uploads"), files={"file": file}).json()
    meta.advance(2)
    ended = ProductFeedUpload(begun["id"], api=user_api).api_get(fields=["end_time", "filename", "input_method"])
    assert ("feed.tsv", "Manual Upload", {"A"}) == (ended["filename"], ended["input_method"], _names(catalog))


def test_a_new_feed_cannot_be_read_at_once(meta: Meta, catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """With the lag switched on a feed seems absent at first."""
    meta.control("PATCH", "/switches", {"feed_lag_seconds": 5.0})
    feed = ProductFeed(catalog.create_product_feed(params={"name": "A"})["id"], api=user_api)
    with pytest.raises(FacebookRequestError) as caught:
        feed.api_get(fields=["name"])
    assert (100, 33) == (caught.value.api_error_code(), caught.value.api_error_subcode())
    meta.advance(5)
    assert "A" == feed.api_get(fields=["name"])["name"]


def test_reviews_have_a_feed_of_their_own_type(meta: Meta, catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """A feed of ratings and reviews takes rows of reviews; a rating of six is refused."""
    params = {"name": "Reviews", "feed_type": "PRODUCT_RATINGS_AND_REVIEWS"}
    feed = ProductFeed(catalog.create_product_feed(params=params)["id"], api=user_api)
    header = (
        "review_id",
        "rating",
        "content",
        "created_at",
        "reviewer.name",
        "store.name",
        "product.name",
        "product.url",
    )
    good = dict(
        zip(header, ("1", "5", "Fine", "2026-11-01", "Ann", "Mina", "Ring", "https://shop.test/1"), strict=True)
    )
    ended = upload(meta, feed, write([good, good | {"review_id": "2", "rating": "6"}], header))
    assert (2, 1, 1) == tuple(ended[f"num_{name}_items"] for name in ("detected", "persisted", "invalid"))


GOOD_OFFER = {
    "title": "Spring", "value_type": "PERCENTAGE", "percent_off": "10", "fixed_amount_off": "", "application_type": "SALE",
    "target_type": "LINE_ITEM", "target_granularity": "ITEM_LEVEL", "target_selection": "ALL_CATALOG_PRODUCTS",
    "start_date_time": "1793491200", "end_date_time": "", "coupon_codes": "", "target_product_retailer_ids": "",
}  # fmt: skip
WRONG_OFFERS = (
    {"title": ""},
    {"value_type": "HALF"},
    {"percent_off": "101"},
    {"percent_off": ""},
    {"fixed_amount_off": "5.00 USD"},
    {"percent_off": "", "fixed_amount_off": "5.00 USD"},
    {"value_type": "FIXED_AMOUNT"},
    {"value_type": "FIXED_AMOUNT", "percent_off": "", "fixed_amount_off": "5 dollars"},
    {"start_date_time": "2026-11-01"},
    {"end_date_time": "soon"},
    {"application_type": "BUYER_APPLIED"},
    {"coupon_codes": '["A"]'},
    {"target_selection": "SPECIFIC_PRODUCTS"},
    {"target_product_retailer_ids": '["A"]'},
)


def test_offers_have_a_feed_of_their_own_type(meta: Meta, catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """A feed of offers takes rows of offers, and refuses each that contradicts itself; a file without one takes it away."""
    feed = ProductFeed(catalog.create_product_feed(params={"name": "Offers", "feed_type": "OFFER"})["id"], api=user_api)
    header = ("offer_id", *GOOD_OFFER)
    rows = [{"offer_id": str(place), **GOOD_OFFER, **change} for place, change in enumerate(({}, *WRONG_OFFERS))]
    for some, counts in ((rows, (len(rows), 1, len(WRONG_OFFERS), 0)), (rows[1:2], (1, 0, 1, 1))):
        ended = upload(meta, feed, write(some, header))
        names = ("detected", "persisted", "invalid", "deleted")
        assert counts == tuple(ended[f"num_{name}_items"] for name in names)


def test_a_batch_and_a_file_with_the_same_item_overlap(meta: Meta, catalog: ProductCatalog, feed: ProductFeed) -> None:
    """An item that is in an unfinished batch and in a fetched file is listed as an overlap: a sender's fault."""
    meta.control("PATCH", "/switches", {"batch_seconds": 600.0, "feed_seconds": 600.0})
    push(catalog, [update("A"), update("B")])
    with serving(write([row("A"), row("C")])) as url:
        feed.create_upload(params={"url": url})
        # The file is fetched in its own time: the test's time limit ends a wait in vain.
        while not (overlaps := meta.control("GET", "/state")["overlaps"]):
            sleep(0.005)
    assert ["A"] == [one["retailer_id"] for one in overlaps]
