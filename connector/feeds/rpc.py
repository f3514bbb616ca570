"""Feeds, their uploads and what goes into them, as callers say them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import TypeVar

from connector.connections.model import Connection
from connector.errors import InvalidInput
from connector.feeds import actions
from connector.feeds.model.navigation import Entry, Menu
from connector.feeds.model.promotions import Application, Promotion, Target
from connector.feeds.model.reviews import Review
from connector.feeds.model.values import MOST_ERRORS, Feed, FeedKind, Upload, shown
from connector.rpc import read, write
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from connector.values import Money
from stormcom.facebook.v1 import feed_pb2
from stormcom.facebook.v1 import feed_service_pb2 as pb

_MOST_REVIEWS = 500
_LONGEST_REVIEW_TITLE, _LONGEST_REVIEW, _LONGEST_NAME, _LONGEST_TITLE = 255, 5_000, 100, 100
_MOST_MENUS, _MOST_ENTRIES, _MOST_LEVELS = 20, 1_000, 5
_MOST_PROMOTIONS, _MOST_OF_PROMOTION, _LONGEST_PROMOTION_TITLE, _LONGEST_CODE, _LONGEST_TERMS = 200, 100, 200, 50, 2_000
_APPLICATIONS = {feed_pb2.Promotion.Application.Value(f"APPLICATION_{one}"): one for one in Application}
_TARGETS = {feed_pb2.Promotion.Target.Value(f"TARGET_{one}"): one for one in Target}
_KINDS = {feed_pb2.FeedKind.Value(f"FEED_KIND_{kind}"): kind for kind in FeedKind}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
K = TypeVar("K", bound=int)
W = TypeVar("W")


async def set_feed(runtime: Runtime, request: pb.SetFeedRequest) -> pb.SetFeedResponse:
    """Switch a feed on or off."""
    integration_id = read.within(request.integration_id, "integration_id", limit=32)
    if integration_id and not (integration_id.isascii() and integration_id.isdecimal()):
        raise InvalidInput.of("integration_id", "FIELD_INVALID", "must be digits, as Meta names the integration")
    connection, feed = await actions.set_feed(
        runtime,
        request.store_id,
        request.connection_id,
        _kind(request.kind),
        enabled=request.enabled,
        integration_id=integration_id,
    )
    return pb.SetFeedResponse(feed=_write_feed(connection, feed, None))


async def list_feeds(runtime: Runtime, request: pb.ListFeedsRequest) -> pb.ListFeedsResponse:
    """Tell the feeds."""
    size, scope = read.page_size(request.page_size), ("feeds", request.store_id, request.connection_id)
    key = read.page_token(request.page_token, *scope, parts=1)
    connection, feeds = await actions.list_feeds(runtime, request.store_id, request.connection_id)
    rest = [(feed, last) for feed, last in feeds if not key or _NUMBERS[feed.kind] > int(key[0])]
    page, more = rest[:size], len(rest) > size
    token = read.write_page_token([_NUMBERS[page[-1][0].kind]], *scope) if more else ""
    written = [_write_feed(connection, feed, last) for feed, last in page]
    return pb.ListFeedsResponse(feeds=written, next_page_token=token)


async def upload_feed(runtime: Runtime, request: pb.UploadFeedRequest) -> pb.UploadFeedResponse:
    """Upload a feed now."""
    kind = _kind(request.kind)
    upload = await actions.upload_feed(
        runtime, request.store_id, request.connection_id, kind, request_id=request.request_id
    )
    return pb.UploadFeedResponse(upload=_write_upload(upload))


async def list_feed_uploads(runtime: Runtime, request: pb.ListFeedUploadsRequest) -> pb.ListFeedUploadsResponse:
    """List uploads, newest first."""
    size, scope = read.page_size(request.page_size), ("uploads", request.store_id, request.connection_id, request.kind)
    before = read_place(request.page_token, *scope)
    found = await actions.list_uploads(
        runtime,
        request.store_id,
        request.connection_id,
        _kind(request.kind) if request.kind else None,
        before=before,
        limit=size + 1,
    )
    page, more = found[:size], len(found) > size
    token = write_place(page[-1].create_time, page[-1].id, *scope) if more else ""
    return pb.ListFeedUploadsResponse(uploads=map(_write_upload, page), next_page_token=token)


async def put_reviews(runtime: Runtime, request: pb.PutReviewsRequest) -> pb.PutReviewsResponse:
    """Store reviews."""
    read.entries(request.reviews, "reviews", limit=_MOST_REVIEWS)
    reviews = [_read_review(one, f"reviews[{place}]") for place, one in enumerate(request.reviews)]
    read.distinct((one.review_id for one in reviews), "reviews")
    total = await actions.put_reviews(runtime, request.store_id, request.connection_id, reviews)
    return pb.PutReviewsResponse(review_count=total)


async def delete_reviews(runtime: Runtime, request: pb.DeleteReviewsRequest) -> pb.DeleteReviewsResponse:
    """Forget reviews."""
    read.entries(request.review_ids, "review_ids", limit=_MOST_REVIEWS)
    total = await actions.delete_reviews(runtime, request.store_id, request.connection_id, list(request.review_ids))
    return pb.DeleteReviewsResponse(review_count=total)


async def put_navigation(runtime: Runtime, request: pb.PutNavigationRequest) -> pb.PutNavigationResponse:
    """Store the menus of the shop."""
    for place, menu in enumerate(read.entries(request.menus, "menus", limit=_MOST_MENUS)):
        read.storable(menu, f"menus[{place}].")
    numbers = count(1)
    menus = [
        Menu(
            read.foreign_id(menu.handle, f"menus[{place}].handle"),
            read.required(menu.title, f"menus[{place}].title", limit=_LONGEST_TITLE),
            _read_entries(menu.entries, f"menus[{place}].entries", numbers, levels=_MOST_LEVELS),
        )
        for place, menu in enumerate(request.menus)
    ]
    read.distinct((menu.handle for menu in menus), "menus")
    await actions.put_navigation(runtime, request.store_id, request.connection_id, menus)
    return pb.PutNavigationResponse()


async def put_promotions(runtime: Runtime, request: pb.PutPromotionsRequest) -> pb.PutPromotionsResponse:
    """Store the promotions of the store."""
    if request.promotions:
        read.entries(request.promotions, "promotions", limit=_MOST_PROMOTIONS)
    promotions = [_read_promotion(one, f"promotions[{place}]") for place, one in enumerate(request.promotions)]
    read.distinct((one.promotion_id for one in promotions), "promotions")
    await actions.put_promotions(runtime, request.store_id, request.connection_id, promotions)
    return pb.PutPromotionsResponse()


def _read_entries(
    entries: Sequence[feed_pb2.NavigationEntry], path: str, numbers: Iterable[int], *, levels: int
) -> tuple[Entry, ...]:
    if entries and not levels:
        raise InvalidInput.of(path, "FIELD_TOO_LARGE", f"lies deeper than {_MOST_LEVELS} levels", limit=_MOST_LEVELS)
    return tuple(_read_entry(entry, f"{path}[{place}]", numbers, levels=levels) for place, entry in enumerate(entries))


def _read_entry(entry: feed_pb2.NavigationEntry, path: str, numbers: Iterable[int], *, levels: int) -> Entry:
    if next(iter(numbers)) > _MOST_ENTRIES:
        raise InvalidInput.of(path, "FIELD_TOO_LARGE", f"is one more than {_MOST_ENTRIES} entries", limit=_MOST_ENTRIES)
    read.storable(entry, f"{path}.")
    title = read.required(entry.title, f"{path}.title", limit=_LONGEST_TITLE)
    set_id = read.required(entry.set_retailer_id, f"{path}.set_retailer_id", limit=_LONGEST_NAME)
    return Entry(title, set_id, _read_entries(entry.entries, f"{path}.entries", numbers, levels=levels - 1))


def _read_review(review: feed_pb2.Review, path: str) -> Review:
    read.storable(review, f"{path}.")
    if not 1 <= review.rating <= 5:
        raise InvalidInput.of(f"{path}.rating", "FIELD_INVALID", "must be 1 to 5")
    if not review.HasField("create_time"):
        raise InvalidInput.of(f"{path}.create_time", "FIELD_REQUIRED", "is required")
    for name in ("variant_id", "reviewer_id"):
        if value := getattr(review, name):
            read.foreign_id(value, f"{path}.{name}")
    return Review(
        review_id=read.foreign_id(review.review_id, f"{path}.review_id"),
        product_id=read.foreign_id(review.product_id, f"{path}.product_id"),
        variant_id=review.variant_id,
        rating=review.rating,
        title=read.within(review.title, f"{path}.title", limit=_LONGEST_REVIEW_TITLE),
        content=read.required(review.content, f"{path}.content", limit=_LONGEST_REVIEW),
        reviewer_name=read.within(review.reviewer_name, f"{path}.reviewer_name", limit=_LONGEST_NAME),
        reviewer_id=review.reviewer_id,
        verified_purchase=review.verified_purchase,
        incentivized=review.incentivized,
        create_time=read.instant(review.create_time, f"{path}.create_time"),
    )


def _read_promotion(promotion: feed_pb2.Promotion, path: str) -> Promotion:
    read.storable(promotion, f"{path}.")
    percent, amount = _read_value(promotion, path)
    start, end = _read_times(promotion, path)
    application = _word(promotion.application, f"{path}.application", _APPLICATIONS)
    target = _word(promotion.target, f"{path}.target", _TARGETS)
    if application is Application.SALE and target is not Target.ITEMS:
        raise InvalidInput.of(
            f"{path}.target",
            "FIELD_INVALID",
            "must be TARGET_ITEMS with APPLICATION_SALE: a price shows only its item's discount",
        )
    return Promotion(
        promotion_id=read.foreign_id(promotion.promotion_id, f"{path}.promotion_id"),
        title=read.required(promotion.title, f"{path}.title", limit=_LONGEST_PROMOTION_TITLE),
        application=application,
        target=target,
        percent_off=percent,
        amount_off=amount,
        product_ids=_listed(promotion.product_ids, f"{path}.product_ids", limit=64),
        set_retailer_ids=_listed(promotion.set_retailer_ids, f"{path}.set_retailer_ids", limit=_LONGEST_NAME),
        coupon_codes=_read_codes(promotion, path, needed=application is Application.CODE),
        public_coupon_code=promotion.public_coupon_code,
        start_time=start,
        end_time=end,
        min_subtotal=_read_least(promotion, path, amount),
        min_quantity=_number(promotion.min_quantity, f"{path}.min_quantity"),
        redeem_limit_per_buyer=_number(promotion.redeem_limit_per_buyer, f"{path}.redeem_limit_per_buyer"),
        usage_limit=_number(promotion.usage_limit, f"{path}.usage_limit"),
        terms=read.within(promotion.terms, f"{path}.terms", limit=_LONGEST_TERMS),
        exclude_sale_priced=promotion.exclude_sale_priced,
    )


def _read_value(promotion: feed_pb2.Promotion, path: str) -> tuple[int, Money | None]:
    match promotion.WhichOneof("value"):
        case "amount_off":
            amount = read.money(promotion.amount_off, f"{path}.amount_off")
            if not amount.minor_units:
                raise InvalidInput.of(f"{path}.amount_off.minor_units", "FIELD_INVALID", "must be more than nothing")
            return 0, amount
        case "percent_off" if not 1 <= promotion.percent_off <= 100:
            raise InvalidInput.of(f"{path}.percent_off", "FIELD_INVALID", "must be 1 to 100")
        case "percent_off":
            return promotion.percent_off, None
    raise InvalidInput.of(f"{path}.value", "FIELD_REQUIRED", "is required: percent_off or amount_off")


def _read_least(promotion: feed_pb2.Promotion, path: str, amount: Money | None) -> Money | None:
    if not promotion.HasField("min_subtotal"):
        return None
    least = read.money(promotion.min_subtotal, f"{path}.min_subtotal")
    if amount and least.currency_code != amount.currency_code:
        message = f"must be in {amount.currency_code}, as amount_off"
        raise InvalidInput.of(f"{path}.min_subtotal.currency_code", "CURRENCY_MISMATCH", message)
    return least


def _read_times(promotion: feed_pb2.Promotion, path: str) -> tuple[datetime, datetime | None]:
    if not promotion.HasField("start_time"):
        raise InvalidInput.of(f"{path}.start_time", "FIELD_REQUIRED", "is required")
    start = read.instant(promotion.start_time, f"{path}.start_time")
    if not promotion.HasField("end_time"):
        return start, None
    end = read.instant(promotion.end_time, f"{path}.end_time")
    if end <= start:
        raise InvalidInput.of(f"{path}.end_time", "FIELD_INVALID", "must be after start_time")
    return start, end


def _read_codes(promotion: feed_pb2.Promotion, path: str, *, needed: bool) -> tuple[str, ...]:
    codes = _listed(promotion.coupon_codes, f"{path}.coupon_codes", limit=_LONGEST_CODE)
    if needed and not codes:
        raise InvalidInput.of(f"{path}.coupon_codes", "FIELD_REQUIRED", "needs at least one entry: buyers give a code")
    if codes and not needed:
        raise InvalidInput.of(f"{path}.coupon_codes", "FIELD_INVALID", "must be empty: nobody is asked for a code")
    if promotion.public_coupon_code and promotion.public_coupon_code not in codes:
        raise InvalidInput.of(f"{path}.public_coupon_code", "FIELD_INVALID", "must be one of coupon_codes")
    return codes


def _listed(words: Sequence[str], path: str, *, limit: int) -> tuple[str, ...]:
    if words:
        read.entries(words, path, limit=_MOST_OF_PROMOTION)
        read.distinct(words, path)
    return tuple(read.required(word, f"{path}[{place}]", limit=limit) for place, word in enumerate(words))


def _word(given: K, path: str, words: Mapping[K, W]) -> W:
    if not given:
        raise InvalidInput.of(path, "FIELD_REQUIRED", "is required")
    if given not in words:
        raise InvalidInput.of(path, "FIELD_INVALID", "is not one of its words")
    return words[given]


def _number(given: int, path: str) -> int:
    if given < 0:
        raise InvalidInput.of(path, "FIELD_INVALID", "must not be negative")
    return given


def _kind(given: feed_pb2.FeedKind.ValueType) -> FeedKind:
    if not given:
        raise InvalidInput.of("kind", "FIELD_REQUIRED", "is required")
    if given not in _KINDS:
        raise InvalidInput.of("kind", "FIELD_INVALID", "is not a kind of feed")
    return _KINDS[given]


def _write_feed(connection: Connection, feed: Feed, last: Upload | None) -> feed_pb2.Feed:
    return feed_pb2.Feed(
        kind=_NUMBERS[feed.kind],
        enabled=feed.enabled,
        integration_id=feed.integration_id,
        meta_feed_id=feed.meta_feed_id,
        last_upload=_write_upload(last) if last else None,
        manage_url=_manage_url(connection, feed.kind),
    )


def _manage_url(connection: Connection, kind: FeedKind) -> str:
    # Unverified: where Commerce Manager shows data sources, and the shop's navigation.
    if kind is FeedKind.NAVIGATION:
        return f"https://business.facebook.com/commerce/?business_id={connection.business_id}"
    catalog_id = connection.catalog_id
    return f"https://business.facebook.com/commerce/catalogs/{catalog_id}/feeds" if catalog_id else ""


def _write_upload(upload: Upload) -> feed_pb2.FeedUpload:
    findings = upload.findings
    return feed_pb2.FeedUpload(
        upload_id=str(upload.id),
        kind=_NUMBERS[upload.kind],
        state=feed_pb2.FeedUpload.State.Value(f"STATE_{upload.state}"),
        reason=upload.reason,
        message=upload.message,
        row_count=upload.row_count,
        size_bytes=upload.size_bytes,
        meta_upload_id=upload.meta_upload_id,
        detected_count=findings.detected,
        persisted_count=findings.persisted,
        invalid_count=findings.invalid,
        deleted_count=findings.deleted,
        errors=[feed_pb2.FeedUploadError(**one) for one in shown(findings.errors[:MOST_ERRORS])],
        create_time=write.instant(upload.create_time),
        fetch_time=write.instant(upload.fetch_time),
        end_time=write.instant(upload.end_time),
    )
