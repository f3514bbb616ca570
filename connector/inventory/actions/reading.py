"""Tells about stock, from our own memory."""

from collections.abc import Mapping

from connector.connections import db as connections
from connector.errors import NotFound
from connector.inventory.db import listing as db
from connector.inventory.model.snapshot import Snapshot
from connector.runtime import Runtime


async def find_snapshot(runtime: Runtime, store_id: str, connection_id: str, named: Mapping[str, str]) -> Snapshot:
    """Find the stock of one item by the columns that name it.

    Raises:
        NotFound: ITEM_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        snapshot = await db.find(tx, connection.id, **named)
    if snapshot is None:
        raise NotFound("ITEM_NOT_FOUND", "No such item in this connection", **named)
    return snapshot


async def list_snapshots(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    product_id: str,
    unconfirmed_only: bool,
    failed_only: bool,
    after: str,
    limit: int,
) -> list[Snapshot]:
    """List the stock of items in the order of their names, behind `after`."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        only = {"product_id": product_id, "unconfirmed_only": unconfirmed_only, "failed_only": failed_only}
        return await db.page(tx, connection.id, after=after, limit=limit, **only)  # type: ignore[arg-type] # by name
