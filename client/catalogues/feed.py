"""Meta and Google feeds: one row per item, `item_group_id` shared by the variants of one product.

Items of a group become one product wherever they stand in the file. Title, description, brand and the sale period are the
product's, taken from its first item; everything else is each variant's own.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from google.protobuf.timestamp_pb2 import Timestamp

from client.catalogues.cells import (
    read_categories,
    read_choice,
    read_labels,
    read_links,
    read_money,
    read_period,
    read_quantity,
    read_weight,
    unique,
)
from client.catalogues.ids import fit_id
from client.catalogues.rows import Row, group_rows
from client.catalogues.terms import Listed, Problem, Terms, Unreadable
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import Media, Product, Variant

# https://developers.facebook.com/docs/marketing-api/catalog/reference (read 2026-11-21): fields and their values;
# the spellings with `_` are Google's, `backorder` too.
SOLD_OUT, SELLING, GIVEN_UP = 1, 2, 3
AVAILABILITY = {
    "in stock": SELLING,
    "available for order": SELLING,
    "preorder": SELLING,
    "backorder": SELLING,
    "out of stock": SOLD_OUT,
    "discontinued": GIVEN_UP,
}
CONDITIONS = {
    "new": product_pb2.CONDITION_NEW,
    "refurbished": product_pb2.CONDITION_REFURBISHED,
    "used": product_pb2.CONDITION_USED,
}
STATUSES = {
    "active": product_pb2.PRODUCT_STATUS_ACTIVE,
    "published": product_pb2.PRODUCT_STATUS_ACTIVE,
    "hidden": product_pb2.PRODUCT_STATUS_HIDDEN,
    "staging": product_pb2.PRODUCT_STATUS_DRAFT,
    "archived": product_pb2.PRODUCT_STATUS_ARCHIVED,
}
DETAILS = ("rich_text_description", "mobile_link", "checkout_url", "expiration_date", "origin_country", "vendor_id")
OPTIONS = ("color", "size", "pattern", "material")


def name_column(written: str) -> str:
    """Return the name this module uses for a column: `g:image link` and `Image_Link` are `image_link`."""
    return written.lower().removeprefix("g:").replace(" ", "_")


def read_feed(rows: Iterable[Row], terms: Terms) -> Iterator[Listed | Problem]:
    """Read a feed's rows, named by `name_column`."""
    for group in group_rows(rows, lambda row: row.text("item_group_id")):
        yield from _read_product(group, terms)


def _read_product(rows: Sequence[Row], terms: Terms) -> Iterator[Listed | Problem]:
    problems = [Problem(row.place, "", row.fault) for row in rows if row.fault]
    problems += [Problem(row.place, "id", "it is empty") for row in rows if not row.fault and not row.text("id")]
    if problems:
        yield from problems
        return
    head = rows[0]
    group_id = head.text("item_group_id")
    # Real integrations give a product without variants its own id as the group's.
    single = len(rows) == 1 and group_id in {"", head.text("id")}
    product = Product(product_id=fit_id(group_id or head.text("id")), source_version=terms.source_version)
    fill = _fill_single if single else _add_variant
    for row, read in [(head, _describe), *((row, fill) for row in rows)]:
        try:
            read(row, product, terms)
        except Unreadable as wrong:
            problems.append(Problem(row.place, wrong.field, wrong.why))
    yield from dict.fromkeys(problems)  # the first row is read for the product and for its item
    if not problems:
        yield Listed(head.place, product)


def _describe(head: Row, product: Product, terms: Terms) -> None:
    product.title = head.text("title")
    product.description = head.text("description") or head.text("rich_text_description")
    _detail(head, product)
    product.link = head.text("link") or terms.link(head.text("id"))
    product.image_links.extend(_images(head))
    product.brand = head.text("brand") or terms.brand
    product.categories.extend(read_categories(head.text("product_type")))
    product.google_product_category = head.text("google_product_category")
    product.fb_product_category = head.text("fb_product_category")
    product.gender = head.text("gender").lower()
    product.age_group = head.text("age_group").lower().replace("_", " ")
    product.condition = (
        head.read("condition", partial(read_choice, choices=CONDITIONS)) or product_pb2.CONDITION_UNSPECIFIED
    )
    states = [head.read(name, partial(read_choice, choices=STATUSES)) for name in ("status", "visibility")]
    status = max((state for state in states if state), key=_strictness, default=product_pb2.PRODUCT_STATUS_ACTIVE)
    product.status = status
    begin, end = _period(head)
    if begin and end:
        product.sale_start_time.CopyFrom(begin)
        product.sale_end_time.CopyFrom(end)
    product.discontinued = head.read("availability", partial(read_choice, choices=AVAILABILITY)) == GIVEN_UP


