"""Raises the alerts about orders, and ends them: what is not with StormCom in time, and what stands still until somebody acts."""

from datetime import datetime, timedelta
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.orders.db import watching as db
from connector.pieces import Cursor, go_through
from connector.runtime import Runtime

IN_TIME = timedelta(minutes=15)
"""Within which StormCom should have an order that is placed."""
LATE, STUCK = "ORDER_NOT_IMPORTED", "ORDER_QUARANTINED"


async def watch_orders(runtime: Runtime, task: Taken) -> None:
    """Look at every connection with orders that are late or stand still, or with an open alert about it: a transaction for each."""
    await go_through(runtime, task, _watch)


async def _watch(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    after, before = UUID(cursor.get("after", str(UUID(int=0)))), at - IN_TIME
    connection_id = await db.next_watched(tx, after, [LATE, STUCK], before=before)
    connection = connection_id and await connections.by_id(tx, connection_id)
    if not connection:
        return {"after": str(connection_id)} if connection_id else None
    counted = await db.count(tx, connection.id, before=before)
    for reason, count, alert in ((LATE, counted.late, _late), (STUCK, counted.stuck, _stuck)):
        if count:
            await alerts.open_alert(tx, connection.store_id, connection.id, alert(count), at=at)
        else:
            await alerts.close_alert(tx, connection.store_id, connection.id, reason, at=at)
    return {"after": str(connection.id)}


def _late(count: int) -> Alert:
    return Alert(
        LATE,
        f"{count} orders from Facebook are not in StormCom yet",
        "They were placed more than 15 minutes ago. StormCom has not answered, or they could not be read: ListOrders tells which.",
        fix_rpc="ListOrders",
        item_count=count,
    )


def _stuck(count: int) -> Alert:
    return Alert(
        STUCK,
        f"{count} orders from Facebook need a person",
        "They were refused, or what Facebook says of them cannot be right. Each says why: mend it, then press Retry, or cancel it.",
        fix_rpc="RetryOrder",
        item_count=count,
    )
