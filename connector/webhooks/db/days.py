"""The days of deliveries: a partition for each, made ahead, dropped as a whole when it is past its age.

A day is dropped in one stroke, whatever it holds; deleting its rows would write as much again as they were. Nobody waits long: who needs
the table's lock gives up after a second, and tries again with the next sweep.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from connector import log
from connector.db.schema import Tx
from connector.webhooks.db.tables import DAYS, PARTITION_OPTIONS

KEPT = timedelta(days=30)
AHEAD_DAYS = 7
_DAY = timedelta(days=1)
_MOST_SWEPT = 5_000
_PATIENCE = timedelta(seconds=5)
# https://www.postgresql.org/docs/current/errcodes-appendix.html: lock_not_available; query_canceled: it took too long.
_TOO_SLOW = frozenset({"55P03", "57014"})
_IN_THE_REST = "23514"
"""check_violation: the rest holds rows of that day."""


async def prepare(tx: Tx, *, at: datetime, patience: timedelta = _PATIENCE) -> None:
    """Make the days to come. One whose first rows lie in the rest already stays there.

    For each PostgreSQL looks through the whole rest, and nobody can deliver meanwhile: the first that takes too long is the last.
    """
    known = await _known(tx)
    for ahead in range(AHEAD_DAYS + 1):
        begin = _midnight(at) + ahead * _DAY
        name = f"deliveries_{begin:%Y%m%d}"
        if name not in known:
            made = (
                f"CREATE TABLE {DAYS}.{name} PARTITION OF deliveries"
                f" FOR VALUES FROM ('{begin.isoformat()}') TO ('{(begin + _DAY).isoformat()}') {PARTITION_OPTIONS}"
            )
            if not await _try(tx, made, patience):
                return


async def drop(tx: Tx, *, at: datetime) -> None:
    """Drop the days that are past their age, but none with a delivery that waits."""
    last = _midnight(at - KEPT) - _DAY
    for name in sorted(await _known(tx)):
        if name <= f"deliveries_{last:%Y%m%d}" and not await _waits(tx, name):
            await _try(tx, f"DROP TABLE {DAYS}.{name}")


async def forget_rest(tx: Tx, *, at: datetime) -> bool:
    """Remove some of what is past its age and lies in no day; tells whether there may be more."""
    gone = await tx.execute(_SWEEP_REST, {"before": at - KEPT, "limit": _MOST_SWEPT})
    return gone.rowcount == _MOST_SWEPT


async def forget_parked(tx: Tx, *, at: datetime) -> int:
    """Remove some of the signals whose Page nobody connected in time; tells how many."""
    gone = await tx.execute(_SWEEP_PARKED, {"before": at - KEPT, "limit": _MOST_SWEPT})
    return gone.rowcount


_SWEEP_REST = text(f"""
    DELETE FROM {DAYS}.deliveries_rest WHERE ctid IN (SELECT ctid FROM {DAYS}.deliveries_rest
        WHERE receive_time < :before AND state <> 'WAITING' LIMIT :limit)
""")  # noqa: S608 – words of ours
_SWEEP_PARKED = text("""
    DELETE FROM parked WHERE ctid IN (SELECT ctid FROM parked WHERE receive_time < :before LIMIT :limit)
""")
_KNOWN = text(f"""
    SELECT relname FROM pg_class WHERE relnamespace = '{DAYS}'::regnamespace AND relispartition AND relkind = 'r'
        AND relname ~ '^deliveries_[0-9]{{8}}$'
""")  # noqa: S608 – words of ours


async def _known(tx: Tx) -> set[str]:
    return {name for (name,) in await tx.execute(_KNOWN)}


async def _waits(tx: Tx, name: str) -> bool:
    return bool(await tx.scalar(text(f"SELECT EXISTS (SELECT FROM {DAYS}.{name} WHERE state = 'WAITING')")))  # noqa: S608 – a name that we made


async def _try(tx: Tx, statement: str, patience: timedelta = _PATIENCE) -> bool:
    """Do it now, or leave it to the next sweep; tells whether more may be tried in this one."""
    limits = "SET LOCAL lock_timeout = '1s'", f"SET LOCAL statement_timeout = {int(patience.total_seconds() * 1000)}"
    try:
        async with tx.begin_nested():
            for step in (*limits, statement, "SET LOCAL statement_timeout TO DEFAULT"):
                await tx.execute(text(step))
    except DBAPIError as refusal:
        code = getattr(refusal.orig, "sqlstate", "")
        if code not in _TOO_SLOW | {_IN_THE_REST}:
            raise
        if code in _TOO_SLOW:
            log.warn("deliveries.day_left", wished=statement, reason=code)
        return code not in _TOO_SLOW
    return True


def _midnight(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
