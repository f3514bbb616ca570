"""How many items a batch of a catalog may hold since Meta found one too large; it grows back while all goes well.

Only Meta knows its limit, and it changes: so the size that worked is kept, and a larger one is tried an hour later.
"""

from datetime import datetime, timedelta

from sqlalchemy import Column, Integer, Table, Text, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata
from connector.registry.model import LARGEST_BATCH, narrower, wider

narrowings = Table(
    "narrowings",
    metadata,
    Column("catalog_id", Text, primary_key=True),
    Column("item_count", Integer, nullable=False, comment="how many items a batch may hold"),
    Column("time", Instant, nullable=False, comment="when that last changed"),
)
_GROWTH_TIME = timedelta(hours=1)


async def most_items(tx: Tx, catalog_id: str) -> int:
    """Tell how many items a batch of a catalog may hold."""
    return (
        await tx.scalar(select(narrowings.c.item_count).where(narrowings.c.catalog_id == catalog_id)) or LARGEST_BATCH
    )


async def narrow(tx: Tx, catalog_id: str, item_count: int, *, at: datetime) -> None:
    """Remember that Meta found a batch of so many items too large; what was found of a smaller one stands."""
    wish = insert(narrowings).values(catalog_id=catalog_id, item_count=narrower(item_count), time=at)
    smallest = func.least(narrowings.c.item_count, wish.excluded.item_count)
    same = {"item_count": smallest, "time": wish.excluded.time}
    await tx.execute(wish.on_conflict_do_update(index_elements=[narrowings.c.catalog_id], set_=same))


async def widen(tx: Tx, catalog_id: str, item_count: int, *, at: datetime) -> None:
    """Let the next batches be larger after one of so many items went well, if that is the most allowed, and not too often."""
    mine = narrowings.c.catalog_id == catalog_id, narrowings.c.item_count <= item_count
    calm = *mine, narrowings.c.time <= at - _GROWTH_TIME
    if (grown := wider(item_count)) is None:
        await tx.execute(delete(narrowings).where(*calm))
    else:
        await tx.execute(update(narrowings).where(*calm).values(item_count=grown, time=at))
