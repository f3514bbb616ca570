"""Tells how connections do, and keeps our own memory small.

Reads that come in while one is under way share the next: one round trip serves them all, and each still sees
everything that was committed before it was asked.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncEngine

from connector.catalog.db import snapshots
from connector.connections import db as connections
from connector.connections.model import UNSUBSCRIBE_TIME
from connector.db import outbox, requests
from connector.db.outbox import Taken, Task
from connector.events import db as events
from connector.health import db
from connector.health.db import Wanted
from connector.health.model import Status
from connector.operations import db as operations
from connector.runtime import Runtime

FASTEST = timedelta(seconds=1)
_GATHER = timedelta(milliseconds=2)
_CHECK_SUBSCRIPTIONS = timedelta(hours=24)
_KEEP_LOGINS = timedelta(days=1)
_KEEP_PROBLEMS = timedelta(days=30)
_KEEP_OPERATIONS = timedelta(days=90)
_KEEP_ACKNOWLEDGED = timedelta(days=7)
_KEEP_EVENTS = timedelta(days=90)


async def status(runtime: Runtime, store_id: str, connection_id: str) -> Status:
    """Tell the truth about a connection, from our own memory.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`.

    """
    try:
        wanted = Wanted(store_id, UUID(connection_id) if connection_id else None)
    except ValueError:
        raise connections.missing(connection_id) from None
    found = await _readers.setdefault(runtime.db, _Reader()).read(runtime, wanted)
    meant = connections.the_one([one.connection for one in found], connection_id)
    return next(one for one in found if one.connection.id == meant.id)


async def watch(runtime: Runtime, store_id: str, connection_id: str) -> AsyncIterator[Status]:
    """Tell the status at once and again whenever it changes, at most once a second."""
    told: Status | None = None
    while True:
        seen = await status(runtime, store_id, connection_id)
        if seen != told:
            told = seen
            yield seen
        await asyncio.sleep(FASTEST.total_seconds())


async def sweep(runtime: Runtime, task: Taken) -> None:
    """Forget what is of no use any more, one transaction per kind, and have old webhook subscriptions looked at."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        await connections.wipe(tx, disconnected_before=now - UNSUBSCRIBE_TIME)
        await connections.sweep(tx, logins_before=now - _KEEP_LOGINS, problems_before=now - _KEEP_PROBLEMS, at=now)
        for connection_id in await connections.unchecked(tx, before=now - _CHECK_SUBSCRIPTIONS):
            key = f"subscribe:{connection_id}"
            await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=now, connection_id=connection_id, key=key)
    async with runtime.db.begin() as tx:
        await requests.sweep(tx, at=now)
        await operations.sweep(tx, before=now - _KEEP_OPERATIONS)
        await snapshots.sweep(tx, at=now)
    async with runtime.db.begin() as tx:
        await events.sweep(tx, acknowledged_before=now - _KEEP_ACKNOWLEDGED, created_before=now - _KEEP_EVENTS)
        await outbox.done(tx, task, at=now)


@dataclass(slots=True)
class _Reader:
    """Gathers reads: those that wait while one is under way go together in the next.

    Where several callers met, the next round trip also waits a moment for more: a caller alone never waits for company.
    """

    waiting: dict[Wanted, asyncio.Future[list[Status]]] = field(default_factory=dict)
    callers: int = 0
    at_work: asyncio.Task[None] | None = None

    async def read(self, runtime: Runtime, wanted: Wanted) -> list[Status]:
        if wanted not in self.waiting:
            self.waiting[wanted] = asyncio.get_running_loop().create_future()
        self.callers += 1
        answer = self.waiting[wanted]
        if self.at_work is None or self.at_work.done():
            self.at_work = asyncio.create_task(self._work(runtime), name="status reads")
        return await asyncio.shield(answer)

    async def _work(self, runtime: Runtime) -> None:
        taken: dict[Wanted, asyncio.Future[list[Status]]] = {}
        while self.waiting:
            try:
                async with runtime.db.execution_options(isolation_level="AUTOCOMMIT").connect() as tx:
                    while self.waiting:
                        crowded, self.callers = self.callers > 1, 0
                        await asyncio.sleep(_GATHER.total_seconds() if crowded else 0)
                        taken, self.waiting = self.waiting, {}
                        found = await db.read(tx, list(taken), at=runtime.now())
                        for answer, statuses in zip(taken.values(), found, strict=True):
                            answer.set_result(statuses)
                        taken = {}
            except Exception as error:  # noqa: BLE001 – the top of a task: whatever it is belongs to those who asked
                failed = taken or self.waiting
                self.waiting = self.waiting if taken else {}
                for answer in failed.values():
                    answer.set_exception(error)
                taken = {}


_readers: WeakKeyDictionary[AsyncEngine, _Reader] = WeakKeyDictionary()
"""One reader per database this process has open; gone with it."""
