"""Cursors find their place again, whatever happened to the rows in between."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.call import Call, Rows
from simulator.errors import GraphError
from simulator.paging import cut_page, read_cursor, write_cursor
from simulator.world import World
from tests.unit.simulator.worlds import catalog_call, new_world


@dataclass(frozen=True)
class Row:
    """A row with a place."""

    place: int


def _call(world: World, **params: Any) -> Call:
    return catalog_call(world, edge="products", **params)


def _rows(places: list[int]) -> Rows:
    return Rows([Row(place) for place in sorted(places)], key=lambda row: (row.place,))


@given(st.sets(st.integers(0, 500), max_size=60), st.integers(1, 9), st.sets(st.integers(0, 500), max_size=20))
def test_survivors_are_seen_exactly_once(places: set[int], limit: int, removed: set[int]) -> None:
    """While rows disappear between pages, every row that stays is seen once and none twice."""
    world, seen, after = new_world(), [], ""
    present = set(places)
    while True:
        page, paging = cut_page(_call(world, after=after), _rows(list(present)), limit=limit)
        seen += [row.place for row in page]
        if "next" not in paging.get("paging", {}):
            break
        after = paging["paging"]["cursors"]["after"]
        present -= removed
    assert sorted(places - removed) == [place for place in sorted(seen) if place not in removed]
    assert len(set(seen)) == len(seen)


@given(st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=3))
def test_cursors_read_back(key: list[int]) -> None:
    """A cursor holds its key."""
    assert tuple(key) == read_cursor(write_cursor(tuple(key)))


@given(st.text(max_size=30))
def test_foreign_cursors_are_refused(cursor: str) -> None:
    """A cursor that nobody wrote is refused by Graph's error or read; it never crashes."""
    with suppress(GraphError):
        read_cursor(cursor)


def test_going_back_returns_the_page_before() -> None:
    """`before` gives the rows just before a page, and the first page has no previous."""
    world, rows = new_world(), _rows(list(range(10)))
    first, first_paging = cut_page(_call(world), rows, limit=4)
    _, paging = cut_page(_call(world, after=first_paging["paging"]["cursors"]["after"]), rows, limit=4)
    again, _ = cut_page(_call(world, before=paging["paging"]["cursors"]["before"]), rows, limit=4)
    assert (first, False) == (again, "previous" in first_paging["paging"])


def test_a_limit_of_nothing_gives_nothing() -> None:
    """Asking for no rows, to learn a total only, is no error and leads nowhere."""
    assert ([], {}) == cut_page(_call(new_world()), _rows([1]), limit=0)


@pytest.mark.parametrize("limit", [1, 4])
def test_pages_may_be_short_while_next_exists(limit: int) -> None:
    """With the switch on, short and even empty pages come in the middle, and following `next` still finds every row once."""
    world, seen, sizes, after = new_world(short_page_share=1.0), [], [], ""
    while True:
        page, paging = cut_page(_call(world, after=after), _rows(list(range(100))), limit=limit)
        seen += [row.place for row in page]
        if "next" not in paging.get("paging", {}):
            break
        sizes.append(len(page))
        after = paging["paging"]["cursors"]["after"]
    assert list(range(100)) == seen
    assert (0, True) == (min(sizes), max(sizes) <= limit)
