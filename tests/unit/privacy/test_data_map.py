"""The data map names every column, and its page is written from it."""

from pathlib import Path

import pytest
from sqlalchemy import DateTime

from connector.db import requests
from connector.db.schema import load_tables
from connector.inventory.model.holds import KEPT
from connector.privacy.actions.sweeping import RULES
from connector.privacy.db.erasing import STEPS
from connector.privacy.model.classes import SENSITIVE, Aged, Ruled
from connector.privacy.model.data_map import DATA_MAP, write_page

TABLES = load_tables().tables


def test_every_column_has_a_class_and_every_class_a_column() -> None:
    """A column that nobody classified, or a line of the map about one that is gone, fails here by name."""
    columns = {f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns}
    mapped = {f"{table}.{column}" for table, told in DATA_MAP.items() for column in told.columns}
    assert (set(), set()) == (columns - mapped, mapped - columns)


@pytest.mark.parametrize("table", DATA_MAP)
def test_what_may_know_a_person_is_gone_through_by_deletions(table: str) -> None:
    """A table with personal data, texts or raw bytes names the step of a deletion that takes a person out of it."""
    told = DATA_MAP[table]
    sensitive = bool(SENSITIVE & set(told.columns.values()))
    assert not sensitive or told.erased_by in {*STEPS, "itself", "at once"}


@pytest.mark.parametrize("table", DATA_MAP)
def test_rows_end_by_something_that_exists(table: str) -> None:
    """An age counts from a moment of the row, and a rule is one that the sweep, or the holds' own task, carries out."""
    for rule in DATA_MAP[table].retention:
        if isinstance(rule, Aged):
            assert isinstance(TABLES[table].columns[rule.column].type, DateTime)
        elif isinstance(rule, Ruled):
            assert rule.step in {*RULES, "holds"}


def test_answers_stay_as_long_as_they_may_be_repeated() -> None:
    """The age in the map is the one that `request_id` is built on."""
    assert [requests.KEPT] == [rule.age for rule in DATA_MAP["requests"].retention if isinstance(rule, Aged)]


def test_holds_stay_as_long_as_their_feature_says() -> None:
    """The words of the map are those of the hold's own rule."""
    assert [f"{KEPT.days} days after it ended"] == [str(rule) for rule in DATA_MAP["holds"].retention]


def test_the_page_says_what_the_map_says() -> None:
    """`docs/privacy.md` is exactly what the map writes."""
    again = "write it anew: python -c 'from connector.privacy.model import data_map; print(data_map.write_page(), end=\"\")' > docs/privacy.md"
    assert write_page() == (Path(__file__).parents[3] / "docs" / "privacy.md").read_text(), again
