"""The promotions of the store, all of a connection in one row: they are handed in together."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Table, Uuid, select, text
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Json, Tx, metadata
from connector.feeds.model.promotions import Named, Promotion

promotions = Table(
    "promotions",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("promotions", Json, nullable=False),
    Column("update_time", Instant, nullable=False),
)


async def put(tx: Tx, connection_id: UUID, wanted: Sequence[Promotion], *, at: datetime) -> None:
    """Store the promotions of a connection in place of those before."""
    kept = {"promotions": [one.document() for one in wanted], "update_time": at}
    wish = insert(promotions).values(connection_id=connection_id, **kept)
    await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id"], set_=kept))


async def read(tx: Tx, connection_id: UUID) -> list[Promotion] | None:
    """Read the promotions of a connection; None when none were ever handed in."""
    stored = await tx.scalar(select(promotions.c.promotions).where(promotions.c.connection_id == connection_id))
    return None if stored is None else [Promotion.read(one) for one in stored]


_NAMES = text(
    """
    SELECT DISTINCT ON (product_id) product_id, retailer_id, coalesce(content::jsonb ->> 'item_group_id', '') AS group_id
    FROM items WHERE connection_id = :connection AND product_id = ANY(CAST(:products AS text[])) AND wanted AND content IS NOT NULL
    ORDER BY product_id, retailer_id
    """
)


async def names(tx: Tx, connection_id: UUID, product_ids: Sequence[str]) -> dict[str, Named]:
    """Find how Meta knows products; the unknown ones are left out."""
    rows = await tx.execute(_NAMES, {"connection": connection_id, "products": list(product_ids)})
    return {row.product_id: Named(row.group_id or row.retailer_id, bool(row.group_id)) for row in rows}
