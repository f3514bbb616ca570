"""Stock as callers read it."""

from uuid import UUID

from sqlalchemy import ColumnElement, select

from connector.db.schema import Tx
from connector.inventory.model.snapshot import Snapshot
from connector.registry.db.catalogue import items

_SHOWN = [items.c[name] for name in Snapshot.__slots__]


async def find(tx: Tx, connection_id: UUID, **named: str) -> Snapshot | None:
    """Find the stock of one item that is wanted, by columns that name it."""
    mine = (items.c[name] == value for name, value in named.items())
    rows = await tx.execute(select(*_SHOWN).where(items.c.connection_id == connection_id, items.c.wanted, *mine))
    row = rows.one_or_none()
    return None if row is None else Snapshot(*row)


async def page(
    tx: Tx, connection_id: UUID, *, product_id: str, unconfirmed_only: bool, failed_only: bool, after: str, limit: int
) -> list[Snapshot]:
    """List the stock of items that are wanted in the order of their names, behind `after`."""
    wanted: list[ColumnElement[bool]] = [
        items.c.connection_id == connection_id,
        items.c.wanted,
        items.c.retailer_id > after,
    ]
    if product_id:
        wanted.append(items.c.product_id == product_id)
    if unconfirmed_only:
        wanted.append(items.c.unconfirmed)
    if failed_only:
        wanted.append(items.c.stock_error.is_not(None))
    rows = await tx.execute(select(*_SHOWN).where(*wanted).order_by(items.c.retailer_id).limit(limit))
    return [Snapshot(*row) for row in rows]
