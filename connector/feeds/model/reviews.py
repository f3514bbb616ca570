"""A review, and its row of the ratings and reviews feed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

# facebook-for-woocommerce 0ca45a8, RatingsAndReviewsFeed.php: the header; FeedUploadUtils.php: the two that follow `created_at`.
# Unverified: which of them Meta requires.
HEADER = (
    "aggregator", "store.name", "store.id", "store.storeUrls", "review_id", "rating", "title", "content", "created_at",
    "incentivized", "has_verified_purchase", "reviewer.name", "reviewer.reviewerID", "reviewer.isAnonymous",
    "product.name", "product.url", "product.productIdentifiers.skus",
)  # fmt: skip
_AGGREGATOR = "stormcom"


@dataclass(frozen=True, slots=True)
class Review:
    """What a buyer thinks of a product."""

    review_id: str
    product_id: str
    variant_id: str
    rating: int
    title: str
    content: str
    reviewer_name: str
    reviewer_id: str
    verified_purchase: bool
    incentivized: bool
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review with what the file must say of its product."""

    review: Review
    retailer_id: str
    product_name: str
    product_link: str


def write_row(reviewed: Reviewed, *, store_id: str, store_name: str) -> Sequence[str]:
    """Write a review's row."""
    review, link = reviewed.review, urlsplit(reviewed.product_link)
    return (
        _AGGREGATOR,
        store_name,
        store_id,
        _listed(f"{link.scheme}://{link.netloc}"),
        review.review_id,
        str(review.rating),
        review.title,
        review.content,
        review.create_time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        _flag(review.incentivized),
        _flag(review.verified_purchase),
        review.reviewer_name or "Anonymous",
        review.reviewer_id,
        _flag(not review.reviewer_name),
        reviewed.product_name,
        reviewed.product_link,
        _listed(reviewed.retailer_id),
    )


def _listed(word: str) -> str:
    return f"['{word}']"


def _flag(value: bool) -> str:  # noqa: FBT001 – the value to be written
    return "true" if value else "false"
