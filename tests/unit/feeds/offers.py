"""Promotions that nobody refuses."""

from datetime import UTC, datetime
from typing import Any

from stormcom.facebook.v1.feed_pb2 import Promotion
from stormcom.facebook.v1.money_pb2 import Money

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def bdt(minor_units: int) -> Money:
    """Write an amount."""
    return Money(currency_code="BDT", minor_units=minor_units)


def promotion(promotion_id: str, **changes: Any) -> Promotion:
    """Make a promotion that nobody refuses, with some fields as told; None leaves one out."""
    fields: dict[str, Any] = {
        "title": "Spring",
        "application": Promotion.APPLICATION_SALE,
        "target": Promotion.TARGET_ITEMS,
        "percent_off": 10,
        "start_time": BEGIN,
    }
    return Promotion(promotion_id=promotion_id, **fields | changes)
