"""When a catalog syncs by itself: its own time of the period, once, whatever was missed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from connector.catalog.model.schedule import next_turn, place

PERIODS = st.sampled_from([timedelta(minutes=15), timedelta(hours=1), timedelta(hours=24), timedelta(days=30)])
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 – the zone is given beside


@given(st.uuids(), PERIODS, TIMES)
def test_a_turn_is_half_to_one_and_a_half_periods_away(connection_id: UUID, period: timedelta, last: datetime) -> None:
    """However long ago the last turn was, and whenever: the next one is the first at the connection's own place."""
    turn = next_turn(connection_id, period, last=last)
    assert period / 2 <= turn - last < period * 3 / 2


@given(st.uuids(), PERIODS, TIMES)
def test_turns_follow_each_other_by_a_period(connection_id: UUID, period: timedelta, last: datetime) -> None:
    """From the second on, turns are exactly one period apart, even when one began a little late."""
    first = next_turn(connection_id, period, last=last)
    assert first + period == next_turn(connection_id, period, last=first + period / 100)


def test_connections_are_spread_over_the_period() -> None:
    """A thousand connections made one after the other are about evenly spread over a day."""
    day = timedelta(hours=24)
    hours = [place(UUID(int=7 << 76 | 2 << 62 | number), day) // timedelta(hours=1) for number in range(1_000)]
    assert 24 == len(set(hours))
    assert max(hours.count(hour) for hour in set(hours)) < 70
