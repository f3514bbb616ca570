"""Items that travel in a file instead of in batches of their own, and the pause of the batches while the file is written.

A piece of a file is a batch like any other, under the same guard: an item is in one batch or one file at a time, whoever writes.
Only its verdict comes by another way. Removals never travel in a file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Boolean, Column, Table, Uuid, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Instant, Tx, metadata
from connector.registry.db import flights
from connector.registry.db.catalogue import items
from connector.registry.db.flights import Batch, batches
from connector.registry.model import Cargo, Lane, fitting

WRITING_TIME = timedelta(minutes=1)
"""For how long the batches pause for a file; every piece renews it."""

feedings = Table(
    "feedings",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("enabled", Boolean, nullable=False, server_default="false", comment="snapshots travel in files"),
    Column("snapshot_time", Instant, comment="when a snapshot was last applied; NULL: never"),
    Column("pause_time", Instant, comment="until when content waits for a file that is being written"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a file: what goes into it, and the last item looked at."""

    upto: str
    cargo: list[Cargo]


async def enable(tx: Tx, connection_id: UUID, *, enabled: bool) -> None:
    """Say whether the snapshots of a connection travel in files."""
    wish = upsert(feedings).values(connection_id=connection_id, enabled=enabled)
    await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id"], set_={"enabled": enabled}))


async def note_snapshot(tx: Tx, connection_id: UUID, *, at: datetime) -> None:
    """Note that a snapshot is applied; where snapshots travel in files, ask for one, and let the batches wait for it."""
    wish = upsert(feedings).values(connection_id=connection_id, snapshot_time=at)
    noted = wish.on_conflict_do_update(index_elements=["connection_id"], set_={"snapshot_time": at})
    if await tx.scalar(noted.returning(feedings.c.enabled)):
        await pause(tx, connection_id, at=at)
        await outbox.add(tx, Task.BEGIN_FEED, due=at, connection_id=connection_id, key=f"BEGIN_FEED:{connection_id}")


async def snapshot_applied(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether a snapshot was ever applied."""
    return (
        await tx.scalar(select(feedings.c.snapshot_time).where(feedings.c.connection_id == connection_id)) is not None
    )


async def pause(tx: Tx, connection_id: UUID, *, at: datetime) -> None:
    """Let the batches of content wait while a file is being written; not for ever, should its writer die."""
    await _set_pause(tx, connection_id, at + WRITING_TIME)


async def resume(tx: Tx, connection_id: UUID) -> None:
    """Let the batches of content go on."""
    await _set_pause(tx, connection_id, None)


async def _set_pause(tx: Tx, connection_id: UUID, until: datetime | None) -> None:
    await tx.execute(update(feedings).where(feedings.c.connection_id == connection_id).values(pause_time=until))


async def paused_until(tx: Tx, connection_id: UUID, *, at: datetime) -> datetime | None:
    """Tell until when the batches of content wait for a file; None when they do not."""
    mine = feedings.c.connection_id == connection_id, feedings.c.pause_time > at
    until: datetime | None = await tx.scalar(select(feedings.c.pause_time).where(*mine))
    return until


# What waits for a cancelled operation is left to the batches, which hold it back.
_WAITING = text(
    """
    SELECT retailer_id, wanted, content, offer, clearing FROM items
    WHERE connection_id = :connection AND retailer_id > :after AND content_due AND wanted
      AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = items.operation_id AND o.state = 'CANCELLED')
    ORDER BY retailer_id LIMIT :limit FOR UPDATE SKIP LOCKED
    """
)


async def load(
    tx: Tx,
    connection: Connection,
    upload_id: UUID,
    *,
    batch_id: UUID,
    after: str,
    limit: int,
    fits: Callable[[Cargo], bool],
    at: datetime,
) -> Piece | None:
    """Take the next waiting items that fit into a file, behind `after`, into a piece; None when none waits there.

    A piece has at most `limit` items and as many bytes as a batch.
    """
    given = {"connection": connection.id, "after": after, "limit": limit}
    rows = (await tx.execute(_WAITING, given)).all()
    if not rows:
        return None
    fit = [one for one in (flights.cargo_of(row, Lane.CONTENT) for row in rows) if fits(one)]
    cargo = fit[: fitting((one.size_bytes for one in fit), most_items=limit)]
    if cargo:
        values = {"connection_id": connection.id, "lane": Lane.CONTENT, "catalog_id": connection.catalog_id}
        kept = {"id": batch_id, "upload_id": upload_id, "item_count": len(cargo), "create_time": at}
        await tx.execute(insert(batches).values(**values, **kept))
        names = [one.retailer_id for one in cargo]
        loading = flights.LOADING[Lane.CONTENT]
        await tx.execute(loading, {"batch": batch_id, "connection": connection.id, "names": names, "at": at})
    return Piece(rows[-1].retailer_id if len(cargo) == len(fit) else cargo[-1].retailer_id, cargo)


async def next_batch(tx: Tx, upload_id: UUID) -> Batch | None:
    """Find a piece of an uploaded file that has no verdict yet."""
    row = (await tx.execute(select(batches).where(batches.c.upload_id == upload_id).limit(1))).one_or_none()
    return None if row is None else flights.read_batch(row)


async def named(tx: Tx, batch_id: UUID, names: list[str]) -> list[str]:
    """Pick those of these names that travel in a piece."""
    mine = items.c.batch_id == batch_id, items.c.retailer_id == text("ANY(:names)")
    return list(await tx.scalars(select(items.c.retailer_id).where(*mine), {"names": names}))
