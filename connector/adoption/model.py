"""By what an item in the catalog is recognised as one of ours, and what may become of it. Pure.

Both sides are turned into marks; equal marks mean the same thing. The first rule under which an item of the catalog shares a mark
with any item of ours decides: with one of ours it is recognised, with several it is ambiguous. Nothing is guessed.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

MOST_MARKED, LARGEST_PAGE = 1_000, 500


class Rule(StrEnum):
    """By what an item was recognised, as callers are told."""

    RETAILER_ID = "RETAILER_ID"
    ALIAS = "ALIAS"
    GTIN = "GTIN"
    SKU = "SKU"
    LINK = "LINK"
    CALLER = "CALLER"


class Plan(StrEnum):
    """What is to become of an item that others put into the catalog."""

    ADOPT = "ADOPT"
    REPLACE = "REPLACE"
    LEAVE = "LEAVE"


class Finding(StrEnum):
    """What a scan can find of an item, to look for it."""

    RECOGNISED = "RECOGNISED"
    UNKNOWN = "UNKNOWN"
    AMBIGUOUS = "AMBIGUOUS"
    DUPLICATE = "DUPLICATE"


class Own(NamedTuple):
    """What an item of ours can be recognised by."""

    retailer_id: str
    product_id: str
    variant_id: str
    sku: str
    gtin: str
    link: str
    aliases: Sequence[str]


class Seen(NamedTuple):
    """An item as Meta shows it."""

    retailer_id: str
    item_id: str
    title: str
    link: str
    gtin: str
    mpn: str
    item_group_id: str
    product_type: str


class Mark(NamedTuple):
    """A mark of an item: of which kind, and a digest, so that all are equally small. A lower `rank` decides before a higher one."""

    rank: int
    kind: str
    digest: bytes


RULES = (Rule.RETAILER_ID, Rule.RETAILER_ID, Rule.ALIAS, Rule.GTIN, Rule.SKU, Rule.SKU, Rule.LINK)
"""The rule behind each rank."""
_NAME, _ID, _ALIAS, _GTIN, _SKU, _SKU_READ, _LINK = range(len(RULES))

# facebook-for-woocommerce: an item without an SKU is named so, one with an SKU by it and the post's number.
_WOO_POST, _WOO_SKU = "wc_post_id_{}", re.compile(r"(.+)_\d+")


def own_marks(own: Own) -> set[Mark]:
    """Write the marks of an item of ours: its names here, and those other tools would give it."""
    ids = {own.product_id, own.variant_id} - {""}
    theirs = {_WOO_POST.format(one) for one in ids} | {f"{own.sku}_{one}" for one in ids if own.sku}
    return {
        _mark(_NAME, own.retailer_id),
        *(_mark(_ID, one) for one in ids | theirs),
        *(_mark(_ALIAS, one) for one in own.aliases),
        *(_mark(_GTIN, one) for one in _gtin(own.gtin)),
        *(_mark(_SKU, one) for one in _sku(own.sku)),
        *(_mark(_LINK, one) for one in _link(own.link)),
    }


def seen_marks(seen: Seen) -> set[Mark]:
    """Write the marks of an item in the catalog, whoever put it there."""
    read = _WOO_SKU.fullmatch(seen.retailer_id)
    skus = [*_sku(seen.mpn), *_sku(read[1] if read else "")]
    return {
        *(_mark(rank, seen.retailer_id) for rank in (_NAME, _ID, _ALIAS)),
        *(_mark(_GTIN, one) for one in _gtin(seen.gtin)),
        *(_mark(_SKU, one) for one in _sku(seen.retailer_id)),
        *(_mark(_SKU, one)._replace(rank=_SKU_READ) for one in skus),
        *(_mark(_LINK, one) for one in _link(seen.link)),
    }


def _mark(rank: int, text: str) -> Mark:
    kind = ("NAME", "ID", "ALIAS", "GTIN", "SKU", "", "LINK")[rank]
    return Mark(rank, kind, hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest())


def _gtin(text: str) -> Iterator[str]:
    """Read a barcode, whichever length it is written in; one of zeros only is none."""
    digits = re.sub(r"[\s-]", "", text)
    if digits.isascii() and digits.isdecimal() and len(digits) <= 14 and digits.strip("0"):
        yield digits.zfill(14)


def _sku(text: str) -> Iterator[str]:
    """Read a stock keeping unit; case and surrounding space do not count."""
    if sku := text.strip().casefold():
        yield sku


_TRACKING = re.compile(r"utm_.*|fbclid|gclid|msclkid|srsltid|ref|source|currency", re.IGNORECASE)


def _link(text: str) -> Iterator[str]:
    """Read a page's address; what only tells where a visitor came from does not count, nor how the address is spelled."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        return
    host = parts.netloc.lower().rpartition("@")[2].removeprefix("www.").removesuffix(":443").removesuffix(":80")
    asked = sorted((k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(k))
    yield f"{host}{unquote(parts.path).rstrip('/')}?{urlencode(asked)}"


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scanned item as it is kept. `own_retailer_id` is the item of ours it was recognised as; empty for none, or for several."""

    retailer_id: str
    item_id: str
    title: str
    link: str
    gtin: str
    mpn: str
    item_group_id: str
    product_type: str
    rule: Rule | None
    product_id: str
    variant_id: str
    own_retailer_id: str
    ambiguous: bool
    duplicate: bool
    plan: Plan
    decided: bool
    scan_time: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a caller decides about a scanned item; `product_id` and `variant_id` name the product meant, if another is."""

    retailer_id: str
    plan: Plan
    product_id: str
    variant_id: str


class Counts(NamedTuple):
    """What applying the plan would do, and how many items stand in the catalog, theirs and ours."""

    adopt_count: int
    replace_count: int
    leave_count: int
    impossible_count: int
    standing_count: int
