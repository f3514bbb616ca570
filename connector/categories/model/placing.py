"""What the category tree makes of a product: its category path, its places in both taxonomies, and the labels of its sets.

A product's own words win. Of its categories the main one, which is the first, gives the path, and the most deeply lying mapping wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from connector.categories.model.tree import Mapped, Resolved

LABEL = "sc_category_"
"""What the labels begin with that tell the categories an item is in."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a product takes from its categories; empty where they say nothing."""

    path: tuple[str, ...] = ()
    google: str = ""
    facebook: str = ""
    labels: tuple[str, ...] = ()


def label(category_id: str) -> str:
    """Name the label of a category; the items of everything below carry it too."""
    return f"{LABEL}{category_id}"


def place(category_ids: Sequence[str], resolved: Mapping[str, Resolved]) -> Place:
    """Find what a product takes from its categories, the main one first; those not known yet say nothing but their label."""
    known = [resolved[one] for one in category_ids if one in resolved]
    line = dict.fromkeys([*category_ids, *(one for found in known for one in found.line)])
    main = resolved.get(category_ids[0]) if category_ids else None
    return Place(
        main.path if main else (),
        _deepest([one.google for one in known]),
        _deepest([one.facebook for one in known]),
        tuple(label(one) for one in sorted(line)),
    )


def _deepest(mapped: Sequence[Mapped]) -> str:
    return max(mapped, key=attrgetter("depth")).value if mapped else ""
