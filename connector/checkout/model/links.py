"""Reads checkout links: any text at all, whatever is wrong with it. It never raises, and never drops an entry without a warning.

    https://shop.example/fb-checkout?products=sc_1:2,SKU_7:1&coupon=SPRING&cart_origin=instagram&fbclid=…

An entry may be read in several ways; all of them are candidates, best first, and the catalog decides which one it is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

MOST_PIECES = 10_000
MOST_ENTRIES = 500
LONGEST_LINK = 16_384
_MOST_TRACKING, _LONGEST_VALUE, _LONGEST_COUPON = 50, 1_000, 200
_LONGEST_ID = 200
_MOST_LAYERS = 4
_MOST_FORMS = 6
CONVERSATION, DRAFT_ORDER = "sc_conversation", "sc_draft_order"
"""Our own parameters of links that go into conversations."""

_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_NUMBER = re.compile(r"\+?0*(\d+)(\.\d*)?")
_FOREIGN_COMMAS = re.compile(r"[;|\s]+")
_COUNTED = re.compile(r".+:\d+")
_NAMED = re.compile(r"products(?:\[\w*\])?(?:=|%3D)", re.IGNORECASE)
_JOINED = re.compile("&[A-Za-z_]+=")


class Channel(StrEnum):
    """Where an order, or the wish for one, came from."""

    FACEBOOK = "FACEBOOK"
    INSTAGRAM = "INSTAGRAM"
    MESSENGER = "MESSENGER"
    WEBSITE = "WEBSITE"


class WarningKind(StrEnum):
    """What had to be interpreted."""

    NO_PRODUCTS = "NO_PRODUCTS"
    QUANTITY_UNREADABLE = "QUANTITY_UNREADABLE"
    QUANTITY_TOO_LARGE = "QUANTITY_TOO_LARGE"
    TOO_MANY_PRODUCTS = "TOO_MANY_PRODUCTS"
    FORMER_ID = "FORMER_ID"


class Warned(NamedTuple):
    """Something that had to be interpreted, and the part of the link it is about."""

    kind: WarningKind
    text: str


class Candidate(NamedTuple):
    """One way to read an entry."""

    name: str
    quantity: int
    warning: WarningKind | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry of a link: the id as it stands there, and the ways to read it, best first."""

    text: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says."""

    entries: tuple[Asked, ...]
    coupon: str
    tracking: tuple[tuple[str, str], ...]
    warnings: tuple[Warned, ...]

    @property
    def first_names(self) -> list[str]:
        """List the names that are most likely meant, once each: nearly always all that has to be looked up."""
        return list(dict.fromkeys(entry.candidates[0].name for entry in self.entries))

    @property
    def names(self) -> list[str]:
        """List every name that could be meant, once each."""
        return list(dict.fromkeys(one.name for entry in self.entries for one in entry.candidates))

    def value(self, name: str) -> str:
        """Tell a parameter's value; empty without it."""
        return next((value for known, value in self.tracking if known.lower() == name), "")

    @property
    def channel(self) -> Channel:
        """Tell where the buyer comes from, as far as the link says."""
        # Unverified: the words of cart_origin; the parameter itself is one to be tolerated.
        said = f"{self.value('cart_origin')} {self.value('utm_source')}".lower()
        known = {"messenger": Channel.MESSENGER, "instagram": Channel.INSTAGRAM, "ig": Channel.INSTAGRAM}
        words = set(re.split("[^a-z]+", said))
        return next((channel for word, channel in known.items() if word in words), Channel.FACEBOOK)

    def fbc(self, *, at: datetime) -> str:
        """Write the click's id as conversions want it."""
        # Unverified: recalled of the Conversions API's page on fbp and fbc: version, subdomain index, milliseconds, fbclid.
        clicked = self.value("fbclid")
        return f"fb.1.{int(at.timestamp() * 1_000)}.{clicked}" if clicked else ""


def read_link(text: str) -> Link:
    """Read a link, or its query alone."""
    entries: list[Asked] = []
    tracking: list[tuple[str, str]] = []
    coupon, layers = "", 0
    for name, value in _opened(_parameters(text)):
        match _bare(name):
            case "products":
                plain, layers = _decoded(value)
                entries += map(_read_entry, islice(_split(plain), MOST_ENTRIES + 1 - len(entries)))
            case "coupon" if not coupon:
                coupon = value.strip()
            case _:
                tracking.append((name[:_LONGEST_VALUE], value[:_LONGEST_VALUE]))
    warnings = [Warned(WarningKind.TOO_MANY_PRODUCTS, str(MOST_ENTRIES))] if len(entries) > MOST_ENTRIES else []
    warnings += [] if entries else [Warned(WarningKind.NO_PRODUCTS, "")]
    coupon = _decoded(coupon)[0] if layers else coupon  # whoever encoded the one twice did so with the other
    return Link(
        tuple(entries[:MOST_ENTRIES]), coupon[:_LONGEST_COUPON], tuple(tracking[:_MOST_TRACKING]), tuple(warnings)
    )


def read_cart(products: Sequence[tuple[str, int]]) -> Link:
    """Read the products of a cart that somebody sent, names and quantities, as a link would say them."""
    entries = []
    for name, quantity in products[:MOST_ENTRIES]:
        known = name.replace("\0", "\ufffd").strip() or "?"
        entries.append(Asked(known[:_LONGEST_ID], tuple(_with_forms([_counted(known, str(quantity))]))))
    return Link(tuple(entries), "", (), ())


