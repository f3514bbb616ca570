"""The filter language selects what it says and refuses what it does not know."""

from typing import Any

import orjson
import pytest

from simulator.errors import GraphError
from simulator.filters import OPERATORS, matching, named_items
from simulator.state import ProductItem

DATA = {
    "A": {"title": "Red lamp", "price": "4.99 USD", "brand": "Mina", "internal_label": ["gift", "red"]},
    "B": {"title": "Blue lamp", "price": "12.00 USD", "brand": "Omar", "visibility": "hidden"},
    "C": {"title": "Green chair", "price": "99.00 USD"},
}
ITEMS = [
    ProductItem(f"{number}", name, "1", number, orjson.dumps(data), 0.0, 0.0)
    for number, (name, data) in enumerate(DATA.items())
]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "ABC"),
        ({"name": {"contains": "lamp"}}, "AB"),
        ({"name": {"contains": "LAMP"}}, ""),
        ({"name": {"i_contains": "LAMP"}}, "AB"),
        ({"name": {"not_contains": "lamp"}}, "C"),
        ({"name": {"i_not_contains": "RED"}}, "BC"),
        ({"name": {"starts_with": "Red"}}, "A"),
        ({"name": {"i_starts_with": "blue"}}, "B"),
        ({"price": {"gt": 499}}, "BC"),
        ({"price": {"gte": 499, "lt": 9900}}, "AB"),
        ({"price": {"lte": "1200"}}, "AB"),
        ({"brand": {"eq": "Mina"}}, "A"),
        ({"brand": {"neq": "Mina"}}, "BC"),
        ({"brand": {"is_not_any": ["Mina", "Omar"]}}, "C"),
        ({"tags": {"eq": "gift"}}, "A"),
        ({"tags": {"eq": "gif"}}, ""),
        ({"tags": {"eq": "Mina"}}, ""),
        ({"tags": {"eq": "red", "neq": "gift"}}, ""),
        ({"tags": {"is_any": ["red", "blue"]}}, "A"),
        ({"tags": {"neq": "gift"}}, "BC"),
        ({"visibility": {"eq": "published"}}, "AC"),
        ({"product_item_id": {"is_any": [0, "2"]}}, "AC"),
        ({"retailer_id": {"eq": "B"}}, "B"),
        ({"and": [{"price": {"gt": 1}}, {"not": {"name": {"contains": "lamp"}}}]}, "C"),
        ({"or": [{"brand": {"eq": "Omar"}}, {"retailer_id": {"eq": "C"}}]}, "BC"),
    ],
)
def test_a_filter_selects(document: Any, expected: str) -> None:
    """Each operator selects exactly the items it describes; a missing value only satisfies negations."""
    assert expected == "".join(item.retailer_id for item in matching(ITEMS, document))


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ([], "object"),
        ({"colour": {"eq": "x"}}, "colour"),
        ({"name": {"like": "x"}}, "like"),
        ({"name": "x"}, "name"),
        ({"and": {}}, "and"),
        ({"retailer_id": {"is_any": "A"}}, "is_any"),
        ({"price": {"gt": "much"}}, "much"),
    ],
)
def test_a_wrong_filter_is_refused_by_name(document: Any, named: str) -> None:
    """The refusal is code 100 and names what is wrong."""
    with pytest.raises(GraphError, match=named) as caught:
        matching(ITEMS, document)
    assert 100 == caught.value.code


def test_every_operator_is_tried_above() -> None:
    """The operators are the documented fourteen."""
    assert 14 == len(OPERATORS)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"retailer_id": {"eq": "A"}}, ("retailer_id", ["A"])),
        ({"product_item_id": {"is_any": [1, "2"]}}, ("product_item_id", ["1", "2"])),
        ({"retailer_id": {"neq": "A"}}, None),
        ({"brand": {"eq": "B"}, "retailer_id": {"eq": "A"}}, ("retailer_id", ["A"])),
        ({"and": [{"brand": {"eq": "B"}}, {"retailer_id": {"eq": "A"}}]}, ("retailer_id", ["A"])),
        ({"or": [{"retailer_id": {"eq": "A"}}, {"brand": {"eq": "B"}}]}, None),
        ({"not": {"retailer_id": {"eq": "A"}}}, None),
    ],
)
def test_lookups_by_id_are_recognised(document: Any, expected: Any) -> None:
    """A filter that can only let named items through is answered from the index."""
    assert expected == named_items(document)
