"""A promotion of the store, and its row of the feed, which Meta calls offers. Buy-x-get-y is not among them.

Meta opens offers on the whole order, and buy-x-get-y, apart from the others ("Build Offers Integration", October 2024: graph-api.md 7).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self

import orjson

from connector.values import Money

# facebook-for-woocommerce, PromotionsFeed: the header (graph-api.md 7). Unverified: which of them Meta requires; lists as JSON, amounts like prices.
HEADER = (
    "offer_id", "title", "value_type", "percent_off", "fixed_amount_off", "application_type", "target_type",
    "target_shipping_option_types", "target_granularity", "target_selection", "start_date_time", "end_date_time",
    "coupon_codes", "public_coupon_code", "target_product_retailer_ids", "target_product_group_retailer_ids",
    "target_product_set_retailer_ids", "redeem_limit_per_user", "min_subtotal", "min_quantity", "offer_terms",
    "exclude_sale_priced_products", "usage_limit",
)  # fmt: skip


class Application(StrEnum):
    """How a buyer gets it."""

    SALE = "SALE"
    AUTOMATIC = "AUTOMATIC"
    CODE = "CODE"


class Target(StrEnum):
    """What becomes cheaper."""

    ITEMS = "ITEMS"
    ORDER = "ORDER"
    SHIPPING = "SHIPPING"


# graph-api.md 7. Unverified: shipping that is less than free; facebook-for-woocommerce has it at 100 percent only.
_APPLICATIONS = {
    Application.SALE: "SALE",
    Application.AUTOMATIC: "AUTOMATIC_AT_CHECKOUT",
    Application.CODE: "BUYER_APPLIED",
}
_TARGETS = {
    Target.ITEMS: ("LINE_ITEM", "ITEM_LEVEL"),
    Target.ORDER: ("LINE_ITEM", "ORDER_LEVEL"),
    Target.SHIPPING: ("SHIPPING", "ORDER_LEVEL"),
}
_MONEY, _TIMES = ("amount_off", "min_subtotal"), ("start_time", "end_time")
_LISTS = ("product_ids", "set_retailer_ids", "coupon_codes")


@dataclass(frozen=True, slots=True)
class Promotion:
    """Something cheaper for a while: by so many percent, or else by an amount."""

    promotion_id: str
    title: str
    application: Application
    target: Target
    percent_off: int
    amount_off: Money | None
    product_ids: tuple[str, ...]
    set_retailer_ids: tuple[str, ...]
    coupon_codes: tuple[str, ...]
    public_coupon_code: str
    start_time: datetime
    end_time: datetime | None
    min_subtotal: Money | None
    min_quantity: int
    redeem_limit_per_buyer: int
    usage_limit: int
    terms: str
    exclude_sale_priced: bool

    def document(self) -> dict[str, Any]:
        """Write it the way it is stored."""
        told: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        told |= {name: list(value) for name in (*_MONEY, *_LISTS) if (value := told[name]) is not None}
        return told

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` wrote."""
        told = dict(document) | {name: tuple(document[name]) for name in _LISTS}
        told |= {name: Money(*value) for name in _MONEY if (value := told[name])}
        told |= {name: datetime.fromisoformat(value) for name in _TIMES if (value := told[name])}
        words = {"application": Application(told["application"]), "target": Target(told["target"])}
        return cls(**told | words)


class Named(NamedTuple):
    """How Meta knows a product: by the group its variants share, or by its only item."""

    retailer_id: str
    in_group: bool


def write_row(promotion: Promotion, names: Mapping[str, Named]) -> Sequence[str] | None:
    """Write a promotion's row; None while it is on products of which Meta knows none."""
    known = [names[one] for one in promotion.product_ids if one in names]
    if promotion.product_ids and not known and not promotion.set_retailer_ids:
        return None
    chosen, (kind, granularity) = bool(known or promotion.set_retailer_ids), _TARGETS[promotion.target]
    cells = {
        "offer_id": promotion.promotion_id,
        "title": promotion.title,
        "value_type": "FIXED_AMOUNT" if promotion.amount_off else "PERCENTAGE",
        "percent_off": _number(promotion.percent_off),
        "fixed_amount_off": _money(promotion.amount_off),
        "application_type": _APPLICATIONS[promotion.application],
        "target_type": kind,
        # Unverified: that it must be said, and that the usual one is meant.
        "target_shipping_option_types": _listed(["STANDARD"] if promotion.target is Target.SHIPPING else []),
        "target_granularity": granularity,
        "target_selection": "SPECIFIC_PRODUCTS" if chosen else "ALL_CATALOG_PRODUCTS",
        "start_date_time": _moment(promotion.start_time),
        "end_date_time": _moment(promotion.end_time),
        "coupon_codes": _listed(promotion.coupon_codes),
        "public_coupon_code": promotion.public_coupon_code,
        "target_product_retailer_ids": _listed(one.retailer_id for one in known if not one.in_group),
        "target_product_group_retailer_ids": _listed(one.retailer_id for one in known if one.in_group),
        "target_product_set_retailer_ids": _listed(promotion.set_retailer_ids),
        "redeem_limit_per_user": _number(promotion.redeem_limit_per_buyer),
        "min_subtotal": _money(promotion.min_subtotal),
        "min_quantity": _number(promotion.min_quantity),
        "offer_terms": promotion.terms,
        "exclude_sale_priced_products": "YES" if promotion.exclude_sale_priced else "NO",
        "usage_limit": _number(promotion.usage_limit),
    }
    return tuple(cells[name] for name in HEADER)


def _number(value: int) -> str:
    return str(value) if value else ""


def _money(value: Money | None) -> str:
    return str(value) if value else ""


def _moment(value: datetime | None) -> str:
    return str(int(value.timestamp())) if value else ""


def _listed(words: Iterable[str]) -> str:
    known = list(dict.fromkeys(words))
    return orjson.dumps(known).decode() if known else ""