def _parameters(text: str) -> list[tuple[str, str]]:
    """Take the query out of whatever it is, and read it. NUL, which PostgreSQL keeps nowhere, is replaced."""
    whole, _, fragment = text.strip().replace("&amp;", "&").partition("#")
    path, asked, query = whole.partition("?")
    if "://" not in path and (not asked or "=" in path):
        query = whole
    if _NAMED.search(fragment) and not _NAMED.search(query):
        query = f"{query}&{fragment.partition('?')[2] or fragment}"
    if "=" not in query and _ESCAPE.search(query):
        query = unquote(query)  # the whole query was taken for one value
    pairs = parse_qsl(query.replace("?", "&"), keep_blank_values=True, errors="replace")
    return [(name.replace("\0", "\ufffd"), value.replace("\0", "\ufffd")) for name, value in pairs]


def _bare(name: str) -> str:
    return name.lower().partition("[")[0]


def _opened(pairs: Sequence[tuple[str, str]], *, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Take out what was packed into one parameter: a query that became a name or the end of a value, a link inside of a link."""
    named = any(_bare(name) == "products" for name, _ in pairs)
    for name, value in pairs:
        inner = _packed(name, value, named=named) if depth < _MOST_LAYERS else ""
        if inner:
            yield from _opened(_parameters(inner.replace("+", "%2B")), depth=depth + 1)
        else:
            yield name, value


def _packed(name: str, value: str, *, named: bool) -> str:
    """Tell the link or query that a parameter is; empty when it is one parameter. A link beside products of its own is no more than that."""
    whole = f"{name}={value}" if value else name
    if ("=" in name and _NAMED.search(name)) or (_bare(name) == "products" and _JOINED.search(value)):
        return whole.replace("?", "%3F").replace("#", "%23")
    return "" if named or not _NAMED.search(value) else value


def _decoded(value: str) -> tuple[str, int]:
    """Take off what was encoded more than once; tells how many layers there were."""
    layers = 0
    while layers < _MOST_LAYERS and _ESCAPE.search(value):
        value, layers = unquote(value, errors="replace").replace("\0", "\ufffd"), layers + 1
    return value, layers


def _split(value: str) -> Iterator[str]:
    """Split a list of entries. Another sign than a comma parts them only where each of the parts has a quantity: ids may hold any."""
    # facebook-for-woocommerce a1e17a8, Checkout.php: entries are ID:QTY, separated by commas, which may come escaped.
    for entry in value.split(","):
        parts = _FOREIGN_COMMAS.split(entry.strip())
        for part in parts if all(map(_COUNTED.fullmatch, parts)) else [entry]:
            if known := part.strip().strip("[]\"'").strip():
                yield known


def _read_entry(part: str) -> Asked:
    """Read an entry as ID:QTY, as an id alone, and as either with something in front of the id."""
    head, colon, tail = (one.strip() for one in part.rpartition(":"))
    if not colon or not head:
        ways = [Candidate(tail or part, 1, WarningKind.QUANTITY_UNREADABLE if colon else None)]
    else:
        ways = [_counted(head, tail), Candidate(part, 1)]
    return Asked(ways[0].name[:_LONGEST_ID], tuple(_with_forms(ways)))


def _counted(name: str, quantity: str) -> Candidate:
    number = _NUMBER.fullmatch(quantity)
    if number is not None and len(number[1]) > len(str(MOST_PIECES)):  # as many digits as somebody cares to write
        return Candidate(name, MOST_PIECES, WarningKind.QUANTITY_TOO_LARGE)
    pieces = int(number[1]) if number else 0
    if number is None or pieces < 1:
        return Candidate(name, 1, WarningKind.QUANTITY_UNREADABLE)
    if pieces > MOST_PIECES:
        return Candidate(name, MOST_PIECES, WarningKind.QUANTITY_TOO_LARGE)
    broken = bool(number[2] and number[2].strip(".0"))  # a piece is whole
    return Candidate(name, pieces, WarningKind.QUANTITY_UNREADABLE if broken else None)


def _with_forms(ways: Sequence[Candidate]) -> list[Candidate]:
    """Add the other forms of each name: a plus that was taken for a space, and what stands behind each underscore."""
    forms = [*ways]
    forms += [way._replace(name=way.name.replace(" ", "+")) for way in ways if " " in way.name]
    # facebook-for-woocommerce a1e17a8, Checkout.php: of sku_ID the part after the last underscore counts; ours hold some, too.
    forms += [Candidate(behind, *way[1:]) for way in ways for behind in _behind_underscores(way.name)]
    return [
        one if len(one.name) <= _LONGEST_ID else one._replace(name=one.name[:_LONGEST_ID])
        for one in dict.fromkeys(forms)
    ]


def _behind_underscores(name: str) -> Iterable[str]:
    """Tell what stands behind the first underscores, and behind the last one, however many there are."""
    parts = name.split("_", _MOST_FORMS - 1)
    behind = ["_".join(parts[cut:]) for cut in range(1, len(parts))]
    return filter(None, [*behind, name.rpartition("_")[2]] if behind else [])
