"""How long a store wants its messages kept. Shared: what is swept by age must not come in again either."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata

SHORTEST, LONGEST = timedelta(days=30), timedelta(days=3650)
USUAL = timedelta(days=730)
"""How long messages stay in a store that never said anything."""

retentions = Table(
    "retentions",
    metadata,
    Column("store_id", Text, primary_key=True),
    Column("message_days", Integer, nullable=False, comment="messages older than this go"),
    Column("update_time", Instant, nullable=False),
    CheckConstraint(f"message_days BETWEEN {SHORTEST.days} AND {LONGEST.days}", "sensible"),
)


async def of_stores(tx: Tx, store_ids: Collection[str]) -> dict[str, timedelta]:
    """Tell of each store how long it keeps messages."""
    wanted = select(retentions.c.store_id, retentions.c.message_days).where(retentions.c.store_id.in_(store_ids))
    said = {row.store_id: timedelta(days=row.message_days) for row in await tx.execute(wanted)}
    return {store_id: said.get(store_id, USUAL) for store_id in store_ids}


async def keep(tx: Tx, store_id: str, days: int, *, at: datetime) -> None:
    """Set how long a store keeps messages."""
    values = {"message_days": days, "update_time": at}
    wish = insert(retentions).values(store_id=store_id, **values)
    await tx.execute(wish.on_conflict_do_update(index_elements=[retentions.c.store_id], set_=values))
