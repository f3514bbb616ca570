"""How long a token still lives, as merchants are told."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.health.model import days_left

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (None, None),
        (timedelta(days=14), 14),
        (timedelta(days=2, seconds=-1), 1),
        (timedelta(hours=23), 0),
        (timedelta(seconds=-1), 0),
    ],
)
def test_days_are_whole_and_never_negative(left: timedelta | None, expected: int | None) -> None:
    """Days are rounded down; a token that is dead has none, one without an end has no number."""
    assert expected == days_left(None if left is None else NOW + left, at=NOW)
