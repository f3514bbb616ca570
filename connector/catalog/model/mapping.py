"""Checks a product, names every wrong field, and writes its items the way Meta reads them.

An item with an error has no content: what stands at Meta stays. Warnings travel along. The text written is canonical, so
its hash changes exactly when something Meta sees changes.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from connector.catalog.model.terms import AXES, axes, barcode, category_path
from connector.catalog.model.text import calm, clean, cut
from connector.catalog.model.values import Draft, Product, ProductStatus, Variant
from connector.registry.model import LARGEST_QUANTITY, ItemFault, Severity, item_group_id
from connector.values import Money, decimals_of

MAPPING = b"1"
"""Grows with every change of what this module writes: stored digests include it, so that products are mapped anew."""

# https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21)
# Unverified: 150 characters of title; Meta's pages name 100, 150 and 200.
_LONGEST = {
    "title": 150,
    "description": 5_000,
    "brand": 100,
    "mpn": 100,
    "google_product_category": 250,
    "fb_product_category": 250,
}
_MOST_IMAGES = 21
_NOT_FOR_SALE = (ProductStatus.DRAFT, ProductStatus.ARCHIVED)
_GENDERS = ("male", "female", "unisex")
_AGE_GROUPS = ("newborn", "infant", "toddler", "kids", "teen", "adult", "all ages")
_URL = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#]\S*)?", re.IGNORECASE)


class _Findings(list[ItemFault]):
    """Collects what is wrong with one product, by path."""

    def refuse(self, path: str, reason: str, message: str) -> None:
        self.append(ItemFault(Severity.ERROR, reason, path, f"{path}: {message}"))

    def warn(self, path: str, reason: str, message: str) -> None:
        self.append(ItemFault(Severity.WARNING, reason, path, f"{path}: {message}"))

    @property
    def refused(self) -> bool:
        return any(fault.severity is Severity.ERROR for fault in self)


def write_items(product: Product, *, currency_code: str = "") -> tuple[Draft, ...]:
    """Write a product's items; none when it is not for sale. `currency_code` is what the store's other products cost in."""
    if product.status in _NOT_FOR_SALE:
        return ()
    shared = _Findings()
    if product.status is ProductStatus.UNSPECIFIED:
        shared.refuse("status", "FIELD_REQUIRED", "is required: DRAFT, ACTIVE or ARCHIVED")
    fields = _shared_fields(product, shared)
    twins = _twins(product.variants) if product.grouped and len(product.variants) > 1 else set()
    drafts = []
    for variant in product.variants:
        own = _Findings(shared)
        if variant.variant_id in twins:
            own.refuse(f"{variant.path}options", "VARIANT_OPTIONS_MISSING", "must tell this variant from its siblings")
        price, compare_at = _prices(product, variant, own, currency_code)
        content = _content(product, variant, fields, own)
        drafts.append(_draft(product, variant, content, own, price=price, compare_at_price=compare_at))
    return tuple(drafts)


def _draft(
    product: Product,
    variant: Variant,
    content: dict[str, Any],
    findings: _Findings,
    *,
    price: Money | None,
    compare_at_price: Money | None,
) -> Draft:
    if variant.track_inventory and not 0 <= variant.quantity <= LARGEST_QUANTITY:
        findings.refuse(f"{variant.path}quantity", "FIELD_INVALID", f"must be 0 to {LARGEST_QUANTITY}")
    return Draft(  # in the order of its class
        variant.variant_id,
        content["title"],
        None if findings and findings.refused else orjson.dumps(content).decode(),
        price,
        compare_at_price,
        product.sale_start_time,
        product.sale_end_time,
        variant.track_inventory,
        min(max(variant.quantity, 0), LARGEST_QUANTITY) if variant.track_inventory else 0,
        product.discontinued,
        tuple(findings),
    )


def _shared_fields(product: Product, findings: _Findings) -> dict[str, str]:
    """Write what all items of a product share; an empty text clears the field at Meta."""
    title = _text(product.title, "title", findings)
    description = _text(product.description, "description", findings) or title
    if not title:
        findings.refuse("title", "FIELD_REQUIRED", "is required")
    if (start := product.sale_start_time) and (end := product.sale_end_time) and end <= start:
        findings.refuse("sale_end_time", "SALE_WINDOW_INVALID", "must be after sale_start_time")
    labels = product.brand, product.categories, product.google_product_category, product.fb_product_category
    kind, faults = _kind(product.condition, *labels)
    findings += faults
    fields = {
        "title": title,
        # https://developers.facebook.com/docs/commerce-platform/catalog/fields (read 2026-11-21): not in capitals only.
        "description": calm(description, _LONGEST["description"]),
        **kind,
    }
    for name, word, allowed in (("gender", product.gender, _GENDERS), ("age_group", product.age_group, _AGE_GROUPS)):
        if word:
            fields[name] = word
            if word not in allowed:
                findings.refuse(name, "FIELD_INVALID", f"must be one of {', '.join(allowed)}, or empty")
    if product.grouped:
        fields["item_group_id"] = item_group_id(product.product_id)
    return fields


@lru_cache(maxsize=4_096)
def _kind(
    condition: str, brand: str, categories: tuple[str, ...], google: str, facebook: str
) -> tuple[Mapping[str, str], Sequence[ItemFault]]:
    """Write what many products of a store have in common, and tell what is wrong with it."""
    findings = _Findings()
    fields = {
        "condition": condition,
        "brand": _limited(brand, "brand", findings, required=True),
        # Unverified: that an empty text clears an optional field; facebook-for-woocommerce relies on it.
        "product_type": category_path(categories),
        "google_product_category": _limited(google, "google_product_category", findings),
        "fb_product_category": _limited(facebook, "fb_product_category", findings),
    }
    return fields, findings


def _content(product: Product, variant: Variant, shared: Mapping[str, str], findings: _Findings) -> dict[str, Any]:
    """Write an item: what its product's items share, and what is its own."""
    link, link_path = (variant.link, f"{variant.path}link") if variant.link else (product.link, "link")
    if not link:
        findings.refuse("link", "FIELD_REQUIRED", "is required")
    elif not _URL.fullmatch(link):
        findings.refuse(link_path, "LINK_NOT_ABSOLUTE", "must be an absolute http or https URL")
    images = _images(product, variant, findings)
    options = variant.options
    attributes, shortened = _attributes(tuple([(name, options[name]) for name in options]))
    for axis in shortened:
        findings.warn(f"{variant.path}options", "TEXT_TRUNCATED", f"{axis} was cut to {AXES[axis]} characters")
    return {
        **shared,
        "link": link,
        "image_link": images[0] if images else "",
        "additional_image_link": images[1:],
        **attributes,
        "gtin": _gtin(variant, findings) if variant.gtin else "",
        "mpn": _limited(variant.mpn, "mpn", findings, path=variant.path),
    }


