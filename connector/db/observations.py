"""Small facts that one process notices and another tells: the Graph version Meta really answers with, and the like."""

from datetime import datetime

from sqlalchemy import Column, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata

observations = Table(
    "observations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("time", Instant, nullable=False),
)


async def note(tx: Tx, name: str, value: str, *, at: datetime) -> None:
    """Keep the newest value of a fact."""
    wish = insert(observations).values(name=name, value=value, time=at)
    await tx.execute(
        wish.on_conflict_do_update(index_elements=[observations.c.name], set_={"value": value, "time": at})
    )


async def replace(tx: Tx, name: str, value: str, *, at: datetime) -> str:
    """Keep the newest value of a fact and tell the one before; empty when there was none. Of several at once, one is told."""
    await tx.execute(insert(observations).values(name=name, value="", time=at).on_conflict_do_nothing())
    known = str(await tx.scalar(select(observations.c.value).where(observations.c.name == name).with_for_update()))
    await note(tx, name, value, at=at)
    return known


async def read(tx: Tx, name: str) -> str:
    """Tell the newest value of a fact; empty when nobody noticed anything."""
    return (await tx.execute(select(observations.c.value).where(observations.c.name == name))).scalar() or ""


async def time_of(tx: Tx, name: str) -> datetime | None:
    """Tell when a fact was last noted; None when it never was."""
    time: datetime | None = await tx.scalar(select(observations.c.time).where(observations.c.name == name))
    return time
