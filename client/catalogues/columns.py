"""Any delimited file, by a mapping from our fields to its columns: one row, one product without variants.

product_id=sku  title=name  price=cost  images=photos  options.Color=colour
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from client.catalogues.cells import (
    read_categories,
    read_choice,
    read_instant,
    read_labels,
    read_links,
    read_money,
    read_quantity,
    read_truth,
    read_weight,
)
from client.catalogues.feed import CONDITIONS
from client.catalogues.ids import fit_id
from client.catalogues.rows import Row
from client.catalogues.shopify import STATUSES
from client.catalogues.terms import CatalogueUnusable, Listed, Problem, Terms, Unreadable
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.product_pb2 import Product

TEXTS = (
    *("title", "description", "link", "brand", "google_product_category", "fb_product_category", "gtin", "mpn", "sku"),
    *("rich_text_description", "mobile_link", "checkout_url", "expiration_date", "origin_country", "vendor_id"),
)
CONVERTERS: Mapping[str, Callable[[str], object]] = {
    "product_id": fit_id,
    **dict.fromkeys(TEXTS, str),
    "gender": str.lower,
    "age_group": str.lower,
    "images": read_links,
    "categories": read_categories,
    "internal_labels": read_labels,
    "shipping_weight": read_weight,
    "quantity": read_quantity,
    "discontinued": read_truth,
    "condition": partial(read_choice, choices=CONDITIONS),
    "status": partial(read_choice, choices=STATUSES),
    "sale_start_time": read_instant,
    "sale_end_time": read_instant,
}
PRICES = ("price", "compare_at_price")
OPTION = "options."
# Where the contract's name is longer than the one people type.
CONTRACT_NAMES = {"images": "image_links"}


def read_mapping(pairs: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Read `field=column` pairs for a file that has these columns.

    Raises:
        CatalogueUnusable: a field or column does not exist, a field stands twice, or the id has none.

    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = (part.strip() for part in pair.partition("="))
        if not equals or not (field in CONVERTERS or field in PRICES or field.removeprefix(OPTION) != field):
            known = ", ".join([*CONVERTERS, *PRICES, OPTION + "<name>"])
            raise CatalogueUnusable(f"--map {pair}: write <field>=<column>, where <field> is one of {known}.")
        if column not in columns:
            raise CatalogueUnusable(f"--map {pair}: the file has no such column; it has {', '.join(columns)}.")
        if field in mapping:
            raise CatalogueUnusable(f"--map {pair}: {field} is mapped to {mapping[field]} already.")
        mapping[field] = column
    if "product_id" not in mapping:
        raise CatalogueUnusable("Say which column tells products apart: --map product_id=<column>.")
    return mapping


def read_columns(rows: Iterable[Row], mapping: Mapping[str, str], terms: Terms) -> Iterator[Listed | Problem]:
    """Read rows whose columns are named as written in the file."""
    for row in rows:
        if row.fault:
            yield Problem(row.place, "", row.fault)
            continue
        try:
            yield Listed(row.place, _read_product(row, mapping, terms))
        except Unreadable as wrong:
            yield Problem(row.place, wrong.field, wrong.why)


def _read_product(row: Row, mapping: Mapping[str, str], terms: Terms) -> Product:
    name = row.text(mapping["product_id"])
    if not name:
        raise Unreadable(mapping["product_id"], "it is empty, so the product has no id")
    money = partial(read_money, currency=terms.currency)
    values: dict[str, Any] = {
        "status": product_pb2.PRODUCT_STATUS_ACTIVE,
        "brand": terms.brand,
        "link": terms.link(name),
    }
    options: dict[str, str] = {}
    for field, column in mapping.items():
        if field.startswith(OPTION):
            options |= {field.removeprefix(OPTION): row.text(column)} if row.text(column) else {}
            continue
        value = row.read(column, money if field in PRICES else CONVERTERS[field])
        if value is not None:
            values[CONTRACT_NAMES.get(field, field)] = value
    return Product(source_version=terms.source_version, options=options, track_inventory="quantity" in values, **values)
