"""Shopify's product export: one row per variant or image, the product's own fields on its first row.

The rows of a handle stand together. A variant's id comes from its option values, which are unique within a product and outlive
a change of SKU; a product whose only variant is `Default Title` has none. Stock of an untracked variant, or of one that may be
sold when none is left, is not counted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

from client.catalogues.cells import (
    read_categories,
    read_choice,
    read_labels,
    read_links,
    read_money,
    read_quantity,
    read_truth,
    read_weight,
    unique,
)
from client.catalogues.ids import fit_id
from client.catalogues.rows import Row
from client.catalogues.terms import Listed, Problem, Terms, Unreadable
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.product_pb2 import Product, Variant, Weight

# https://help.shopify.com/en/manual/products/import-export/using-csv (read 2026-11-21)
# Unverified: the names of the newer template, on the left, for the columns of the older one.
NEWER_NAMES = {
    "url handle": "handle",
    "description": "body (html)",
    "published on online store": "published",
    "price": "variant price",
    "compare-at price": "variant compare at price",
    "barcode": "variant barcode",
    "inventory tracker": "variant inventory tracker",
    "inventory quantity": "variant inventory qty",
    "continue selling when out of stock": "variant inventory policy",
    "product image url": "image src",
    "variant image url": "variant image",
}
STATUSES = {
    "active": product_pb2.PRODUCT_STATUS_ACTIVE,
    "draft": product_pb2.PRODUCT_STATUS_DRAFT,
    "archived": product_pb2.PRODUCT_STATUS_ARCHIVED,
}
CONDITIONS = {
    "new": product_pb2.CONDITION_NEW,
    "refurbished": product_pb2.CONDITION_REFURBISHED,
    "used": product_pb2.CONDITION_USED,
}
Step = Callable[[Row, Product, Terms], None]
POLICIES = {"deny": False, "continue": True}
GOOGLE = "google shopping / "


def name_column(written: str) -> str:
    """Return the name this module uses for a column."""
    name = written.lower()
    return NEWER_NAMES.get(name, name)


def read_shopify(rows: Iterable[Row], terms: Terms) -> Iterator[Listed | Problem]:
    """Read an export's rows, named by `name_column`."""
    for handle, group in groupby(rows, lambda row: row.text("handle")):
        yield from _read_product(handle, list(group), terms)


def _read_product(handle: str, rows: Sequence[Row], terms: Terms) -> Iterator[Listed | Problem]:
    problems = [Problem(row.place, "", row.fault) for row in rows if row.fault]
    if not handle:
        problems += [Problem(row.place, "handle", "it is empty, so nobody can say whose row this is") for row in rows]
    if problems:
        yield from problems
        return
    product = Product(product_id=fit_id(handle), source_version=terms.source_version, link=terms.link(handle))
    names = [rows[0].text(f"option{number} name") for number in (1, 2, 3)]
    steps: list[tuple[Row, Step]] = [(rows[0], _describe), *((row, partial(_add_row, names=names)) for row in rows)]
    for row, read in steps:
        try:
            read(row, product, terms)
        except Unreadable as wrong:
            problems.append(Problem(row.place, wrong.field, wrong.why))
    _share_images(product, rows)
    _fold_only_variant(product)
    yield from problems
    if not problems:
        yield Listed(rows[0].place, product)


