"""The tree: what is taken from above, and which trees there cannot be."""

from dataclasses import replace
from typing import Any

import pytest

from connector.categories.model.placing import Place, place
from connector.categories.model.tree import DEEPEST, Category, Mapped, Resolved, below, check, misplaced, resolve, spell
from connector.taxonomy import Kind, load, read


def _tree(*categories: tuple[str, str, str]) -> dict[str, Category]:
    return {one: Category(one, 1, parent, one.upper(), google=google) for one, parent, google in categories}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ([("a", "", "1")], Mapped("1", "a", 1)),
        ([("r", "", "9"), ("a", "r", "1")], Mapped("1", "a", 2)),
        ([("r", "", "9"), ("a", "r", "")], Mapped("9", "r", 1)),
        ([("s", "", "8"), ("r", "s", "9"), ("a", "r", "")], Mapped("9", "r", 2)),
        ([("r", "", ""), ("a", "r", "")], Mapped()),
        ([("a", "missing", "")], Mapped()),
    ],
    ids=["own", "own before above", "above", "nearest above", "none", "parent missing"],
)
def test_the_nearest_mapping_holds(tree: list[tuple[str, str, str]], expected: Mapped) -> None:
    """A category's mapping is its own or its nearest ancestor's."""
    assert expected == resolve(_tree(*tree), "a").google


def test_a_missing_parent_is_told() -> None:
    """A category whose parent is not known counts as one at the top, and says so."""
    assert Resolved(("A",), ("a",), parent_missing=True) == resolve(_tree(("a", "gone", "")), "a")


def test_a_circle_ends_the_walk_upwards() -> None:
    """Even a tree that should not exist is walked to an end."""
    assert DEEPEST == len(resolve(_tree(("a", "b", ""), ("b", "a", "")), "a").line)


@pytest.mark.parametrize(
    ("parents", "wanted", "refused"),
    [
        ({}, {"a": "a"}, {"a"}),
        ({}, {"a": "b", "b": "a"}, {"a", "b"}),
        ({"a": "", "b": "a"}, {"a": "b"}, {"a"}),
        ({"a": "", "b": "a"}, {"a": "b", "b": ""}, set()),
        ({"a": "", "b": "a", "c": "b"}, {"a": "c", "d": "c"}, {"a"}),
        ({"a": "missing"}, {"missing": "a"}, {"missing"}),
        ({"a": "", "b": ""}, {"a": "b", "c": "unknown"}, set()),
        ({"a": "", "b": "a", "c": "", "d": "c"}, {"c": "b", "a": "d", "b": ""}, set()),
        ({"a": "", "b": "a", "c": "b"}, {"b": "c", "c": "x", "x": "b"}, {"b", "c", "x"}),
        ({"a": ""}, {"a": "b", "b": "a", "c": "a", "d": "c"}, {"a", "b"}),
    ],
)
def test_what_would_lie_in_itself_is_refused(
    parents: dict[str, str], wanted: dict[str, str], refused: set[str]
) -> None:
    """The tree is judged as it would be; only wishes that are part of a circle are refused."""
    found = misplaced(parents, wanted)
    assert refused == set(found)
    assert {"CATEGORY_CYCLE"} >= {fault.reason for fault in found.values()}


@pytest.mark.parametrize(("length", "refused"), [(DEEPEST, set()), (DEEPEST + 1, {"n0"})])
def test_a_tree_is_only_so_deep(length: int, refused: set[str]) -> None:
    """What would make something lie deeper than a tree may be is refused, also when it moves with all below it."""
    chain = {f"n{number}": f"n{number - 1}" if number else "" for number in range(length - 1)}
    assert refused == set(misplaced({**chain, "top": ""}, {"n0": "top"}))


def test_a_refusal_may_refuse_others() -> None:
    """A category that must stay where it is can stand in another's way; then that one is refused too."""
    parents = {"a": "b", "b": "", "x": ""}
    assert {"x", "b"} == set(misplaced(parents, {"x": "x", "b": "a"}))


def test_below_finds_all_that_follows() -> None:
    """A change concerns the category and all below it, known or not."""
    assert {"a", "b", "c", "gone", "d"} == below({"a": "", "b": "a", "c": "b", "d": "gone", "e": ""}, ["a", "gone"])


