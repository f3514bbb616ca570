"""When a sale is on, as Meta reads it."""

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.registry.model import Offer, Rules
from connector.values import Money

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001 – the strategy adds zones
BEFORE = datetime(1960, 1, 1, tzinfo=UTC)


def window(start: datetime | None, end: datetime | None) -> str:
    """Write the window of a sale."""
    offer = Offer(Money("BDT", 100), Money("BDT", 200), start, end)
    return str(orjson.loads(offer.wire(Rules(), at=BEFORE))["sale_price_effective_date"])


@given(MOMENTS, MOMENTS)
def test_a_window_is_the_sales_own_to_the_minute(one: datetime, other: datetime) -> None:
    """Both ends are instants with their offset; a sale never begins late or ends early, nor by a minute more than it must."""
    start, end = min(one, other), max(one, other) + timedelta(microseconds=1)
    begins, ends = (datetime.strptime(part, "%Y-%m-%dT%H:%M%z") for part in window(start, end).split("/"))
    assert timedelta(0) <= start - begins < timedelta(minutes=1)
    assert timedelta(0) <= ends - end < timedelta(minutes=1)
    assert begins < ends


@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        (None, None, ""),
        (
            datetime(2026, 11, 1, 15, tzinfo=timezone(timedelta(hours=6))),
            None,
            "2026-11-01T09:00+0000/2038-01-17T00:00+0000",
        ),
        (None, datetime(2026, 11, 1, 15, 0, 30, tzinfo=UTC), "1970-01-29T00:00+0000/2026-11-01T15:01+0000"),
        (None, datetime.max.replace(tzinfo=UTC), "1970-01-29T00:00+0000/9999-12-31T23:59+0000"),
        (datetime(2038, 1, 17, tzinfo=UTC), None, "2038-01-17T00:00+0000/9999-12-31T23:59+0000"),
        (datetime(2038, 1, 16, 23, 59, tzinfo=UTC), None, "2038-01-16T23:59+0000/2038-01-17T00:00+0000"),
    ],
)
def test_an_open_end_is_far_away(start: datetime | None, end: datetime | None, written: str) -> None:
    """Meta wants both ends or none."""
    assert written == window(start, end)
