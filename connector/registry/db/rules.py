"""The rules of a connection's catalog; a connection nobody set rules for has the usual ones."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Column, Integer, Interval, Table, Uuid, select
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata
from connector.registry.model import Rules

rules = Table(
    "rules",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("guard_percent", Integer, nullable=False),
    Column("guard_items", Integer, nullable=False),
    Column("full_sync_period", Interval, nullable=False),
    Column("delta_sync_period", Interval, nullable=False),
    Column("safety_stock", Integer, nullable=False),
    Column("last_units", Integer, nullable=False),
    Column("hide_unconfirmed", Boolean, nullable=False),
    Column("flip_alarm_percent", Integer, nullable=False),
    Column("update_time", Instant, nullable=False),
)


async def read(tx: Tx, connection_id: UUID) -> Rules:
    """Read the rules of a connection."""
    columns = (rules.c[name] for name in Rules.__slots__)
    row = (await tx.execute(select(*columns).where(rules.c.connection_id == connection_id))).one_or_none()
    return Rules() if row is None else Rules(*row)


async def changed_at(tx: Tx, connection_id: UUID) -> datetime | None:
    """Tell when the rules of a connection were last set; None: never."""
    time: datetime | None = await tx.scalar(select(rules.c.update_time).where(rules.c.connection_id == connection_id))
    return time


async def write(tx: Tx, connection_id: UUID, wanted: Rules, *, at: datetime) -> None:
    """Store the rules of a connection."""
    values = asdict(wanted) | {"update_time": at}
    wish = insert(rules).values(connection_id=connection_id, **values)
    await tx.execute(wish.on_conflict_do_update(index_elements=[rules.c.connection_id], set_=values))
