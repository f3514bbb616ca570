"""A store's category tree: what is wanted of a category, what it takes from above, and which trees there cannot be.

A parent that is not known yet is waited for: until it comes, what names it counts as lying at the top.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from connector.links import absolute
from connector.registry.model import ItemFault, Severity
from connector.taxonomy import LONGEST, Kind, Taxonomy, Unknown

DEEPEST = 20
"""So many categories may lie in each other: more is a mistake, and bounds every walk to the top."""
MOST = 10_000
"""So many categories a connection may have."""
LARGEST_POSITION = 1_000_000
_LONGEST = {
    "name": 100,
    "description": 200,
    "google": LONGEST,
    "facebook": LONGEST,
    "cover_image_link": 2_000,
    "link": 2_000,
}
_FIELDS = {"google": "google_product_category", "facebook": "fb_product_category"}


class Outcome(StrEnum):
    """What became of one category of a call."""

    ACCEPTED = "ACCEPTED"
    UNCHANGED = "UNCHANGED"
    STALE = "STALE"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Category:
    """A category as StormCom wants it; `parent_id` is empty at the top, `google` and `facebook` when the parent's hold."""

    category_id: str
    source_version: int
    parent_id: str
    name: str
    position: int | None = None
    google: str = ""
    facebook: str = ""
    product_set: bool = False
    cover_image_link: str = ""
    description: str = ""
    link: str = ""

    def differs(self, other: "Category", *names: str) -> bool:
        """Tell whether it differs in any of these fields; in any but the version when none is named."""
        compared = names or [field.name for field in fields(self) if field.name != "source_version"]
        return any(getattr(self, name) != getattr(other, name) for name in compared)

    def moves_products(self, other: "Category") -> bool:
        """Tell whether products are written otherwise than before."""
        return self.differs(other, "parent_id", "name", "google", "facebook")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one category, and what is wrong with it."""

    category_id: str
    outcome: Outcome
    faults: tuple[ItemFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapped:
    """A category's place in a taxonomy: what is sent of it, which category says so, and how deep that lies."""

    value: str = ""
    category_id: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a category comes to: its names and ids from the top down to it, and what of it or above it is mapped."""

    path: tuple[str, ...]
    line: tuple[str, ...]
    google: Mapped = Mapped()
    facebook: Mapped = Mapped()
    parent_missing: bool = False


def resolve(tree: Mapping[str, Category], category_id: str) -> Resolved:
    """Find what a category comes to, in a tree that holds it and all that is known above it."""
    line = tuple(reversed(list(_upwards(tree, category_id))))
    top, categories = tree[line[0]], [tree[one] for one in line]
    google, facebook = Mapped(), Mapped()
    for depth, one in enumerate(categories, 1):
        google = Mapped(one.google, one.category_id, depth) if one.google else google
        facebook = Mapped(one.facebook, one.category_id, depth) if one.facebook else facebook
    return Resolved(tuple(one.name for one in categories), line, google, facebook, bool(top.parent_id))


def _upwards(tree: Mapping[str, Category], category_id: str) -> Iterator[str]:
    """Walk from a category to the top, itself first; at most as far as a tree may be deep."""
    for _ in range(DEEPEST):
        if category_id not in tree:
            return
        yield category_id
        category_id = tree[category_id].parent_id


def below(parents: Mapping[str, str], category_ids: Iterable[str]) -> set[str]:
    """Find these categories and everything below them."""
    children: dict[str, list[str]] = {}
    for one, parent in parents.items():
        children.setdefault(parent, []).append(one)
    found, waiting = set[str](), list(category_ids)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += children.get(one, ())
    return found


def misplaced(parents: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, ItemFault]:
    """Tell which wishes for a parent cannot all be granted; `parents` is the tree as it stands, which is in order.

    A refused category stays where it is, which may stand in the way of others; so it is looked again until all is in order.
    """
    refused: dict[str, ItemFault] = {}
    while True:
        tree = {**parents, **{one: parent for one, parent in wanted.items() if one not in refused}}
        moved = wanted.keys() - refused.keys()
        found = {one: fault for one in sorted(moved) if (fault := _circle(tree, one))} or _too_deep(tree, moved)
        if not found:
            return refused
        refused |= found


def _circle(tree: Mapping[str, str], category_id: str) -> ItemFault | None:
    line, one = dict.fromkeys([category_id]), tree[category_id]
    while one in tree and one not in line:  # there may be a circle further up, of which it is no part
        line[one] = None
        one = tree[one]
    if one != category_id:
        return None
    message = f"would make the category lie in itself: {' in '.join([*line, category_id])}"
    return fault("parent_id", "CATEGORY_CYCLE", message)


def _too_deep(tree: Mapping[str, str], moved: Collection[str]) -> dict[str, ItemFault]:
    """Find the moved categories above, or among, what would lie too deep; nothing in the tree lies in itself."""
    lines = (_line(tree, one) for one in tree)
    guilty = {above for line in lines if len(line) > DEEPEST for above in line if above in moved}
    message = f"makes the tree deeper than {DEEPEST} categories"
    return {one: fault("parent_id", "FIELD_TOO_LARGE", message) for one in guilty}


def _line(tree: Mapping[str, str], category_id: str) -> list[str]:
    line = []
    while category_id in tree:
        line.append(category_id)
        category_id = tree[category_id]
    return line


def check(category: Category, taxonomies: Mapping[Kind, Taxonomy]) -> tuple[ItemFault, ...]:
    """Name everything that is wrong with a category, but its place."""
    faults = [] if category.name.strip() else [fault("name", "FIELD_REQUIRED", "is required")]
    for name, longest in _LONGEST.items():
        if len(getattr(category, name)) > longest:
            told = f"has {len(getattr(category, name))} characters; {longest} are allowed"
            faults.append(fault(_FIELDS.get(name, name), "FIELD_TOO_LONG", told))
    if category.position is not None and not 0 <= category.position <= LARGEST_POSITION:
        faults.append(fault("position", "FIELD_INVALID", f"must be 0 to {LARGEST_POSITION}"))
    for name in ("cover_image_link", "link"):
        if said := getattr(category, name):
            faults += _check_link(name, said)
    for name, kind in (("google", Kind.GOOGLE), ("facebook", Kind.META)):
        if said := getattr(category, name):
            faults += _unknown(_FIELDS[name], said, taxonomies[kind])
    return tuple(faults)


def _check_link(name: str, said: str) -> Sequence[ItemFault]:
    try:
        absolute(said)
    except ValueError as wrong:
        return [fault(name, "LINK_NOT_ABSOLUTE", str(wrong))]
    return []


def spell(category: Category) -> Category:
    """Write a category's links the way they are sent; a wrong one stays as it was said, to be refused."""
    picture, page = map(_spelled, (category.cover_image_link, category.link))
    return replace(category, cover_image_link=picture, link=page)


def _spelled(said: str) -> str:
    return said if not said or _check_link("", said) else absolute(said)


def _unknown(field: str, said: str, taxonomy: Taxonomy) -> Sequence[ItemFault]:
    try:
        taxonomy.find(said)
    except Unknown as unknown:
        close = f"; close are: {' | '.join(unknown.close)}" if unknown.close else ""
        message = f"{said[:LONGEST]!r} is {taxonomy.lacking}{close}; SearchTaxonomy finds others"
        return [fault(field, "CATEGORY_UNKNOWN", message)]
    return []


def fault(field: str, reason: str, message: str) -> ItemFault:
    """Say what is wrong with a field of a category."""
    return ItemFault(Severity.ERROR, reason, field, f"{field}: {message}")