def _detail(head: Row, product: Product) -> None:
    """Fill in what few feeds say."""
    for name in DETAILS:
        setattr(product, name, head.text(name))
    product.internal_labels.extend(head.read("internal_label", read_labels) or [])
    labels = [head.text(f"custom_label_{place}") for place in range(5)]
    product.custom_labels.extend(labels if any(labels) else [])
    numbers = [head.read(f"custom_number_{place}", int) for place in range(5)]
    product.custom_numbers.extend([-1 if one is None else one for one in numbers] if numbers != [None] * 5 else [])
    films = unique([head.text("video"), *(head.text(f"video[{number}].url") for number in range(20))])
    product.videos.extend(Media(url=url) for url in films)
    if weight := head.read("shipping_weight", read_weight):
        product.shipping_weight.CopyFrom(weight)


def _strictness(status: product_pb2.ProductStatus.ValueType) -> int:
    """Order statuses: what is archived stays archived, what is staged is not for sale, what is hidden is not shown."""
    return (
        product_pb2.PRODUCT_STATUS_ACTIVE,
        product_pb2.PRODUCT_STATUS_HIDDEN,
        product_pb2.PRODUCT_STATUS_DRAFT,
        product_pb2.PRODUCT_STATUS_ARCHIVED,
    ).index(status)


def _fill_single(row: Row, product: Product, terms: Terms) -> None:
    price, before = _prices(row, terms)
    if price:
        product.price.CopyFrom(price)
    if before:
        product.compare_at_price.CopyFrom(before)
    product.gtin = row.text("gtin")
    product.mpn = row.text("mpn")
    product.track_inventory, product.quantity = _stock(row)
    product.options.update(_options(row))


def _add_variant(row: Row, product: Product, terms: Terms) -> None:
    variant_id = fit_id(row.text("id"))
    if any(variant.variant_id == variant_id for variant in product.variants):
        raise Unreadable("id", f"{row.text('id')!r} stands twice in its group")
    if _period(row) != _period_of(product):
        raise Unreadable("sale_price_effective_date", "it differs within the item group; a product has one sale period")
    price, before = _prices(row, terms)
    counted, quantity = _stock(row)
    product.variants.append(
        Variant(
            variant_id=variant_id,
            options=_options(row),
            price=price,
            compare_at_price=before,
            image_links=_images(row),
            gtin=row.text("gtin"),
            mpn=row.text("mpn"),
            link=row.text("link") or terms.link(row.text("id")),
            track_inventory=counted,
            quantity=quantity,
        )
    )


def _period(row: Row) -> tuple[Timestamp | None, Timestamp | None]:
    return row.read("sale_price_effective_date", read_period) or (None, None)


def _period_of(product: Product) -> tuple[Timestamp | None, Timestamp | None]:
    return (product.sale_start_time, product.sale_end_time) if product.HasField("sale_end_time") else (None, None)


def _prices(row: Row, terms: Terms) -> tuple[Money | None, Money | None]:
    """Return the price now and the one before: a feed's `price` is the usual one, `sale_price` what is paid."""
    money = partial(read_money, currency=terms.currency)
    usual, sale = row.read("price", money), row.read("sale_price", money)
    if sale is None:
        return usual, None
    if usual is not None and sale.currency_code == usual.currency_code and sale.minor_units > usual.minor_units:
        raise Unreadable("sale_price", "it is above price")
    return sale, usual


def _stock(row: Row) -> tuple[bool, int]:
    """Return whether stock is counted, and how much there is: sold out is counted as none."""
    state = row.read("availability", partial(read_choice, choices=AVAILABILITY))
    counts = [row.read(name, read_quantity) for name in ("quantity_to_sell_on_facebook", "inventory", "quantity")]
    count = next((count for count in counts if count is not None), None)
    if state == SOLD_OUT:
        return True, 0
    return count is not None, count or 0


def _images(row: Row) -> list[str]:
    numbered = [row.text(f"image[{number}].url") for number in range(21)]
    return unique([row.text("image_link"), *numbered, *(row.read("additional_image_link", read_links) or [])])


def _options(row: Row) -> dict[str, str]:
    """Collect what tells variants apart; `additional_variant_attribute` is written `Scent:Fruity,Flavor:Apple`."""
    options = {name: row.text(name) for name in OPTIONS if row.text(name)}
    for pair in filter(None, row.text("additional_variant_attribute").split(",")):
        name, colon, value = pair.partition(":")
        if not colon or not name.strip():
            raise Unreadable("additional_variant_attribute", f"{pair!r} is no `name:value`")
        options[name.strip()] = value.strip()
    return options
