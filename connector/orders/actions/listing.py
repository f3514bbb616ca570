"""What callers see of orders."""

from datetime import datetime
from uuid import UUID

from connector.connections import db as connections
from connector.orders.db import orders as db
from connector.orders.db.orders import Filter
from connector.orders.model.values import Order, missing
from connector.runtime import Runtime


async def find_order(
    runtime: Runtime,
    store_id: str,
    *,
    order_id: UUID | None = None,
    external_order_id: str = "",
    local_order_id: str = "",
) -> Order:
    """Find a store's order by one of its names.

    Raises:
        NotFound: ORDER_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        if order_id is not None:
            found = await db.find(tx, store_id, order_id)
        elif external_order_id:
            found = await db.by_external_id(tx, store_id, external_order_id)
        else:
            found = await db.by_local_id(tx, store_id, local_order_id)
    if found is None:
        raise missing(str(order_id or external_order_id or local_order_id))
    return found


async def list_orders(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    which: Filter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Order]:
    """List orders, the last placed first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.page(tx, connection.id, which, after=after, limit=limit)
