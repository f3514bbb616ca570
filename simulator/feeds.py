"""Feeds of a catalog and their uploads, and the files a commerce integration takes.

It refuses a second upload while one of the same feed is under way, and a feed that is too new to be read.
"""

from typing import Any

from simulator.call import SUCCESS, Call, Json, NodeType, PostedFile, Route, Rows, attribute
from simulator.clock import graph_time
from simulator.errors import invalid_parameter
from simulator.feed_rows import DELIMITERS, ENCODINGS
from simulator.feed_state import (
    CommercePartnerIntegration,
    FileUpdate,
    ProductFeed,
    ProductFeedUpload,
    ProductFeedUploadError,
    Source,
)
from simulator.state import ProductCatalog

# SDK 26.0.3, productfeed.py, ProductFeed.FeedType; of these the simulator takes in three.
FEED_TYPES = ("PRODUCTS", "PRODUCT_RATINGS_AND_REVIEWS", "OFFER")
# SDK 26.0.3, productcatalog.py, create_product_feed
TEXTS = ("country", "default_currency", "file_name", "override_type", "override_value", "schedule", "update_schedule")
CHOICES = {
    "delimiter": ("AUTODETECT", *DELIMITERS),
    "encoding": tuple(ENCODINGS),
    "quoted_fields_mode": ("AUTODETECT", "OFF", "ON"),
    "ingestion_source_type": ("primary_feed", "supplementary_feed"),
}
# graph-api.md 3.3, as facebook-for-woocommerce and meta-for-magento2 send them; the simulator takes in three.
UPDATE_TYPES = ("NAVIGATION_MENU", "PRODUCT_RATINGS_AND_REVIEWS", "PROMOTIONS")


def list_feeds(call: Call) -> Rows:
    """List the feeds of a catalog that can be read already."""
    now = call.world.clock.now()
    feeds = [one for one in call.node.feeds.values() if one.readable_time <= now]
    return Rows(feeds, key=lambda one: (int(one.id),))


def create_feed(call: Call) -> Json:
    """Create a feed; it can be read after the switch's lag."""
    world, now = call.world, call.world.clock.now()
    feed_type = call.choice("feed_type", FEED_TYPES, "PRODUCTS")
    readable_time = now + world.switches.feed_lag_seconds
    feed = ProductFeed(world.new_id(), call.node.id, call.text("name"), now, readable_time, feed_type, _settings(call))
    call.node.feeds[feed.id] = world.add(feed)
    return {"id": feed.id}


def _settings(call: Call) -> dict[str, Any]:
    settings: dict[str, Any] = {name: call.text(name) for name in TEXTS if name in call.params}
    settings |= {name: call.choice(name, words, words[0]) for name, words in CHOICES.items() if name in call.params}
    if "deletion_enabled" in call.params:
        settings["deletion_enabled"] = call.flag("deletion_enabled")
    return settings


def update_feed(call: Call) -> Json:
    """Change a feed."""
    call.node.name = call.text("name", call.node.name)
    call.node.settings |= _settings(call)
    return SUCCESS


def delete_feed(call: Call) -> Json:
    """Delete a feed with its uploads; the items it brought in go too."""
    # Unverified: that its items go with it.
    feed, world = call.node, call.world
    catalog = world.require(ProductCatalog, feed.catalog_id, name="catalog_id")
    for name in feed.created:
        if (item := catalog.items.pop(name, None)) is not None:
            world.forget(item)
    del catalog.feeds[feed.id]
    world.forget(feed)
    return SUCCESS


def list_uploads(call: Call) -> Rows:
    """List the uploads of a feed, newest first."""
    # Unverified: the order; Graph lists what grows so elsewhere.
    return Rows(call.node.uploads[::-1], key=lambda one: (-int(one.id),))


def begin_upload(call: Call) -> Json:
    """Begin an upload from an address or of a posted file."""
    feed, world = call.node, call.world
    if any(not one.ended.is_set() for one in feed.uploads):
        # Unverified: code 100 for a second upload at once.
        raise invalid_parameter("Another upload of this feed is in progress; wait for its end")
    now = world.clock.now()
    named = world.new_id(), feed.catalog_id, feed.id, _source(call)
    upload = ProductFeedUpload(*named, call.flag("update_only"), now, now + world.switches.feed_seconds)
    feed.uploads.append(world.add(upload))
    world.clock.wake()
    return {"id": upload.id}


def _source(call: Call) -> Source:
    if (posted := call.params.get("file")) is not None:
        if not isinstance(posted, PostedFile):
            raise invalid_parameter("Param file must be a file of a multipart form")
        return Source(content=posted.content, filename=posted["filename"])
    url = call.text("url")
    if not url.startswith(("http://", "https://")):
        raise invalid_parameter("Param url must be a valid URI")
    return Source(url, call.text("username", ""), call.text("password", ""))


async def read_upload(call: Call) -> ProductFeedUpload:
    """Tell how far an upload is; once its time has come, all of it is done."""
    upload: ProductFeedUpload = call.node
    if call.world.clock.now() >= upload.finish_time:
        await upload.ended.wait()
    return upload


