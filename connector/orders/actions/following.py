"""Has it looked at what was done to orders that StormCom was told of; the task itself is that of `order_changes`, above.

Only an order some of whose pieces were shipped or cancelled can have a cancellation, a refund or a return.
"""

from datetime import datetime
from uuid import UUID

from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.orders.db import orders as db
from connector.orders.db import sightings
from connector.orders.model.states import ImportState
from connector.orders.model.values import Order

_PIECE = 200


async def follow(tx: Tx, order: Order, *, at: datetime) -> None:
    """Have an order looked at that was just read whole."""
    if has_changes(order) and order.import_state is not ImportState.ENDED:  # of which StormCom never heard
        if order.tell_time is not None:
            await _plan(tx, order.connection_id, order.id, at=at)
    elif order.read_update_time is not None:
        await db.change(tx, order, changes_read_time=order.read_update_time)


def has_changes(order: Order) -> bool:
    """Tell whether anything can have been cancelled, given back or returned of an order."""
    return any(line.shipped_quantity or line.cancelled_quantity for line in order.lines)


async def follow_again(tx: Tx, connection_id: UUID, *, at: datetime) -> None:
    """Have orders looked at whose looking was given up."""
    for order_id in await sightings.unfollowed(tx, connection_id, limit=_PIECE):
        await _plan(tx, connection_id, order_id, at=at)


async def _plan(tx: Tx, connection_id: UUID, order_id: UUID, *, at: datetime) -> None:
    key, arguments = f"{Task.READ_CHANGES}:{order_id}", {"order_id": str(order_id)}
    await outbox.add(tx, Task.READ_CHANGES, due=at, connection_id=connection_id, key=key, arguments=arguments)
