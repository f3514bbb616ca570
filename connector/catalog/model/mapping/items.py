"""A product into items: what they share is written once, what is each variant's own, for each."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from connector.catalog.model.mapping.details import write_details, write_weight
from connector.catalog.model.mapping.fields import image_links, link, long_text, short_text
from connector.catalog.model.mapping.findings import Findings
from connector.catalog.model.mapping.group import check_group, write_options
from connector.catalog.model.mapping.prices import currency_of, read_prices
from connector.catalog.model.options import AGE_GROUPS, GENDERS, age_group_of, gender_of
from connector.catalog.model.terms import barcode, category_path
from connector.catalog.model.text import calm, visible
from connector.catalog.model.values import Draft, Product, ProductStatus, Variant
from connector.registry.model import LARGEST_QUANTITY, ItemFault, item_group_id, retailer_id
from connector.values import Money

# https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21)
# Unverified: 150 characters of title; Meta's pages name 100, 150 and 200.
_LONGEST_TITLE, _SHOWN_TITLE, _LONGEST_DESCRIPTION = 150, 100, 5_000
_LONGEST_BRAND = _LONGEST_NUMBER = _LONGEST_ID = 100
_LONGEST_CATEGORY = 250
_MOST_IMAGES = 21
_NOT_FOR_SALE = (ProductStatus.DRAFT, ProductStatus.ARCHIVED)
# facebook-for-woocommerce a1e17a8, fbproduct.php: always sent, so that showing an item again needs nothing else.
_VISIBILITY = {ProductStatus.HIDDEN: "hidden"}


def write_items(product: Product, *, currency_code: str = "") -> tuple[Draft, ...]:
    """Write a product's items; none when it is not for sale. `currency_code` is what the store's other products cost in."""
    if product.status in _NOT_FOR_SALE:
        return ()
    currency_code = currency_code or currency_of(product)
    shared = Findings()
    fields = _shared_fields(product, shared, currency_code)
    grouped = len(product.variants) > 1
    apart = check_group(product.variants) if grouped else {}
    drafts = []
    for variant in product.variants:
        own = Findings(shared)
        if apart and variant.variant_id in apart:
            own += apart[variant.variant_id]
        price, compare_at = read_prices(product, variant, own, currency_code)
        content = _content(product, variant, fields, own)
        drafts.append(_draft(product, variant, content, own, price=price, compare_at_price=compare_at))
    return tuple(drafts)


def _draft(
    product: Product,
    variant: Variant,
    content: dict[str, Any],
    findings: Findings,
    *,
    price: Money | None,
    compare_at_price: Money | None,
) -> Draft:
    quantity = variant.quantity if variant.track_inventory else 0
    if not 0 <= quantity <= LARGEST_QUANTITY:
        quantity = 0
        findings.refuse(
            f"{variant.path}quantity", "FIELD_INVALID", f"must be 0 to {LARGEST_QUANTITY}", variant.quantity
        )
    return Draft(  # in the order of its class
        variant.variant_id,
        content["title"],
        None if findings and findings.refused else orjson.dumps(content).decode(),
        price,
        compare_at_price,
        product.sale_start_time,
        product.sale_end_time,
        variant.track_inventory,
        quantity,
        product.discontinued,
        tuple(findings),
        variant.sku and short_text(variant.sku, f"{variant.path}sku", _LONGEST_ID, findings),
    )


def _shared_fields(product: Product, findings: Findings, currency_code: str) -> dict[str, Any]:
    """Write what all items of a product share."""
    if product.status is ProductStatus.UNSPECIFIED:
        findings.refuse("status", "FIELD_REQUIRED", "is required: DRAFT, ACTIVE, HIDDEN or ARCHIVED")
    if (start := product.sale_start_time) and (end := product.sale_end_time) and end <= start:
        findings.refuse("sale_end_time", "SALE_WINDOW_INVALID", "must be after sale_start_time", end.isoformat())
    title = _title(product.title, findings)
    labels = product.brand, product.categories, product.google_product_category, product.fb_product_category
    kind, faults = _kind(product.condition, *labels)
    findings += faults
    fields = {
        "title": title,
        "description": _description(product.description, findings) or calm(title, _LONGEST_TITLE),
        "visibility": _VISIBILITY.get(product.status, "published"),
        **kind,
    }
    if product.gender or product.age_group:
        fields |= _people(product, findings)
    if len(product.variants) > 1:
        fields["item_group_id"] = item_group_id(product.product_id)
    if product.details:
        fields |= write_details(product.details, findings, currency_code)
    return fields


def _title(raw: str, findings: Findings) -> str:
    before = len(findings)
    title = long_text(raw, "title", _LONGEST_TITLE, findings)
    if not visible(title):
        findings.refuse("title", "FIELD_REQUIRED", "is required")
    elif len(title) > _SHOWN_TITLE and len(findings) == before:
        rule = f"has {len(title)} characters; Meta asks for at most {_SHOWN_TITLE} and may show no more: shorten it"
        findings.warn("title", "TEXT_LONG", rule)
    return title


def _description(raw: str, findings: Findings) -> str:
    """Write a description. Meta wants none in capitals only."""
    # https://developers.facebook.com/docs/commerce-platform/catalog/fields (read 2026-11-21)
    said = long_text(raw, "description", _LONGEST_DESCRIPTION, findings)
    calmed = calm(said, _LONGEST_DESCRIPTION)
    if calmed is not said:
        findings.warn(
            "description", "TEXT_CALMED", "was in capitals only, which Meta refuses, and is sent in small letters", said
        )
    return calmed if visible(calmed) else ""


@lru_cache(maxsize=4_096)
def _kind(
    condition: str, brand: str, categories: tuple[str, ...], google: str, facebook: str
) -> tuple[Mapping[str, str], Sequence[ItemFault]]:
    """Write what many products of a store have in common, and tell what is wrong with it."""
    findings = Findings()
    if not condition:
        rule = "must be NEW, REFURBISHED or USED, or unset for NEW; this connector knows no other"
        findings.refuse("condition", "FIELD_INVALID", rule)
    fields = {
        "condition": condition,
        "brand": short_text(brand, "brand", _LONGEST_BRAND, findings, required=True),
        # Unverified: that an empty text clears an optional field; facebook-for-woocommerce relies on it.
        "product_type": category_path(categories),
        "google_product_category": short_text(google, "google_product_category", _LONGEST_CATEGORY, findings),
        "fb_product_category": short_text(facebook, "fb_product_category", _LONGEST_CATEGORY, findings),
    }
    return fields, findings


def _people(product: Product, findings: Findings) -> dict[str, str]:
    """Write whom a product is for."""
    fields = {}
    for name, word, read, allowed in (
        ("gender", product.gender, gender_of, GENDERS),
        ("age_group", product.age_group, age_group_of, AGE_GROUPS),
    ):
        if word:
            fields[name] = read(word) or word
            if read(word) is None:
                findings.refuse(name, "FIELD_INVALID", f"must be one of {', '.join(allowed)}, or empty", word)
    return fields


def _content(product: Product, variant: Variant, shared: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """Write an item: what its product's items share, and what is its own. An empty text clears the field at Meta."""
    page = _page(product, variant, findings)
    images = _images(product, variant, findings)
    content = {
        **shared,
        "link": page,
        "image_link": images[0] if images else "",
        "additional_image_link": images[1:],
        **write_options(variant, findings),
        "gtin": _gtin(variant, findings) if variant.gtin else "",
        "mpn": variant.mpn and short_text(variant.mpn, f"{variant.path}mpn", _LONGEST_NUMBER, findings),
    }
    if variant.shipping_weight or (product.details and product.details.shipping_weight):
        content["shipping_weight"] = _weight(product, variant, findings)
    if variant.previous_id:
        content["previous_id"] = _previous_id(product, variant, findings)
    return content


