"""Syncs that nobody asked for: a full one every day, a delta every hour, as the connection's rules say.

A task per connection and kind exists from the go on, and comes back by itself. It never begins beside another operation, leaves
out what a cancelled operation holds back, and begins no operation for nothing. What was missed is made up for once. While the
connection cannot be worked on the task is kept as failed, and the next login brings it back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.catalog.actions.syncs import begin, carry, ready
from connector.catalog.db import plans
from connector.catalog.model.schedule import next_turn
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import observations, outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.operations import db as operations
from connector.operations.model import Draft, Kind
from connector.registry import actions as registry
from connector.registry.db import catalogue
from connector.registry.db import rules as rules_db
from connector.registry.model import Rules
from connector.runtime import Runtime

_OTHERS_PAUSE = timedelta(minutes=5)
"""Before it is looked again whether the operation that is at work has ended."""
_IDLE = timedelta(days=1)
"""Before a schedule that is switched off is looked at again; a change of the rules wakes it at once."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A kind of scheduled sync: its period, and what it is given."""

    period: Callable[[Rules], timedelta]
    scope: str


TURNS: Mapping[Task, Turn] = {
    Task.FULL_SYNC: Turn(lambda rules: rules.full_sync_period, "scheduled full"),
    Task.DELTA_SYNC: Turn(lambda rules: rules.delta_sync_period, "scheduled delta"),
}


async def next_time(tx: Tx, connection: Connection, rules: Rules, name: Task, *, at: datetime) -> datetime | None:
    """Tell when the next turn comes, now at the earliest; None before the go, and when never."""
    period = TURNS[name].period(rules)
    if connection.catalog_go_time is None or not period:
        return None
    last = await observations.time_of(tx, f"{name}:{connection.id}") or connection.catalog_go_time
    return max(at, next_turn(connection.id, period, last=last))


async def sync_on_schedule(runtime: Runtime, task: Taken) -> None:
    """Take the turn if it is time, and plan the next one. One transaction.

    Raises:
        NotFound, FailedPrecondition: the catalog cannot be worked on.

    """
    async with runtime.db.begin() as tx:
        at, store_id = runtime.now(), await _store_of(tx, task)
        connection = await ready(tx, store_id, str(task.connection_id))
        await catalogue.lock_connection(tx, connection.id)
        await outbox.hold(tx, task)
        due = await next_time(tx, connection, await rules_db.read(tx, connection.id), task.name, at=at)
        if due is None or due > at:
            await outbox.again(tx, task, due or at + _IDLE)
        elif await operations.running(tx, connection.id):
            await outbox.again(tx, task, at + _OTHERS_PAUSE)
        else:
            await _sync(tx, connection, TURNS[task.name].scope, at=at)
            await observations.note(tx, f"{task.name}:{connection.id}", "", at=at)
            await outbox.again(tx, task, at)


async def _store_of(tx: Tx, task: Taken) -> str:
    found = task.connection_id and await connections.by_id(tx, task.connection_id)
    if not found:
        raise connections.missing(str(task.connection_id))
    return found.store_id


async def _sync(tx: Tx, connection: Connection, scope: str, *, at: datetime) -> None:
    if await plans.anything(tx, connection.id, plans.SCOPES[scope]):
        draft = Draft(Kind.SYNC_CATALOG, connection.store_id, connection.id, scheduled=True)
        await carry(tx, connection, await begin(tx, draft, at=at), scope, at=at)
        await registry.plan(tx, connection, at=at)
