"""What must become of a product, judged by the contract's words alone: the demo's own opinion, to compare with.

Knows only what a caller can know. What Meta itself refuses cannot be foreseen.
"""

import html
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from client.catalogues.cells import DECIMALS
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import Product, Variant

TITLE_LENGTH = 150
# A cut may spare the last word.
SHORTEST_CUT = 100
BRAND_LENGTH = 100
GENDERS = frozenset({"", "male", "female", "unisex"})
AGE_GROUPS = frozenset({"", "newborn", "infant", "toddler", "kids", "teen", "adult", "all ages"})


@dataclass(frozen=True, slots=True)
class Foreseen:
    """An item that a product should become, and why it should not."""

    product_id: str
    variant_id: str
    title: str
    price: str
    sale_price: str
    reasons: frozenset[str]

    @property
    def key(self) -> tuple[str, str]:
        """Return what the item is found by."""
        return self.product_id, self.variant_id

    def matches(self, held: Mapping[str, object]) -> bool:
        """Tell whether what the catalog holds is this item: title, price and sale price."""
        title, prices = str(held.get("title", "")), (held.get("price"), held.get("sale_price") or "")
        return _same_title(title, self.title) and prices == (self.price, self.sale_price)


def _same_title(held: str, wanted: str) -> bool:
    """Tell whether a title is the wanted one, or that one cut no shorter than the limit asks. Spaces do not matter."""
    if len(wanted) > TITLE_LENGTH:
        held = held.rstrip(".… ")
        return TITLE_LENGTH >= len(held) > SHORTEST_CUT and _bare(wanted).startswith(_bare(held))
    return _bare(held) == _bare(wanted)


def _bare(text: str) -> str:
    return "".join(text.split())


def foresee(product: Product) -> Iterator[Foreseen]:
    """Tell the items of a product; none for one that is not for sale."""
    if product.status != product_pb2.PRODUCT_STATUS_ACTIVE:
        return
    for variant in product.variants or [None]:
        price, before = _prices(product, variant)
        reduced = bool(price and before and before.minor_units > price.minor_units)
        yield Foreseen(
            product_id=product.product_id,
            variant_id=variant.variant_id if variant else "",
            title=plain(product.title),
            price=written(before if reduced else price),
            sale_price=written(price) if reduced else "",
            reasons=frozenset(reason for reason, wrong in CHECKS if wrong(product, variant)),
        )


def plain(text: str) -> str:
    """Return a text without markup, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def _prices(product: Product, variant: Variant | None) -> tuple[Money | None, Money | None]:
    source = variant if variant is not None and variant.HasField("price") else product
    price = source.price if source.HasField("price") else None
    return price, source.compare_at_price if source.HasField("compare_at_price") else None


def written(money: Money | None) -> str:
    """Write money as a catalog does: `9.99 USD`."""
    if money is None:
        return ""
    places = DECIMALS.get(money.currency_code, 2)
    whole, part = divmod(money.minor_units, 10**places)
    return f"{whole}.{part:0{places}} {money.currency_code}" if places else f"{whole} {money.currency_code}"


def _link(product: Product, variant: Variant | None) -> str:
    return (variant.link if variant else "") or product.link


def _images(product: Product, variant: Variant | None) -> list[str]:
    return list((variant.image_links if variant else []) or product.image_links)


def _absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _priced(product: Product, variant: Variant | None, wrong: Callable[[int], bool]) -> bool:
    return any(money is not None and wrong(money.minor_units) for money in _prices(product, variant))


def _twin(product: Product, variant: Variant | None) -> bool:
    """Tell whether nothing tells a variant from an earlier one, or it has no options at all."""
    if variant is None or len(product.variants) < 2:
        return False
    earlier = itertools.takewhile(lambda other: other.variant_id != variant.variant_id, product.variants)
    return not variant.options or any(dict(other.options) == dict(variant.options) for other in earlier)


def _lacks(product: Product, variant: Variant | None) -> bool:
    required = (plain(product.title), product.brand, _link(product, variant), _images(product, variant))
    return not all(required) or _prices(product, variant)[0] is None


CHECKS: tuple[tuple[str, Callable[[Product, Variant | None], bool]], ...] = (
    ("FIELD_REQUIRED", _lacks),
    ("PRICE_NOT_POSITIVE", lambda product, variant: _priced(product, variant, lambda units: units <= 0)),
    (
        "LINK_NOT_ABSOLUTE",
        lambda product, variant: bool(_link(product, variant)) and not _absolute(_link(product, variant)),
    ),
    ("IMAGE_LINK_NOT_ABSOLUTE", lambda product, variant: not all(map(_absolute, _images(product, variant)))),
    ("FIELD_TOO_LONG", lambda product, _: len(product.brand) > BRAND_LENGTH),
    ("FIELD_INVALID", lambda product, _: product.gender not in GENDERS or product.age_group not in AGE_GROUPS),
    ("VARIANT_OPTIONS_MISSING", _twin),
)