@pytest.mark.parametrize(
    ("changes", "field", "reason", "words"),
    [
        ({"google": "Clothes"}, "google_product_category", "CATEGORY_UNKNOWN", "'Clothes' is neither an id nor a path"),
        ({"facebook": "home > > beds"}, "fb_product_category", "CATEGORY_UNKNOWN", "home"),
        ({"google": "1" * 251}, "google_product_category", "FIELD_TOO_LONG", "250"),
        ({"name": " "}, "name", "FIELD_REQUIRED", "required"),
        ({"name": "x" * 101}, "name", "FIELD_TOO_LONG", "101 characters; 100"),
        ({"description": "x" * 201}, "description", "FIELD_TOO_LONG", "200"),
        ({"link": "/men"}, "link", "LINK_NOT_ABSOLUTE", "absolute"),
        ({"cover_image_link": "ftp://x/y.jpg"}, "cover_image_link", "LINK_NOT_ABSOLUTE", "absolute"),
        ({"link": "https://user:word@shop.example/"}, "link", "LINK_NOT_ABSOLUTE", "password"),
        ({"cover_image_link": "https://10.0.0.1/y.jpg"}, "cover_image_link", "LINK_NOT_ABSOLUTE", "no public address"),
        ({"position": -1}, "position", "FIELD_INVALID", "1000000"),
        ({"position": 1_000_001}, "position", "FIELD_INVALID", "1000000"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], field: str, reason: str, words: str) -> None:
    """Every wrong field is told with its name, a reason, and what would be right."""
    found = check(replace(Category("men", 1, "", "Men"), **changes), {kind: load(kind, "") for kind in Kind})
    assert (field, reason) == (found[0].field, found[0].reason)
    assert words in found[0].message


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "Apparel > Clothing",
            "'Apparel > Clothing' is not in the taxonomy (Edition 7); close are: Apparel & Accessories",
        ),
        ("99", "'99' is not in the taxonomy (Edition 7); SearchTaxonomy finds others"),
    ],
)
def test_what_the_list_lacks_is_told_with_what_comes_close(said: str, words: str) -> None:
    """With a list, its edition is named, what comes close, and where to look for more."""
    full = read("# Edition 7\n166 - Apparel & Accessories\n1604 - Apparel & Accessories > Clothing\n")
    (found,) = check(replace(Category("men", 1, "", "Men"), google=said), {Kind.GOOGLE: full, Kind.META: full})
    assert ("CATEGORY_UNKNOWN", "google_product_category") == (found.reason, found.field)
    assert words in found.message
    assert found.message.endswith("SearchTaxonomy finds others")


def test_links_are_spelled_as_they_are_sent() -> None:
    """What only needs another notation is written so, as a product's links are; what is wrong stays, to be refused."""
    said = Category("men", 1, "", "Men", link="http://Shop.example/men wear", cover_image_link="/men.jpg")
    assert replace(said, link="https://shop.example/men%20wear") == spell(said)
    assert said.cover_image_link == spell(said).cover_image_link


def test_all_wrong_fields_are_named_at_once() -> None:
    """One answer names everything that is wrong."""
    wrong = Category("men", 1, "", "", -1, "Clothes", link="men")
    found = check(wrong, {kind: load(kind, "") for kind in Kind})
    assert {"name", "position", "google_product_category", "link"} == {one.field for one in found}


MEN = Resolved(("Men",), ("men",), Mapped("166", "men", 1), Mapped("1", "men", 1))
SHIRTS = Resolved(("Men", "Shirts"), ("men", "shirts"), Mapped("212", "shirts", 2), Mapped("1", "men", 1))
SALE = Resolved(("Sale",), ("sale",), Mapped("8", "sale", 1), Mapped("7", "sale", 1))
KNOWN = {"men": MEN, "shirts": SHIRTS, "sale": SALE}


@pytest.mark.parametrize(
    ("category_ids", "expected"),
    [
        (["shirts"], (("Men", "Shirts"), "212", "1")),
        (["sale", "shirts"], (("Sale",), "212", "7")),
        (["sale", "men"], (("Sale",), "8", "7")),
        (["men", "sale"], (("Men",), "166", "1")),
        (["unknown", "men"], ((), "166", "1")),
        (["unknown"], ((), "", "")),
        ([], ((), "", "")),
    ],
)
def test_the_deepest_mapping_wins(category_ids: list[str], expected: tuple[tuple[str, ...], str, str]) -> None:
    """The main category gives the path; of the mappings the most deeply lying holds, of two as deep the first category's."""
    found = place(category_ids, KNOWN)
    assert expected == (found.path, found.google, found.facebook)


def test_labels_name_every_category_above() -> None:
    """An item carries a label for each of its categories and for all above them, in an order that does not matter to Meta."""
    labels = ("sc_category_men", "sc_category_sale", "sc_category_shirts", "sc_category_unknown")
    assert labels == place(["unknown", "sale", "shirts"], KNOWN).labels
    assert Place() == place([], KNOWN)
