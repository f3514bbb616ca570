"""Unlinks a connection."""

from datetime import datetime
from typing import Any

from connector.alerts import db as alerts
from connector.connections import db
from connector.connections.actions.news import tell
from connector.connections.model import Connection, State
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.operations import db as operations
from connector.operations.model import Kind
from connector.runtime import Runtime


async def disconnect(runtime: Runtime, store_id: str, connection_id: str) -> Connection:
    """Unlink a connection, whatever it is at. Repeating it changes nothing."""
    async with runtime.db.begin() as tx:
        connection = await db.require(tx, store_id, connection_id, lock=True)
        await db.withdraw_logins(tx, connection.id, at=runtime.now())
        if connection.state is State.DISCONNECTED:
            return connection
        return await unlink(tx, connection, at=runtime.now())


async def unlink(tx: Tx, connection: Connection, *, at: datetime, reason: str = "") -> Connection:
    """Unlink a connection in the caller's transaction, which has locked it.

    The person's token is wiped at once. The Page's stays sealed, out of reach of all other work, until the Page is
    unsubscribed with it, at most an hour. Operations end FAILED, alerts close; products, ids and conversations stay.
    """
    await db.withdraw_logins(tx, connection.id, at=at)
    wiped: dict[str, Any] = {"user_token": None, "offer": None, "blocks": {}, **db.NOTHING_WAITS}
    linked = connection.live
    connection = await db.change(tx, connection.id, at=at, state=State.DISCONNECTED, reason=reason, **wiped)
    await stop_work(tx, connection, at=at)
    if linked:
        key = f"unsubscribe:{connection.id}"
        await outbox.add(tx, Task.UNSUBSCRIBE_PAGE, due=at, connection_id=connection.id, key=key)
        await tell(tx, connection, at=at)
    return connection


async def begin_anew(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Let go of what a new login makes the past: a leaving under way, and announced ends of the tokens before."""
    for operation in await operations.running(tx, connection.id):
        if operation.kind is Kind.LEAVE_CATALOG:
            await operations.cancel(tx, operation.id, at=at)
    for reason in ("TOKEN_EXPIRES_SOON", "DATA_ACCESS_EXPIRES_SOON"):
        await alerts.close_alert(tx, connection.store_id, connection.id, reason, at=at)


async def stop_work(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """End what is at work on a connection that takes no more work: operations, periodic tasks, alerts."""
    for operation in await operations.running(tx, connection.id):
        await operations.fail(tx, operation.id, "STORE_NOT_CONNECTED", at=at)
    await outbox.forget_periodic(tx, connection.id)  # before the alerts: no turn under way opens one behind our back
    await alerts.close_all(tx, connection.store_id, connection.id, at=at)
