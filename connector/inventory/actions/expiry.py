"""Lets go of holds whose time has come, and tells StormCom once.

Whoever is first does it: the task of the connection, due at the moment the next hold expires; whoever reserves what an
expired hold held; or the clock, which also forgets what ended long ago.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft as Event
from connector.inventory.actions.reserves import let_go
from connector.inventory.db import holds as db
from connector.inventory.model.holds import KEPT, Hold, State
from connector.pieces import Cursor, go_through
from connector.runtime import Runtime

_PIECE = 500


async def plan_expiry(tx: Tx, connection_id: UUID, due: datetime) -> None:
    """Ask for the letting go of holds that expire at a moment."""
    key = f"{Task.EXPIRE_HOLDS}:{connection_id}"
    await outbox.add(tx, Task.EXPIRE_HOLDS, due=due, connection_id=connection_id, key=key)


async def end_expired(tx: Tx, some: Sequence[Hold], *, at: datetime) -> None:
    """End holds whose pieces are let go of, and tell StormCom."""
    await db.end(tx, [hold.id for hold in some], State.EXPIRED, at=at)
    await events.append(tx, *(_told(replace(hold, state=State.EXPIRED, end_time=at)) for hold in some), at=at)


def _told(hold: Hold) -> Event:
    body = {"hold": hold.document(at=hold.expire_time)}
    return Event(hold.store_id, hold.connection_id, f"hold:{hold.id}", "hold_expired", body)


async def expire_holds(runtime: Runtime, task: Taken) -> None:
    """Let go of what expired holds hold: of the task's connection, and come back when the next expires; without one, of all."""
    if task.connection_id:
        await _expire_in_time(runtime, task, task.connection_id)
    else:
        await go_through(runtime, task, _sweep)


async def _expire_in_time(runtime: Runtime, task: Taken, connection_id: UUID) -> None:
    async with runtime.db.begin() as tx:
        at = runtime.now()
        more = await expire_in(tx, connection_id, at=at)
        # Last, as for whoever reserves; from here on no further wish can join, so the next to expire is known.
        task = await outbox.hold(tx, task)
        due = at if more else await db.next_expiry(tx, connection_id)
        await (outbox.again(tx, task, due) if due else outbox.done(tx, task, at=at))


async def expire_in(tx: Tx, connection_id: UUID, *, at: datetime) -> bool:
    """Let go of some expired holds of a connection; tells whether there may be more."""
    connection = await connections.by_id(tx, connection_id)
    if connection is None:
        raise connections.missing(str(connection_id))
    if some := await db.lock_expired(tx, connection_id, at=at, limit=_PIECE):
        await let_go(tx, connection, some, at=at)
        await end_expired(tx, some, at=at)
    return len(some) == _PIECE


async def _sweep(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    if connection_id := await db.with_expired(tx, at=at):
        await expire_in(tx, connection_id, at=at)
        return cursor
    await db.sweep(tx, ended_before=at - KEPT, limit=_PIECE)
    return None
