"""Pauses that Meta asked for, seen by every worker.

A bucket is `family:asset` (`catalog_batch:123`); a row means that nobody calls before `until_time`. Kept in PostgreSQL so
that no restart and no emptied Redis forgets a pause.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata
from connector.errors import Throttled

throttles = Table(
    "throttles", metadata, Column("bucket", Text, primary_key=True), Column("until_time", Instant, nullable=False)
)


async def pause(tx: Tx, bucket: str, until: datetime) -> None:
    """Pause a bucket; a longer pause that runs already stays."""
    wish = insert(throttles).values(bucket=bucket, until_time=until)
    longest = func.greatest(throttles.c.until_time, wish.excluded.until_time)
    await tx.execute(wish.on_conflict_do_update(index_elements=[throttles.c.bucket], set_={"until_time": longest}))


async def running(tx: Tx, buckets: Sequence[str], *, at: datetime) -> list[tuple[str, datetime]]:
    """List the pauses of these buckets that still run, the longest first."""
    wanted = throttles.c.bucket.in_(buckets), throttles.c.until_time > at
    rows = await tx.execute(select(throttles).where(*wanted).order_by(throttles.c.until_time.desc()))
    return [(row.bucket, row.until_time) for row in rows]


async def require_open(tx: Tx, buckets: Sequence[str], *, at: datetime) -> None:
    """Refuse to go on while Meta wants a pause of any of these buckets.

    Raises:
        Throttled: with the longest pause.

    """
    for bucket, until in await running(tx, buckets, at=at):
        raise Throttled(
            bucket, until, f"Meta asked for a pause until {until:%Y-%m-%d %H:%M:%S} UTC; work resumes by itself"
        )
