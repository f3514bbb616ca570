"""When a connection's catalog syncs by itself. Pure.

A period is cut into slots; each connection has its own place in the period, told by its id, so that a thousand stores do not
begin at once. The next turn is the first slot that is at least half a period after the last one.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def place(connection_id: UUID, period: timedelta) -> timedelta:
    """Tell how far into each period a connection's turn comes: always the same, and any as likely as another."""
    # Multiplied by a large odd number, which carries what little differs in ids made together into all digits.
    return timedelta(
        microseconds=connection_id.int * 0x9E3779B97F4A7C15 % 2**64 % (period // timedelta(microseconds=1))
    )


def next_turn(connection_id: UUID, period: timedelta, *, last: datetime) -> datetime:
    """Tell when the turn after the one at `last` comes. Turns that were missed are not counted: there is one next turn."""
    first = _EPOCH + place(connection_id, period)
    earliest = last + period / 2
    return first + period * -(-(earliest - first) // period)