def _describe(head: Row, product: Product, terms: Terms) -> None:
    """Fill in what the first row says of the whole product."""
    product.title = head.text("title")
    product.description = head.text("body (html)")
    if "<" in product.description:
        product.rich_text_description = product.description
    product.brand = head.text("vendor") or terms.brand
    product.internal_labels.extend(head.read("tags", read_labels) or [])
    labels = [head.text(f"{GOOGLE}custom label {place}") for place in range(5)]
    product.custom_labels.extend(labels if any(labels) else [])
    product.categories.extend(unique([*read_categories(head.text("product category")), head.text("type")]))
    product.google_product_category = head.text(GOOGLE + "google product category")
    product.gender = head.text(GOOGLE + "gender").lower()
    product.age_group = head.text(GOOGLE + "age group").lower()
    product.mpn = head.text(GOOGLE + "mpn")
    product.condition = (
        head.read(GOOGLE + "condition", partial(read_choice, choices=CONDITIONS)) or product_pb2.CONDITION_UNSPECIFIED
    )
    status = head.read("status", partial(read_choice, choices=STATUSES)) or product_pb2.PRODUCT_STATUS_ACTIVE
    if status == product_pb2.PRODUCT_STATUS_ACTIVE and head.read("published", read_truth) is False:
        status = product_pb2.PRODUCT_STATUS_DRAFT
    product.status = status


def _add_row(row: Row, product: Product, terms: Terms, *, names: Sequence[str]) -> None:
    """Add the row's variant, if it has one: rows that only bring an image have no option and no price."""
    values = [row.text(f"option{number} value") for number in (1, 2, 3)]
    if not any(values) and not row.text("variant price"):
        return
    options = {
        name or f"Option{number}": value
        for number, (name, value) in enumerate(zip(names, values, strict=True), 1)
        if value
    }
    variant_id = fit_id(" / ".join(options.values()) or "default")
    if any(variant.variant_id == variant_id for variant in product.variants):
        raise Unreadable("option1 value", f"the product has {' / '.join(options.values())!r} already")
    money = partial(read_money, currency=terms.currency)
    picture = row.text("variant image")
    before = row.read("variant compare at price", money)  # some exports write 0.00 for none
    product.variants.append(
        Variant(
            variant_id=variant_id,
            options=options,
            price=row.read("variant price", money),
            compare_at_price=before if before and before.minor_units else None,
            image_links=[picture] if picture else [],
            gtin=row.text("variant barcode").removeprefix("'"),
            track_inventory=bool(row.text("variant inventory tracker")) and not _sells_on(row),
            quantity=row.read("variant inventory qty", read_quantity) or 0,
            sku=row.text("variant sku").removeprefix("'"),
            shipping_weight=_weight(row),
        )
    )


def _weight(row: Row) -> Weight | None:
    """Read the weight; 0 stands for none."""
    grams = row.text("variant grams")
    weight = row.read("variant grams", lambda text: read_weight(f"{text} g")) if grams else None
    return weight if weight and weight.milli_units else None


def _sells_on(row: Row) -> bool:
    """Tell whether the variant is sold when none is left."""
    return bool(row.read("variant inventory policy", partial(read_choice, choices=POLICIES)))


def _share_images(product: Product, rows: Sequence[Row]) -> None:
    """Give the product its images in their order, and a variant with one of its own the others behind it."""
    placed = [(row.text("image position"), place, row.text("image src")) for place, row in enumerate(rows)]
    placed.sort(key=lambda image: (int(image[0]) if image[0].isdecimal() else len(rows) + 1, image[1]))
    product.image_links.extend(unique([link for _, _, text in placed for link in read_links(text)]))
    for variant in product.variants:
        if variant.image_links:
            own = unique([*variant.image_links, *product.image_links])
            del variant.image_links[:]
            variant.image_links.extend(own)


def _fold_only_variant(product: Product) -> None:
    """Make a product without real options one without variants."""
    if [dict(variant.options) for variant in product.variants] not in ([{"Title": "Default Title"}], [{}]):
        return
    only = product.variants.pop()
    if only.HasField("price"):
        product.price.CopyFrom(only.price)
    if only.HasField("compare_at_price"):
        product.compare_at_price.CopyFrom(only.compare_at_price)
    product.gtin, product.sku = only.gtin, only.sku
    if only.HasField("shipping_weight"):
        product.shipping_weight.CopyFrom(only.shipping_weight)
    product.track_inventory = only.track_inventory
    product.quantity = only.quantity
    if only.image_links:
        del product.image_links[:]
        product.image_links.extend(only.image_links)
