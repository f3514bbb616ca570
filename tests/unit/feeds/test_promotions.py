"""Promotions as callers hand them in: what is wrong is refused by its name, before anything else is looked at."""

from typing import Any

import pytest

from connector.errors import InvalidInput
from connector.feeds.rpc import put_promotions
from stormcom.facebook.v1.feed_pb2 import Promotion
from stormcom.facebook.v1.feed_service_pb2 import PutPromotionsRequest
from stormcom.facebook.v1.money_pb2 import Money
from tests.unit.feeds.offers import BEGIN, bdt, promotion

CODE = Promotion.APPLICATION_CODE
MANY = [f"p{number}" for number in range(101)]


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"promotion_id": "ü"}, "FIELD_INVALID", "promotion_id"),
        ({"title": ""}, "FIELD_REQUIRED", "title"),
        ({"title": "x" * 201}, "FIELD_TOO_LONG", "title"),
        ({"application": 0}, "FIELD_REQUIRED", "application"),
        ({"application": 9}, "FIELD_INVALID", "application"),
        ({"target": 0}, "FIELD_REQUIRED", "target"),
        ({"target": Promotion.TARGET_ORDER}, "FIELD_INVALID", "target"),
        ({"percent_off": None}, "FIELD_REQUIRED", "value"),
        ({"percent_off": 0}, "FIELD_INVALID", "percent_off"),
        ({"percent_off": 101}, "FIELD_INVALID", "percent_off"),
        ({"percent_off": None, "amount_off": bdt(0)}, "FIELD_INVALID", "amount_off.minor_units"),
        ({"percent_off": None, "amount_off": Money(currency_code="XXX")}, "CURRENCY_UNKNOWN", "amount_off.currency_code"),
        (
            {"percent_off": None, "amount_off": bdt(1), "min_subtotal": Money(currency_code="USD", minor_units=1)},
            "CURRENCY_MISMATCH", "min_subtotal.currency_code",
        ),
        ({"start_time": None}, "FIELD_REQUIRED", "start_time"),
        ({"end_time": BEGIN}, "FIELD_INVALID", "end_time"),
        ({"application": CODE}, "FIELD_REQUIRED", "coupon_codes"),
        ({"coupon_codes": ["A"]}, "FIELD_INVALID", "coupon_codes"),
        ({"application": CODE, "coupon_codes": ["A", "A"]}, "DUPLICATE_ENTRY", "coupon_codes[1]"),
        ({"application": CODE, "coupon_codes": [""]}, "FIELD_REQUIRED", "coupon_codes[0]"),
        ({"application": CODE, "coupon_codes": ["A"], "public_coupon_code": "B"}, "FIELD_INVALID", "public_coupon_code"),
        ({"application": CODE, "coupon_codes": ["x" * 51]}, "FIELD_TOO_LONG", "coupon_codes[0]"),
        ({"application": CODE, "coupon_codes": MANY}, "FIELD_TOO_LARGE", "coupon_codes"),
        ({"product_ids": MANY}, "FIELD_TOO_LARGE", "product_ids"),
        ({"set_retailer_ids": MANY}, "FIELD_TOO_LARGE", "set_retailer_ids"),
        ({"promotion_id": "x" * 65}, "FIELD_INVALID", "promotion_id"),
        ({"terms": "x" * 2_001}, "FIELD_TOO_LONG", "terms"),
        ({"min_quantity": -1}, "FIELD_INVALID", "min_quantity"),
        ({"terms": "\0"}, "FIELD_INVALID", "terms"),
    ],
)  # fmt: skip
async def test_wrong_promotions_are_refused_by_name(changes: dict[str, Any], reason: str, field: str) -> None:
    """What is missing, too long or wrong is refused with its reason and field."""
    given = promotion(**{"promotion_id": "1"} | changes)
    with pytest.raises(InvalidInput) as refused:
        await put_promotions(None, PutPromotionsRequest(promotions=[given]))  # type: ignore[arg-type] # it comes to nothing
    assert (reason, f"promotions[0].{field}") == (refused.value.reason, refused.value.metadata["field"])


@pytest.mark.parametrize(
    ("ids", "reason", "field"),
    [
        ([str(number) for number in range(201)], "FIELD_TOO_LARGE", "promotions"),
        (["1", "1"], "DUPLICATE_ENTRY", "promotions[1]"),
    ],
)
async def test_promotions_are_at_most_200_and_each_once(ids: list[str], reason: str, field: str) -> None:
    """More than 200 promotions, and one that comes twice, are refused whole."""
    request = PutPromotionsRequest(promotions=[promotion(one) for one in ids])
    with pytest.raises(InvalidInput) as refused:
        await put_promotions(None, request)  # type: ignore[arg-type] # it comes to nothing
    assert (reason, field) == (refused.value.reason, refused.value.metadata["field"])
