"""How many items went out of stock by what we were told, by the minute: so that a mass of them is noticed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Uuid, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from connector.alerts.model import MOST_SAMPLES
from connector.db.schema import Instant, Json, Tx, metadata
from connector.registry.db.catalogue import items

flips = Table(
    "flips",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("time", Instant, nullable=False, comment="the minute"),
    Column("sold_out", Integer, nullable=False, comment="items that went out of stock in it"),
    Column("sample_retailer_ids", Json, nullable=False),
    PrimaryKeyConstraint("connection_id", "time"),
)


@dataclass(frozen=True, slots=True)
class Flips:
    """What went out of stock in a while."""

    sold_out: int
    sample_retailer_ids: Sequence[str]


async def note(tx: Tx, connection_id: UUID, names: Sequence[str], *, at: datetime) -> None:
    """Note that these items go out of stock."""
    if not names:
        return
    values = {"sold_out": len(names), "sample_retailer_ids": sorted(names)[:MOST_SAMPLES]}
    minute = at.replace(second=0, microsecond=0)
    wish = insert(flips).values(connection_id=connection_id, time=minute, **values)
    more = {"sold_out": flips.c.sold_out + wish.excluded.sold_out}
    await tx.execute(wish.on_conflict_do_update(index_elements=[flips.c.connection_id, flips.c.time], set_=more))


async def since(tx: Tx, connection_id: UUID, time: datetime) -> Flips:
    """Count what went out of stock since a moment; what lies before it is forgotten."""
    mine = flips.c.connection_id == connection_id
    await tx.execute(delete(flips).where(mine, flips.c.time <= time))
    rows = (await tx.execute(select(flips.c.sold_out, flips.c.sample_retailer_ids).where(mine))).all()
    samples = sorted({name for row in rows for name in row.sample_retailer_ids})
    return Flips(sum(row.sold_out for row in rows), samples[:MOST_SAMPLES])


async def standing(tx: Tx, connection_id: UUID, *, most: int) -> int:
    """Count the items that stand at Meta, as far as `most`."""
    mine = items.c.connection_id == connection_id, items.c.wanted, items.c.stands
    some = select(text("1")).select_from(items).where(*mine).limit(most).subquery()
    return int(await tx.scalar(select(func.count()).select_from(some)) or 0)