@lru_cache(maxsize=4_096)
def _attributes(options: tuple[tuple[str, str], ...]) -> tuple[Mapping[str, str], Sequence[str]]:
    """Write options, of which a store has few, and tell which axes are cut."""
    known, rest = axes(dict(options))
    fields = {axis: cut(known.get(axis, ""), longest) for axis, longest in AXES.items()}
    return fields | {"additional_variant_attribute": rest}, [axis for axis in known if fields[axis] != known[axis]]


def _text(raw: str, name: str, findings: _Findings) -> str:
    """Clean a long text and cut it to what Meta takes."""
    whole = clean(raw, lines=name == "description")
    short = cut(whole, _LONGEST[name])
    if short != whole:
        findings.warn(name, "TEXT_TRUNCATED", f"was cut to {_LONGEST[name]} characters")
    return short


def _limited(raw: str, name: str, findings: _Findings, *, path: str = "", required: bool = False) -> str:
    """Clean a short text that is not worth cutting: too long is wrong."""
    if not raw and not required:
        return ""
    text = clean(raw)
    if not text and required:
        findings.refuse(f"{path}{name}", "FIELD_REQUIRED", "is required")
    if len(text) > _LONGEST[name]:
        findings.refuse(f"{path}{name}", "FIELD_TOO_LONG", f"has {len(text)} characters; {_LONGEST[name]} are allowed")
    return text


def _images(product: Product, variant: Variant, findings: _Findings) -> list[str]:
    path = f"{variant.path}image_links" if variant.image_links else "image_links"
    links = list(dict.fromkeys(variant.image_links or product.image_links))
    if not links:
        findings.refuse(path, "FIELD_REQUIRED", "needs at least one image")
    for place, link in enumerate(links):
        if not _URL.fullmatch(link):
            findings.refuse(f"{path}[{place}]", "IMAGE_LINK_NOT_ABSOLUTE", "must be an absolute http or https URL")
    if len(links) > _MOST_IMAGES:
        findings.warn(path, "IMAGES_DROPPED", f"has {len(links)} images; the first {_MOST_IMAGES} are sent")
    return links[:_MOST_IMAGES]


def _gtin(variant: Variant, findings: _Findings) -> str:
    gtin = barcode(variant.gtin)
    if gtin is None:
        message = "is no GTIN-8, -12, -13 or -14 with a right check digit and is not sent"
        findings.warn(f"{variant.path}gtin", "GTIN_INVALID", message)
    return gtin or ""


def _prices(
    product: Product, variant: Variant, findings: _Findings, currency_code: str
) -> tuple[Money | None, Money | None]:
    """Find the price and the price before a reduction: the variant's pair, else the product's."""
    path, price, compare_at = variant.path, variant.price, variant.compare_at_price
    if price is None:
        path, price, compare_at = "", product.price, product.compare_at_price
    if price is None:
        findings.refuse(f"{path}price", "FIELD_REQUIRED", "is required")
        return None, None
    before = len(findings)
    _check_amount(price, f"{path}price", findings)
    if currency_code and price.currency_code != currency_code:
        message = f"is in {price.currency_code}, the store's other products are in {currency_code}; a snapshot can change the currency"
        findings.refuse(f"{path}price", "CURRENCY_MISMATCH", message)
    if compare_at is not None:
        _check_amount(compare_at, f"{path}compare_at_price", findings)
        if compare_at.currency_code != price.currency_code:
            findings.refuse(f"{path}compare_at_price", "CURRENCY_MISMATCH", "must be in the currency of the price")
    return (price, compare_at) if len(findings) == before else (None, None)


def _check_amount(amount: Money, path: str, findings: _Findings) -> None:
    if decimals_of(amount.currency_code) is None:
        message = f"{amount.currency_code or 'an empty code'} is not an ISO 4217 currency"
        findings.refuse(f"{path}.currency_code", "CURRENCY_UNKNOWN", message)
    elif amount.minor_units <= 0:
        findings.refuse(path, "PRICE_NOT_POSITIVE", "must be above zero")


def _twins(variants: Sequence[Variant]) -> set[str]:
    """Find the variants that nothing tells apart: without options, or with those of an earlier sibling."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    found = set()
    for variant in variants:
        key = tuple(sorted((name.casefold(), value) for name, value in variant.options.items() if value.strip()))
        if not key or key in seen:
            found.add(variant.variant_id)
        seen.add(key)
    return found
