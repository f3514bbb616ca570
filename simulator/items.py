"""What Meta accepts as an item: the items_batch fields with their limits, and the verdict on one record.

`check` names every wrong field in Meta's manner; unknown fields are only a warning.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from simulator.switches import Switches

Check = Callable[[Any, Switches], str | None]

# ISO 4217 currencies whose minor unit is not a hundredth.
EXPONENTS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
PRICE = re.compile(r"(\d{1,12})(?:\.(\d{1,4}))? ([A-Z]{3})")
DATE = re.compile(r"\d{4}-[01]\d-[0-3]\d")
# Either end may be open, as meta-for-magento2 sends it.
MOMENT = rf"({DATE.pattern}(T[0-2]\d:[0-5]\d(:[0-5]\d)?([+-]\d\d:?\d\d|Z)?)?)?"
DATE_RANGE = re.compile(f"{MOMENT}/{MOMENT}")
PAIRS = re.compile(r"[^:,]+:[^,]+(,[^:,]+:[^,]+)*")
WEIGHT = re.compile(r"\d+(\.\d+)? ?(lb|oz|g|kg)")
MAX_IMAGE_URLS = 50
MAX_IMAGES = 21
MAX_LABELS = 5_000
MAX_VIDEOS = 20
COUNTRY = re.compile(r"[A-Z]{2}")
# https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21)
SHIPPING = frozenset(
    {"shipping_country", "shipping_region", "shipping_service", "shipping_price_value", "shipping_price_currency"}
)
# SDK 26.0.3, productitemimporteraddress.py
ADDRESS = frozenset({"street1", "street2", "city", "region", "postal_code", "country"})
# SDK 26.0.3, productcatalog.py, create_product. Unverified: that items_batch takes them inside `applink`.
APP_LINKS = frozenset(
    {f"android_{name}" for name in ("app_name", "class", "package", "url")}
    | {f"{device}_{name}" for device in ("ios", "iphone", "ipad") for name in ("app_name", "app_store_id", "url")}
)


def text(limit: int) -> Check:
    """Accept a string of at most so many characters."""

    def check(value: Any, _switches: Switches) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        return f"must have at most {limit} characters, has {len(value)}" if len(value) > limit else None

    return check


def limited_by(switch: str) -> Check:
    """Accept a string as long as the switch says."""
    return lambda value, switches: text(getattr(switches, switch))(value, switches)


def one_of(*words: str) -> Check:
    """Accept one of these words, in any case, with `_` for a space."""
    allowed = {word.replace("_", " ") for word in words}

    def check(value: Any, _switches: Switches) -> str | None:
        if isinstance(value, str) and value.lower().replace("_", " ") in allowed:
            return None
        return f"must be one of {', '.join(words)}, is {value!r}"

    return check


def _price(value: Any, _switches: Switches) -> str | None:
    if not isinstance(value, str) or not (found := PRICE.fullmatch(value)):
        return f"must be an amount, a space and an ISO currency, as in '9.99 USD'; is {value!r}"
    decimals = len(found[2] or "")
    allowed = EXPONENTS.get(found[3], 2)
    return f"has {decimals} decimals, {found[3]} has {allowed}" if decimals > allowed else None


def _sale_price(value: Any, switches: Switches) -> str | None:
    return None if value == "" else _price(value, switches)


def _url(value: Any, _switches: Switches) -> str | None:
    if isinstance(value, str):
        try:
            parts = urlsplit(value)
        except ValueError:
            return f"must be a valid http or https URL, is {value[:100]!r}"
        if parts.scheme in {"http", "https"} and parts.netloc and not re.search(r"\s", value):
            return None
    return f"must be a valid http or https URL, is {str(value)[:100]!r}"


def _urls(value: Any, switches: Switches) -> str | None:
    if not isinstance(value, list) or len(value) > MAX_IMAGE_URLS:
        return f"must be an array of at most {MAX_IMAGE_URLS} URLs"
    return next((problem for url in value if (problem := _url(url, switches))), None)


def _images(value: Any, switches: Switches) -> str | None:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_IMAGES:
        return f"must be an array of 1 to {MAX_IMAGES} objects with a url"
    urls = [image.get("url") if isinstance(image, dict) else None for image in value]
    return next((problem for url in urls if (problem := _url(url, switches))), None)


def _integer(minimum: int, maximum: int) -> Check:
    def check(value: Any, _switches: Switches) -> str | None:
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return None
        return f"must be an integer from {minimum} to {maximum}, is {value!r}"

    return check


def _matching(pattern: re.Pattern[str], example: str) -> Check:
    def check(value: Any, _switches: Switches) -> str | None:
        if value == "" or (isinstance(value, str) and pattern.fullmatch(value)):
            return None
        return f"must look like '{example}', is {value!r}"

    return check


def _labels(value: Any, _switches: Switches) -> str | None:
    if isinstance(value, list) and len(value) <= MAX_LABELS and all(isinstance(label, str) for label in value):
        # https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21)
        return "labels must have at most 110 characters" if any(len(label) > 110 for label in value) else None
    return f"must be an array of at most {MAX_LABELS} strings"


def _of(kind: type, name: str) -> Check:
    """Accept any value of a JSON type."""
    return lambda value, _switches: None if isinstance(value, kind) else f"must be {name}, is {value!r}"


def _members(allowed: frozenset[str]) -> Check:
    """Accept an object of texts and numbers with these members."""

    def check(value: Any, _switches: Switches) -> str | None:
        if not isinstance(value, dict) or any(isinstance(one, dict | list) for one in value.values()):
            return f"must be an object of texts, is {str(value)[:100]!r}"
        unknown = sorted(value.keys() - allowed)
        return f"has unknown members {', '.join(unknown)}" if unknown else None

    return check


def _videos(value: Any, switches: Switches) -> str | None:
    if not isinstance(value, list) or len(value) > MAX_VIDEOS:
        return f"must be an array of at most {MAX_VIDEOS} objects with a url"
    urls = [video.get("url") if isinstance(video, dict) else None for video in value]
    return next((problem for url in urls if (problem := _url(url, switches))), None)


def _shipping(value: Any, switches: Switches) -> str | None:
    if not isinstance(value, list):
        return "must be an array of objects"
    problems = (_shipping_price(one, switches) for one in value)
    return next((problem for problem in problems if problem), None)


def _shipping_price(value: Any, switches: Switches) -> str | None:
    if problem := _members(SHIPPING)(value, switches):
        return problem
    return _price(f"{value.get('shipping_price_value')} {value.get('shipping_price_currency')}", switches)


def _rating(value: Any, _switches: Switches) -> str | None:
    stars = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 5
    return None if stars else f"must be a number from 0 to 5, is {value!r}"


def _anything(_value: Any, _switches: Switches) -> str | None:
    return None


# https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21)
# Unverified: the limits of title, description (switches), brand, size and mpn.
FIELDS: Mapping[str, Check] = {
    "title": limited_by("max_title"),
    "description": limited_by("max_description"),
    "availability": one_of(
        "in stock", "out of stock", "available for order", "discontinued", "preorder", "pending",
        "mark_as_sold", "mark_as_expired",
    ),
    "condition": one_of(
        "new", "refurbished", "used", "cpo", "open_box_new", "used_fair", "used_good", "used_like_new"
    ),
    "price": _price,
    "link": _url,
    "image": _images,
    "image_link": _url,
    "additional_image_link": _urls,
    "brand": text(100),
    "item_group_id": text(100),
    "sale_price": _sale_price,
    "sale_price_effective_date": _matching(DATE_RANGE, "2026-11-01T12:00-0300/2026-12-01T00:00-0300"),
    "quantity_to_sell_on_facebook": _integer(0, 2**31 - 1),
    "inventory": _integer(0, 2**31 - 1),
    "color": text(100),
    "size": text(100),
    "pattern": text(100),
    "material": text(200),
    "gender": one_of("male", "female", "unisex"),
    "age_group": one_of("newborn", "infant", "toddler", "kids", "adult", "teen", "all ages"),
    "additional_variant_attribute": _matching(PAIRS, "Scent:Fruity,Flavor:Apple"),
    "google_product_category": text(250),
    "fb_product_category": text(250),
    "product_type": text(750),
    "gtin": text(70),
    "mpn": text(100),
    "rich_text_description": text(9_999),
    "short_description": text(1_000),
    "internal_label": _labels,
    **{f"custom_label_{number}": text(100) for number in range(5)},
    **{f"custom_number_{number}": _integer(0, 2**32 - 1) for number in range(5)},
    "expiration_date": _matching(DATE, "2026-12-31"),
    "shipping_weight": _matching(WEIGHT, "10 kg"),
    "status": one_of("active", "archived"),
    "visibility": one_of("published", "hidden", "staging"),
    "mobile_link": _url,
    "checkout_url": _url,
    "shipping": _shipping,
    "video": _videos,
    "disabled_capabilities": _of(list, "an array"),
    "applink": _members(APP_LINKS),
    "importer_address": _members(ADDRESS),
    "importer_name": text(1_000),
    "origin_country": _matching(COUNTRY, "BD"),
    "vendor_id": text(1_000),
    "previous_id": text(100),
    "ordering_index": _integer(0, 2**31 - 1),
    "rating_count": _integer(0, 2**31 - 1),
    "user_rating": _rating,
    **dict.fromkeys(
        ("tax", "commerce_tax_category", "external_variant_id", "external_update_time", "return_policy_days"), _anything
    ),
}  # fmt: skip
REQUIRED = ("title", "description", "availability", "condition", "price", "link", "brand")
CLEARABLE = set(FIELDS) - set(REQUIRED) - {"image_link", "image"}


def check(data: Mapping[str, Any], *, creates: bool, switches: Switches) -> list[str]:
    """Return what is wrong with a record, one message per field; `creates` asks for the required fields too."""
    problems = []
    if creates:
        problems = [_missing(name) for name in REQUIRED if data.get(name) in (None, "")]
        if not data.get("image_link") and not data.get("image"):
            problems.append(_missing("image_link"))
    for name, value in data.items():
        rule = FIELDS.get(name)
        if rule is None or (value in ("", None) and (creates or name in CLEARABLE)):
            continue
        if value in ("", None):
            problems.append(_missing(name))
        elif problem := rule(value, switches):
            problems.append(f"Invalid value for {name}: it {problem}")
    if switches.reject_capitals and _shouts(data.get("description")):
        problems.append("Invalid value for description: it must not be written in capital letters only")
    return problems


def _missing(name: str) -> str:
    return f"A required field is missing: {name}"


def _shouts(description: Any) -> bool:
    """Return whether the description is in capitals only; short ones may be names."""
    # Unverified: the documentation asks for it; whether such items are refused is unknown.
    return isinstance(description, str) and len(description) > 50 and description.isupper()


def unknown_fields(data: Mapping[str, Any]) -> list[str]:
    """Return the names that Meta does not know; they are ignored with a warning."""
    return [name for name in data if name not in FIELDS and name != "id"]


def minor_units(price: str) -> tuple[int, str] | None:
    """Read `9.99 USD` as 999 hundredths and the currency, or None if it is no price."""
    found = PRICE.fullmatch(price)
    if found is None:
        return None
    exponent = EXPONENTS.get(found[3], 2)
    return int(found[1]) * 10**exponent + int((found[2] or "").ljust(exponent, "0")[:exponent] or 0), found[3]


def write_price(amount: int, currency: str) -> str:
    """Write minor units as the items_batch price."""
    exponent = EXPONENTS.get(currency, 2)
    whole, rest = divmod(amount, 10**exponent)
    return f"{whole}.{rest:0{exponent}d} {currency}" if exponent else f"{whole} {currency}"


SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥"}


def display_price(price: str) -> str | None:
    """Write a price as Graph's reads show it: localised, for people, never for computing."""
    read = minor_units(price)
    if read is None:
        return None
    amount, currency = read
    exponent = EXPONENTS.get(currency, 2)
    return f"{SYMBOLS.get(currency, currency)}{amount / 10**exponent:,.{exponent}f}"
