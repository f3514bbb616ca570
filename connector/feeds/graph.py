"""How Meta is told about feeds and files, and how its findings are read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from connector.feeds.model.values import MOST_ERRORS, MOST_SAMPLES, FeedError, FeedKind, Findings, Severity
from connector.graph.call import Call, Effect
from connector.registry.graph import catalog_bucket

# SDK 26.0.3, productfeed.py, FeedType
_FEED_TYPES = {
    FeedKind.PRODUCTS: "PRODUCTS",
    FeedKind.RATINGS_AND_REVIEWS: "PRODUCT_RATINGS_AND_REVIEWS",
    FeedKind.PROMOTIONS: "OFFER",
}
# graph-api.md 3.3, as facebook-for-woocommerce and meta-for-magento2 send them
_UPDATE_TYPES = {
    FeedKind.RATINGS_AND_REVIEWS: "PRODUCT_RATINGS_AND_REVIEWS",
    FeedKind.NAVIGATION: "NAVIGATION_MENU",
    FeedKind.PROMOTIONS: "PROMOTIONS",
}
_MOST_FEEDS, _MOST_UPLOADS = 200, 5


class Begun(NamedTuple):
    """An upload as a feed lists it."""

    id: str
    url: str
    ended: bool


def find_feeds(catalog_id: str) -> Call[dict[str, str]]:
    """Read the ids of a catalog's feeds by their names; of two of one name the one listed first."""
    # SDK 26.0.3, productcatalog.py, get_product_feeds
    return Call(
        "GET",
        f"{catalog_id}/product_feeds",
        read=lambda answer: {str(one["name"]): str(one["id"]) for one in reversed(answer["data"])},
        params={"fields": "id,name", "limit": str(_MOST_FEEDS)},
        bucket=catalog_bucket(catalog_id),
    )


def create_feed(catalog_id: str, kind: FeedKind, name: str) -> Call[str]:
    """Create a feed; tells its id."""
    # SDK 26.0.3, productcatalog.py, create_product_feed
    body: dict[str, Any] = {"name": name, "feed_type": _FEED_TYPES[kind], "encoding": "UTF8", "delimiter": "COMMA"}
    return Call(
        "POST",
        f"{catalog_id}/product_feeds",
        read=lambda answer: str(answer["id"]),
        body=body | {"quoted_fields_mode": "ON", "deletion_enabled": kind is not FeedKind.PRODUCTS},
        bucket=catalog_bucket(catalog_id),
        effect=Effect.ONCE,
    )


def last_uploads(catalog_id: str, feed_id: str) -> Call[list[Begun]]:
    """Read the last uploads of a feed."""
    # SDK 26.0.3, productfeed.py, get_uploads. Unverified: that Meta lists the newest first.
    return Call(
        "GET",
        f"{feed_id}/uploads",
        read=lambda answer: [
            Begun(str(one["id"]), str(one.get("url", "")), bool(one.get("end_time"))) for one in answer["data"]
        ],
        params={"fields": "id,url,end_time", "limit": str(_MOST_UPLOADS)},
        bucket=catalog_bucket(catalog_id),
    )


def begin_upload(catalog_id: str, feed_id: str, url: str, *, update_only: bool) -> Call[str]:
    """Have Meta fetch a file; tells the upload's id. With `update_only` nothing that the file lacks is deleted."""
    # SDK 26.0.3, productfeed.py, create_upload
    return Call(
        "POST",
        f"{feed_id}/uploads",
        read=lambda answer: str(answer["id"]),
        body={"url": url, "update_only": update_only},
        bucket=catalog_bucket(catalog_id),
        effect=Effect.ONCE,
    )


def read_upload(catalog_id: str, upload_id: str) -> Call[Findings]:
    """Ask how far an upload is; without its errors."""
    # SDK 26.0.3, productfeedupload.py; graph-api.md 4.9: `end_time` is absent while it runs.
    counts = ("num_detected_items", "num_persisted_items", "num_invalid_items", "num_deleted_items")

    def read(answer: Mapping[str, Any]) -> Findings:
        detected, persisted, invalid, deleted = (int(answer.get(name) or 0) for name in counts)
        return Findings(bool(answer.get("end_time")), detected, persisted, invalid, deleted)

    fields = ",".join(("end_time", *counts))
    return Call("GET", upload_id, read=read, params={"fields": fields}, bucket=catalog_bucket(catalog_id))


def read_errors(catalog_id: str, upload_id: str) -> Call[dict[str, FeedError]]:
    """Read what Meta found in a file, by the errors' ids; without the rows."""
    # SDK 26.0.3, productfeeduploaderror.py
    return Call(
        "GET",
        f"{upload_id}/errors",
        read=lambda answer: {str(one["id"]): _read_error(one) for one in answer["data"]},
        params={"fields": "id,summary,description,severity,error_type,total_count", "limit": str(MOST_ERRORS)},
        bucket=catalog_bucket(catalog_id),
    )


def read_samples(catalog_id: str, error_id: str) -> Call[tuple[str, ...]]:
    """Read which rows have an error, by our own names of them."""
    # SDK 26.0.3, productfeeduploaderrorsample.py
    return Call(
        "GET",
        f"{error_id}/samples",
        read=lambda answer: tuple(str(one["retailer_id"]) for one in answer["data"] if one.get("retailer_id")),
        params={"fields": "retailer_id,row_number", "limit": str(MOST_SAMPLES)},
        bucket=catalog_bucket(catalog_id),
    )


def update_file(integration_id: str, kind: FeedKind, url: str) -> Call[None]:
    """Have Meta fetch a file of a commerce integration; what becomes of it is told nowhere. Repeating it fetches it again."""
    # graph-api.md 3.3, as facebook-for-woocommerce calls it
    return Call(
        "POST",
        f"{integration_id}/file_update",
        read=lambda _: None,
        body={"url": url, "feed_type": _UPDATE_TYPES[kind], "update_type": "CREATE"},
        effect=Effect.REPEATABLE,
        timeout=timedelta(seconds=30),
    )


def _read_error(one: Mapping[str, Any]) -> FeedError:
    severity = Severity.FATAL if str(one.get("severity", "fatal")).lower() == "fatal" else Severity.WARNING
    words = str(one.get("summary") or one.get("description") or "")
    return FeedError(severity, str(one.get("error_type", "")), words, int(one.get("total_count") or 0))
