"""Raises the alerts about orders, and ends them: what is late at StormCom or Meta, what stands still until somebody acts, and blindness."""

from dataclasses import replace
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
"""Within which StormCom should have an order that is placed, and orders should have been looked for."""
# graph-api.md 6.1 (Meta's order guide): from then on an order that Meta still processes can be cancelled.
PROCESSED_IN_TIME = timedelta(hours=24)
LATE, STUCK, PROCESSED, UNSEEN = "ORDER_NOT_IMPORTED", "ORDER_QUARANTINED", "ORDER_PROCESSED_LONG", "ORDERS_UNSEEN"


async def watch_orders(runtime: Runtime, task: Taken) -> None:
    """Look at every connection with something wrong about its orders, or with an open alert about it: a transaction for each."""
    await go_through(runtime, task, _watch)


async def _watch(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    after, due = (
        UUID(cursor.get("after", str(UUID(int=0)))),
        {"late": at - IN_TIME, "processed": at - PROCESSED_IN_TIME},
    )
    connection_id = await db.next_watched(tx, after, [LATE, STUCK, PROCESSED, UNSEEN], **due)
    connection = connection_id and await connections.by_id(tx, connection_id)
    if not connection:
        return {"after": str(connection_id)} if connection_id else None
    counted = await db.count(tx, connection.id, **due)
    counts = (LATE, counted.late), (STUCK, counted.stuck), (PROCESSED, counted.processed), (UNSEEN, int(counted.unseen))
    for reason, count in counts:
        if count:
            alert = replace(_ALERTS[reason], title=_ALERTS[reason].title.format(count), item_count=count)
            await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at)
        else:
            await alerts.close_alert(tx, connection.store_id, connection.id, reason, at=at)
    return {"after": str(connection.id)}


_ALERTS = {
    one.reason: one
    for one in (
        Alert(
            LATE,
            "{} orders from Facebook are not in StormCom yet",
            "They were placed more than 15 minutes ago. StormCom has not answered, or they could not be read: ListOrders tells which.",
            fix_rpc="ListOrders",
        ),
        Alert(
            STUCK,
            "{} orders from Facebook need a person",
            "They were refused, or what Facebook says of them cannot be right. Each says why: mend it, then press Retry, or cancel it.",
            fix_rpc="RetryOrder",
        ),
        Alert(
            PROCESSED,
            "{} orders have been processed at Facebook for more than a day",
            "Facebook has neither placed nor dropped them, and their pieces stay aside. From now on Facebook lets you cancel them.",
            fix_rpc="CancelOrder",
        ),
        Alert(
            UNSEEN,
            "New orders from Facebook cannot be seen",
            "For more than 15 minutes Facebook has not answered when we looked for orders. We go on trying, and make up for what was missed.",
            fix_rpc="PollOrders",
        ),
    )
}
