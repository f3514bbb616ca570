"""Windows of time: however often they are halved, none of the time is lost."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.orders.model.windows import NARROW, Window

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@given(st.timedeltas(timedelta(), timedelta(days=180)), st.lists(st.booleans(), max_size=30))
def test_halves_are_the_whole(length: timedelta, turns: list[bool]) -> None:
    """One half ends where the other begins, the last one stays open, and a window that cannot be halved is narrow."""
    window = Window(NOW - length)
    for later in turns:
        halves = window.halves(now=NOW)
        if halves is None:
            assert NARROW >= (window.until or NOW) - window.since
            return
        assert (window.since, window.until, halves[0].until) == (halves[0].since, halves[1].until, halves[1].since)
        window = halves[later]
