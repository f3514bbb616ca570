"""What few products say of themselves: rich text, labels, shipping, films, links into apps, origin.

Every field here is one of Meta's items_batch fields.
https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21)
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connector.catalog.model.mapping.fields import link, short_text
from connector.catalog.model.mapping.findings import Findings
from connector.catalog.model.terms import COUNTRIES, day, thousandths
from connector.catalog.model.text import enrich
from connector.catalog.model.values import AppLink, Details, Importer, Media, Rating, ShippingPrice, Weight
from connector.categories.model.placing import LABEL
from connector.values import Money, decimals_of

_LONGEST_RICH_TEXT = 9_999
# Meta takes 5,000 labels; the rest is for those of up to 50 categories, each in at most 20.
_MOST_LABELS, _LONGEST_LABEL, _PLACES, _LONGEST_CUSTOM = 4_000, 110, 5, 100
_LARGEST_NUMBER, _FREE = 2**32 - 1, -1
_MOST_PRICES, _MOST_VIDEOS, _MOST_TAGS = 100, 20, 20
# Unverified: Meta names no limits of these.
_LONGEST_NAME, _LONGEST_DEEP_LINK = 200, 2_000
# Unverified: that there are no others; Meta's page lists these and more to come.
_CAPABILITIES = ("marketplace", "buy_on_facebook", "shops", "da", "whatsapp", "ig_product_tagging", "mini_shops")
# SDK 26.0.3, productcatalog.py, create_product: the fields of an app link by platform. Unverified: that items_batch names them alike.
_APPLE = ("ios", "iphone", "ipad")
_STARS = (100, 500)
# Schemes that run or read something on the phone.
_NOT_FOR_APPS = frozenset({"about", "blob", "data", "file", "javascript", "vbscript"})
_DEEP_LINK = re.compile(r"([a-z][a-z0-9+.-]*):[!-~]+", re.IGNORECASE | re.ASCII)


def write_details(details: Details, findings: Findings, currency_code: str) -> dict[str, Any]:
    """Write what there is; what there is not is left out."""
    fields: dict[str, Any] = {
        "rich_text_description": _rich_text(details.rich_text_description, findings),
        "internal_label": _labels(details.internal_labels, findings),
        **_custom_labels(details.custom_labels, findings),
        **_custom_numbers(details.custom_numbers, findings),
        "shipping": _shipping(details.shipping_prices, findings, currency_code),
        "video": _videos(details.videos, findings),
        "applink": _app_links(details.app_links, findings),
        "disabled_capabilities": _capabilities(details.disabled_capabilities, findings),
        "expiration_date": _day(details.expiration_date, findings),
        "origin_country": country(details.origin_country, "origin_country", findings),
        **_importer(details.importer, findings),
        "vendor_id": short_text(details.vendor_id, "vendor_id", _LONGEST_CUSTOM, findings),
        **_rating(details.rating, findings),
    }
    for name in ("mobile_link", "checkout_url"):
        fields[name] = link(raw, name, findings) if (raw := getattr(details, name)) else ""
    said = {name: value for name, value in fields.items() if value not in ("", [], {})}
    return said | _place(details.ordering_index, findings)


def write_weight(weight: Weight, path: str, findings: Findings) -> str:
    """Write a weight with its unit."""
    if weight.milli_units <= 0:
        findings.refuse(f"{path}.milli_units", "FIELD_INVALID", "must be above zero", weight.milli_units)
    if not weight.unit:
        findings.refuse(f"{path}.unit", "FIELD_REQUIRED", "is required: GRAM, KILOGRAM, OUNCE or POUND")
    return f"{thousandths(max(weight.milli_units, 0))} {weight.unit}"


def country(code: str, path: str, findings: Findings) -> str:
    """Read a country code in any case."""
    known = code.strip().upper()
    if known and known not in COUNTRIES:
        findings.refuse(path, "FIELD_INVALID", "must be an ISO 3166 code of two letters, such as BD, or empty", code)
    return known


def _rich_text(raw: str, findings: Findings) -> str:
    text = enrich(raw) if raw else ""
    if len(text) <= _LONGEST_RICH_TEXT:
        return text
    # Half a table or list is worse than none; meta-for-magento2 0d29efe, Tools.php, drops it too.
    rule = f"has {len(text)} characters after cleaning, {_LONGEST_RICH_TEXT} are allowed, and is not sent; shorten it"
    findings.warn("rich_text_description", "TEXT_DROPPED", rule)
    return ""


def _within(entries: Sequence[object], most: int, path: str, findings: Findings) -> None:
    if len(entries) > most:
        findings.refuse(path, "FIELD_TOO_LARGE", f"has {len(entries)} entries, {most} are allowed; send fewer")


def _labels(labels: Sequence[str], findings: Findings) -> list[str]:
    _within(labels, _MOST_LABELS, "internal_labels", findings)
    texts = dict.fromkeys(_label(one, f"internal_labels[{place}]", findings) for place, one in enumerate(labels))
    return [text for text in texts if text]


def _label(raw: str, path: str, findings: Findings) -> str:
    text = short_text(raw, path, _LONGEST_LABEL, findings)
    if not text.startswith(LABEL):
        return text
    rule = f"is not sent: what begins with {LABEL} tells the categories of a product, which category_ids say"
    findings.warn(path, "TEXT_DROPPED", rule, text)
    return ""


def _custom_labels(labels: Sequence[str], findings: Findings) -> dict[str, str]:
    _within(labels, _PLACES, "custom_labels", findings)
    texts = [short_text(one, f"custom_labels[{n}]", _LONGEST_CUSTOM, findings) for n, one in enumerate(labels)]
    return {f"custom_label_{place}": text for place, text in enumerate(texts)}


def _custom_numbers(numbers: Sequence[int], findings: Findings) -> dict[str, int]:
    _within(numbers, _PLACES, "custom_numbers", findings)
    for place, number in enumerate(numbers):
        if number != _FREE and not 0 <= number <= _LARGEST_NUMBER:
            rule = f"must be 0 to {_LARGEST_NUMBER}, or {_FREE} to leave the place free"
            findings.refuse(f"custom_numbers[{place}]", "FIELD_INVALID", rule, number)
    return {f"custom_number_{place}": number for place, number in enumerate(numbers) if number != _FREE}


def _shipping(prices: Sequence[ShippingPrice], findings: Findings, currency_code: str) -> list[dict[str, str]]:
    _within(prices, _MOST_PRICES, "shipping_prices", findings)
    written = []
    for place, one in enumerate(prices):
        path = f"shipping_prices[{place}]"
        if not one.country_code:
            findings.refuse(f"{path}.country_code", "FIELD_REQUIRED", "is required")
        value = _shipping_value(one.price, f"{path}.price", findings, currency_code)
        fields = {
            "shipping_country": country(one.country_code, f"{path}.country_code", findings),
            "shipping_region": short_text(one.region, f"{path}.region", _LONGEST_NAME, findings),
            "shipping_service": short_text(one.service, f"{path}.service", _LONGEST_NAME, findings),
            "shipping_price_value": value,
            "shipping_price_currency": one.price.currency_code if one.price else "",
        }
        written.append({name: text for name, text in fields.items() if text})
    return written


def _shipping_value(price: Money | None, path: str, findings: Findings, currency_code: str) -> str:
    if price is None:
        findings.refuse(path, "FIELD_REQUIRED", "is required; free shipping costs 0")
    elif decimals_of(price.currency_code) is None:
        rule = "must be an ISO 4217 currency in capitals, such as USD"
        findings.refuse(f"{path}.currency_code", "CURRENCY_UNKNOWN", rule, price.currency_code)
    elif currency_code and price.currency_code != currency_code:
        findings.refuse(path, "CURRENCY_MISMATCH", f"must be in {currency_code}, as the price", price.currency_code)
    elif price.minor_units < 0:
        findings.refuse(path, "FIELD_INVALID", "must be 0 or more", price.minor_units)
    else:
        return str(price).partition(" ")[0]
    return ""


def _videos(videos: Sequence[Media], findings: Findings) -> list[dict[str, Any]]:
    _within(videos, _MOST_VIDEOS, "videos", findings)
    return [_video(one, f"videos[{place}]", findings) for place, one in enumerate(videos)]


def _video(video: Media, path: str, findings: Findings) -> dict[str, Any]:
    _within(video.tags, _MOST_TAGS, f"{path}.tags", findings)
    tags = [short_text(one, f"{path}.tags[{n}]", _LONGEST_LABEL, findings) for n, one in enumerate(video.tags)]
    written: dict[str, Any] = {"url": link(video.url, f"{path}.url", findings)}
    return written | {"tag": [tag for tag in tags if tag]} if any(tags) else written


def _app_links(links: Sequence[AppLink], findings: Findings) -> dict[str, str]:
    fields: dict[str, str] = {}
    for place, one in enumerate(links):
        path = f"app_links[{place}]"
        if not one.platform:
            findings.refuse(f"{path}.platform", "FIELD_REQUIRED", "is required: IOS, IPHONE, IPAD or ANDROID")
        elif f"{one.platform}_url" in fields:
            findings.refuse(
                f"{path}.platform", "DUPLICATE_ENTRY", "stands twice; send each platform once", one.platform
            )
        store_id = "app_store_id" if one.platform in _APPLE else "package"
        fields[f"{one.platform}_url"] = _deep_link(one.url, f"{path}.url", findings)
        for name, field in (("app_name", "app_name"), ("app_id", store_id)):
            text = short_text(getattr(one, name), f"{path}.{name}", _LONGEST_NAME, findings, required=True)
            fields[f"{one.platform}_{field}"] = text
        if one.platform in _APPLE and one.app_id and not (one.app_id.isascii() and one.app_id.isdigit()):
            findings.refuse(f"{path}.app_id", "FIELD_INVALID", "must be the number of Apple's store", one.app_id)
    return fields


def _deep_link(raw: str, path: str, findings: Findings) -> str:
    """Take a link of any scheme as it is, for apps have their own."""
    url = raw.strip()
    if not url:
        findings.refuse(path, "FIELD_REQUIRED", "is required")
    elif len(url) > _LONGEST_DEEP_LINK:
        rule = f"has {len(url)} characters, {_LONGEST_DEEP_LINK} are allowed; shorten it"
        findings.refuse(path, "FIELD_TOO_LONG", rule, url)
    elif url[:6].lower() in {"https:", "http:/"}:
        return link(url, path, findings)
    elif not (found := _DEEP_LINK.fullmatch(url)) or found[1].lower() in _NOT_FOR_APPS:
        rule = "must be a link of the app, such as shop://products/1, or https; write spaces and other scripts as %XX"
        findings.refuse(path, "LINK_NOT_ABSOLUTE", rule, url)
    return url


def _capabilities(names: Sequence[str], findings: Findings) -> list[str]:
    for place, name in enumerate(names):
        if name not in _CAPABILITIES:
            rule = f"must be one of {', '.join(_CAPABILITIES)}"
            findings.refuse(f"disabled_capabilities[{place}]", "FIELD_INVALID", rule, name)
    return list(dict.fromkeys(names))


def _day(text: str, findings: Findings) -> str:
    if text and not day(text):
        findings.refuse("expiration_date", "FIELD_INVALID", "must be a day such as 2026-12-31, or empty", text)
    return text


def _importer(importer: Importer | None, findings: Findings) -> Mapping[str, Any]:
    if importer is None:
        return {}
    name = short_text(importer.name, "importer.name", _LONGEST_NAME, findings, required=True)
    parts = {
        part: country(raw, "importer.country_code", findings)
        if part == "country"
        else short_text(raw, f"importer.{part}", _LONGEST_NAME, findings)
        for part, raw in importer.address.items()
    }
    return {"importer_name": name, "importer_address": {part: text for part, text in parts.items() if text}}


def _place(index: int | None, findings: Findings) -> dict[str, Any]:
    if index is None:
        return {}
    if index < 0:
        findings.refuse("ordering_index", "FIELD_INVALID", "must be 0 or more, or unset", index)
    return {"ordering_index": index}


def _rating(rating: Rating | None, findings: Findings) -> Mapping[str, Any]:
    if rating is None or rating.count == 0:
        return {}
    if rating.count < 0:
        findings.refuse("rating.count", "FIELD_INVALID", "must be 0 or more", rating.count)
    if not _STARS[0] <= rating.average_hundredths <= _STARS[1]:
        rule = "must be 100 to 500, hundredths of a star"
        findings.refuse("rating.average_hundredths", "FIELD_INVALID", rule, rating.average_hundredths)
    # Unverified: that it is a number of stars; Meta's page gives the name only.
    return {"rating_count": rating.count, "user_rating": rating.average_hundredths / 100}
