"""What few products say of themselves, as callers say it."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Literal

from connector.catalog.model.values import AppLink, Details, Importer, Media, Rating, ShippingPrice, Weight
from connector.values import Money
from stormcom.facebook.v1 import product_pb2

_said = attrgetter(  # one call instead of one for each
    "rich_text_description",
    "internal_labels",
    "custom_labels",
    "custom_numbers",
    "shipping_prices",
    "videos",
    "app_links",
    "mobile_link",
    "checkout_url",
    "disabled_capabilities",
    "expiration_date",
    "origin_country",
    "vendor_id",
)
_SET: tuple[Literal["shipping_weight", "importer", "ordering_index", "rating"], ...] = (
    "shipping_weight",
    "importer",
    "ordering_index",
    "rating",
)
# https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21): Meta's spelling.
_UNITS: Mapping[int, str] = {
    product_pb2.Weight.UNIT_GRAM: "g",
    product_pb2.Weight.UNIT_KILOGRAM: "kg",
    product_pb2.Weight.UNIT_OUNCE: "oz",
    product_pb2.Weight.UNIT_POUND: "lb",
}
_PLATFORMS: Mapping[int, str] = {
    product_pb2.AppLink.PLATFORM_IOS: "ios",
    product_pb2.AppLink.PLATFORM_IPHONE: "iphone",
    product_pb2.AppLink.PLATFORM_IPAD: "ipad",
    product_pb2.AppLink.PLATFORM_ANDROID: "android",
}
_PARTS = ("street1", "street2", "city", "region", "postal_code")


def read_details(product: product_pb2.Product) -> Details | None:
    """Read what few products have; None when this one has none of it."""
    if not any(_said(product)) and not any(product.HasField(name) for name in _SET):
        return None
    return Details(
        rich_text_description=product.rich_text_description,
        internal_labels=tuple(product.internal_labels),
        custom_labels=tuple(product.custom_labels),
        custom_numbers=tuple(product.custom_numbers),
        shipping_weight=read_weight(product.shipping_weight) if product.HasField("shipping_weight") else None,
        shipping_prices=tuple(map(_read_shipping, product.shipping_prices)),
        videos=tuple(Media(one.url, tuple(one.tags)) for one in product.videos),
        app_links=tuple(map(_read_app_link, product.app_links)),
        mobile_link=product.mobile_link,
        checkout_url=product.checkout_url,
        disabled_capabilities=tuple(product.disabled_capabilities),
        expiration_date=product.expiration_date,
        origin_country=product.origin_country,
        importer=_read_importer(product.importer) if product.HasField("importer") else None,
        vendor_id=product.vendor_id,
        ordering_index=product.ordering_index if product.HasField("ordering_index") else None,
        rating=Rating(product.rating.count, product.rating.average_hundredths) if product.HasField("rating") else None,
    )


def read_weight(weight: product_pb2.Weight) -> Weight:
    """Read a weight."""
    return Weight(weight.milli_units, _UNITS.get(weight.unit, ""))


def _read_shipping(one: product_pb2.ShippingPrice) -> ShippingPrice:
    price = Money(one.price.currency_code, one.price.minor_units) if one.HasField("price") else None
    return ShippingPrice(one.country_code, one.region, one.service, price)


def _read_app_link(one: product_pb2.AppLink) -> AppLink:
    return AppLink(_PLATFORMS.get(one.platform, ""), one.url, one.app_name, one.app_id)


def _read_importer(one: product_pb2.Importer) -> Importer:
    address = {part: getattr(one, part) for part in _PARTS} | {"country": one.country_code}
    return Importer(one.name, {part: text for part, text in address.items() if text})