def _page(product: Product, variant: Variant, findings: Findings) -> str:
    if variant.link:
        return link(variant.link, f"{variant.path}link", findings)
    if not product.link:
        findings.refuse("link", "FIELD_REQUIRED", "is required")
        return ""
    return link(product.link, "link", findings)


def _images(product: Product, variant: Variant, findings: Findings) -> list[str]:
    path = f"{variant.path}image_links" if variant.image_links else "image_links"
    links = variant.image_links or product.image_links
    if not links:
        findings.refuse(path, "FIELD_REQUIRED", "needs at least one image")
    return image_links(links, path, _MOST_IMAGES, findings)


def _gtin(variant: Variant, findings: Findings) -> str:
    gtin = barcode(variant.gtin)
    if gtin is None:
        rule = "must be a GTIN-8, -12, -13 or -14 with a right check digit, and is not sent"
        findings.warn(f"{variant.path}gtin", "GTIN_INVALID", rule, variant.gtin)
    return gtin or ""


def _weight(product: Product, variant: Variant, findings: Findings) -> str:
    if variant.shipping_weight:
        return write_weight(variant.shipping_weight, f"{variant.path}shipping_weight", findings)
    weight = product.details and product.details.shipping_weight
    return write_weight(weight, "shipping_weight", findings) if weight else ""


def _previous_id(product: Product, variant: Variant, findings: Findings) -> str:
    """Take the id as it is: it is another tool's, and means another item when it is cleaned."""
    path, before = f"{variant.path}previous_id", variant.previous_id
    if len(before) > _LONGEST_ID or not before.isprintable():
        rule = f"must be the id of an item: at most {_LONGEST_ID} characters, none of them a control"
        findings.refuse(path, "FIELD_INVALID", rule, before)
    elif before == retailer_id(product.product_id, variant.variant_id):
        findings.refuse(path, "FIELD_INVALID", "must be the id of another item, which this one continues", before)
    return before
