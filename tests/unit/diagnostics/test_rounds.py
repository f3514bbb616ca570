"""A round asks everything once, page by page, and ends."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from connector.diagnostics.model.rounds import Round
from connector.diagnostics.model.values import MOST_PAGES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_round_goes_through_the_catalog_and_the_items_by_priority() -> None:
    """The catalog comes first, then the worst errors, each to its last page."""
    asked, now, cursors = [], Round.of({}, at=NOW), iter(["", "a", "", "b", "c", ""])
    while now:
        asked.append((now.asks, now.after))
        following = now.following(next(cursors))
        if following is None:
            break
        now = following
    expected = [("CATALOG", ""), ("HIGH", ""), ("HIGH", "a"), ("MEDIUM", ""), ("MEDIUM", "b"), ("MEDIUM", "c")]
    assert expected == asked


def test_a_catalog_full_of_trouble_does_not_hold_a_round_up_for_ever() -> None:
    """After so many pages of one priority the next one has its turn."""
    now = Round(NOW, asks="HIGH")
    for _ in range(MOST_PAGES - 1):
        now = now.following("more") or now
    following = now.following("more")
    assert following is not None
    assert ("MEDIUM", "", 0) == (following.asks, following.after, following.pages)


@pytest.mark.parametrize("now", [Round(NOW), Round(NOW, "HIGH", "abc", 3, 25)])
def test_where_a_round_stands_survives_being_kept(now: Round) -> None:
    """What is read back from JSON is what was written."""
    assert now == Round.of(orjson.loads(orjson.dumps(now.document())), at=NOW + timedelta(hours=23))


def test_a_round_that_does_not_end_begins_anew() -> None:
    """A cursor that Meta takes no more keeps a connection's diagnostics from being pulled for a day at most."""
    later = NOW + timedelta(days=1)
    assert Round(later) == Round.of(Round(NOW, "HIGH", "abc", 3, 25).document(), at=later)


def test_less_at_once_never_becomes_nothing() -> None:
    """Halving ends at one."""
    assert 1 == Round(NOW, page_size=1).smaller().page_size
