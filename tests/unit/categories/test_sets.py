"""A category's product set: what Meta is told of it."""

from typing import Any

import orjson
import pytest

from connector.categories import graph
from connector.categories.model.sets import Seen, wish
from connector.categories.model.tree import Category
from connector.graph.call import Listed

MEN = Category("men", 1, "", "Men", product_set=True)


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        (MEN, {"name": "Men", "metadata": {}}),
        (Category("men", 1, "x", "M", position=0), {"name": "M", "metadata": {}, "ordering_info": [0]}),
        (
            Category("men", 1, "", "Men", cover_image_link="https://c", description="All", link="https://l"),
            {
                "name": "Men",
                "metadata": {"cover_image_url": "https://c", "external_url": "https://l", "description": "All"},
            },
        ),
    ],
)
def test_a_set_says_what_its_category_says(category: Category, expected: dict[str, Any]) -> None:
    """Its items are those with the category's label; what the category does not say is left out."""
    fields = orjson.loads(wish(category).document)
    found = {name: orjson.loads(fields[name]) for name in ("filter", "metadata")}
    assert expected | {"filter": {"tags": {"eq": "sc_category_men"}}} == fields | found


def test_a_sets_name_fits_for_every_id() -> None:
    """The longest of StormCom's ids makes a retailer_id within Meta's 100 characters."""
    assert 68 == len(wish(Category("x" * 64, 1, "", "X")).retailer_id)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], ""),
        ([{"id": "1", "retailer_id": "scs_other"}], ""),
        ([{"id": "1"}, {"id": 2, "retailer_id": "scs_men", "product_count": 5}], "2"),
    ],
)
def test_only_the_very_set_is_found(data: list[dict[str, Any]], expected: str) -> None:
    """Whatever Meta lists, a set counts as found only under its exact name."""
    assert expected == graph.find_set("9", "scs_men").read({"data": data})


def test_a_list_goes_on_while_there_is_a_next_page() -> None:
    """Only a missing `next` ends a list, however short or empty its page is."""
    cursors = {"cursors": {"after": "c"}}
    read = graph.list_sets("9", "").read
    assert Listed((), "c") == read({"data": [], "paging": {**cursors, "next": "https://…"}})
    assert Listed((Seen("1", "", 0),), "") == read({"data": [{"id": "1"}], "paging": cursors})