def list_errors(call: Call) -> Rows:
    """List the errors of an upload, those that cost items first."""
    # Unverified: that HIGH stands for what is fatal.
    wanted = {"HIGH": {"fatal"}, "MEDIUM": {"warning"}, "LOW": {"warning"}}.get(
        call.choice("error_priority", ("HIGH", "MEDIUM", "LOW", ""), ""), {"fatal", "warning"}
    )
    errors = [one for one in call.node.errors.values() if one.severity in wanted]
    return Rows(sorted(errors, key=_worst_first), key=_worst_first)


def _worst_first(error: ProductFeedUploadError) -> tuple[int, int]:
    return int(error.severity != "fatal"), int(error.id)


def list_samples(call: Call) -> Rows:
    """List rows that have an error."""
    return Rows(call.node.samples, key=lambda one: (int(one.id),))


def update_file(call: Call) -> Json:
    """Take a file for an integration; what becomes of it is told nowhere."""
    world = call.world
    call.choice("update_type", ("CREATE",), "CREATE")
    feed_type = call.choice("feed_type", UPDATE_TYPES, "")
    finish_time = world.clock.now() + world.switches.feed_seconds
    update = FileUpdate(world.new_id(), call.node.id, feed_type, _source(call), finish_time)
    call.node.updates.append(world.add(update))
    world.clock.wake()
    # Unverified: what Meta answers.
    return SUCCESS


def _setting(name: str, default: Any = None) -> Any:
    return lambda _call, feed: feed.settings.get(name, default)


def _latest(_call: Call, feed: ProductFeed) -> ProductFeedUpload | None:
    return feed.uploads[-1] if feed.uploads else None


def _count(name: str) -> Any:
    return lambda _call, upload: None if upload.end_time is None else getattr(upload, name)


def _severe(severity: str) -> Any:
    return lambda _call, upload: None if upload.end_time is None else upload.count(severity)


def _time(name: str) -> Any:
    return lambda _call, node: None if getattr(node, name) is None else graph_time(getattr(node, name))


def _input_method(_call: Call, upload: ProductFeedUpload) -> str:
    # SDK 26.0.3, productfeedupload.py, InputMethod
    return "Manual Upload" if upload.source.content is not None else "User initiated server fetch"


SCOPES = ("catalog_management",)
INTEGRATION_SCOPES = ("manage_business_extension", "catalog_management")
NODES = {
    "ProductFeed": NodeType(
        {
            "id": attribute("id"),
            "name": attribute("name"),
            "feed_type": attribute("feed_type"),
            "created_time": _time("create_time"),
            "product_count": lambda _, feed: len(feed.created),
            "latest_upload": _latest,
            "deletion_enabled": _setting("deletion_enabled", True),
            **{name: _setting(name) for name in (*TEXTS, *CHOICES)},
        },
        scopes=SCOPES,
    ),
    "ProductFeedUpload": NodeType(
        {
            "id": attribute("id"),
            "start_time": _time("start_time"),
            "end_time": _time("end_time"),
            "url": lambda _, upload: upload.source.url or None,
            "filename": lambda _, upload: upload.source.filename or None,
            "input_method": _input_method,
            "error_count": _severe("fatal"),
            "warning_count": _severe("warning"),
            "num_detected_items": _count("detected"),
            "num_persisted_items": _count("persisted"),
            "num_invalid_items": _count("invalid"),
            "num_deleted_items": _count("deleted"),
        },
        default=("id", "start_time", "end_time"),
        scopes=SCOPES,
    ),
    "ProductFeedUploadError": NodeType(
        {
            "id": attribute("id"),
            "summary": attribute("summary"),
            "description": attribute("summary"),
            "severity": attribute("severity"),
            "error_type": attribute("error_type"),
            "total_count": attribute("total_count"),
            "affected_surfaces": lambda *_: [],
        },
        default=("id", "summary", "description", "severity", "error_type", "total_count"),
        scopes=SCOPES,
    ),
    "ProductFeedUploadErrorSample": NodeType(
        {
            "id": attribute("id"),
            "retailer_id": attribute("retailer_id"),
            "row_number": attribute("row_number"),
        },
        default=("id", "retailer_id", "row_number"),
        scopes=SCOPES,
    ),
    CommercePartnerIntegration.__name__: NodeType({"id": attribute("id")}, default=("id",), scopes=SCOPES),
}
ROUTES = {
    ("ProductCatalog", "GET", "product_feeds"): Route(list_feeds, SCOPES),
    ("ProductCatalog", "POST", "product_feeds"): Route(create_feed, SCOPES),
    ("ProductFeed", "POST", ""): Route(update_feed, SCOPES),
    ("ProductFeed", "DELETE", ""): Route(delete_feed, SCOPES),
    ("ProductFeed", "GET", "uploads"): Route(list_uploads, SCOPES),
    ("ProductFeed", "POST", "uploads"): Route(begin_upload, SCOPES),
    ("ProductFeedUpload", "GET", ""): Route(read_upload, SCOPES),
    ("ProductFeedUpload", "GET", "errors"): Route(list_errors, SCOPES),
    ("ProductFeedUploadError", "GET", "samples"): Route(list_samples, SCOPES),
    ("CommercePartnerIntegration", "POST", "file_update"): Route(update_file, INTEGRATION_SCOPES),
}
