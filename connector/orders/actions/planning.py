"""Asks for the tasks of orders: any number of wishes for the same one join, and one that comes while it is done has it done once more."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx


async def plan_poll(tx: Tx, connection_id: UUID, *, at: datetime) -> None:
    """Have orders looked for now, besides every five minutes."""
    key = f"{outbox.PERIODIC}{Task.POLL_ORDERS}:{connection_id}"
    await outbox.add(tx, Task.POLL_ORDERS, due=at, connection_id=connection_id, key=key)


async def plan_reading(tx: Tx, connection_id: UUID, order_ids: Sequence[UUID], *, at: datetime) -> None:
    """Have orders read, each by itself: one that cannot be read holds no other up."""
    for order_id in sorted(order_ids):
        key, arguments = f"{Task.READ_ORDER}:{order_id}", {"order_id": str(order_id)}
        await outbox.add(tx, Task.READ_ORDER, due=at, connection_id=connection_id, key=key, arguments=arguments)


async def plan_import(tx: Tx, connection_id: UUID, *, at: datetime) -> None:
    """Have orders read many at once that were never read, or whose last reading may be out of date."""
    key = f"{Task.IMPORT_ORDERS}:{connection_id}"
    await outbox.add(tx, Task.IMPORT_ORDERS, due=at, connection_id=connection_id, key=key)


async def plan_acknowledging(tx: Tx, connection_id: UUID, *, due: datetime) -> None:
    """Have Meta told of what StormCom has; wishes of the same moment are told together."""
    key = f"{Task.ACKNOWLEDGE_ORDERS}:{connection_id}"
    await outbox.add(tx, Task.ACKNOWLEDGE_ORDERS, due=due, connection_id=connection_id, key=key)
