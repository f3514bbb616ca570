"""Tells about items, from our own memory."""

from collections.abc import Mapping, Sequence

from connector.catalog.db import listing as db
from connector.catalog.db.listing import Item
from connector.connections import db as connections
from connector.errors import NotFound
from connector.runtime import Runtime


async def find_item(runtime: Runtime, store_id: str, connection_id: str, named: Mapping[str, str]) -> Item:
    """Find one item by the columns that name it.

    Raises:
        NotFound: ITEM_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        item = await db.find(tx, connection.id, **named)
    if item is None:
        raise NotFound("ITEM_NOT_FOUND", "No such item in this connection", **named)
    return item


async def list_items(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    after: str,
    limit: int,
    states: Sequence[str],
    product_id: str,
    reason: str,
) -> list[Item]:
    """List items in the order of their names, behind `after`."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.page(
            tx, connection.id, after=after, limit=limit, states=states, product_id=product_id, reason=reason
        )
