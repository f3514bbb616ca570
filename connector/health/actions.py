"""Tells how connections do, and keeps our own memory small.

Reads that come in while one is under way share the next: one round trip serves them all, and each still sees
everything that was committed before it was asked.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from connector.adoption.db import scans
from connector.budgets import db as budgets
from connector.catalog.db import snapshots
from connector.connections import db as connections
from connector.connections.model import UNSUBSCRIBE_TIME
from connector.db import outbox, requests
from connector.db.outbox import Taken, Task
from connector.events import db as events
from connector.feeds import actions as feeds
from connector.health import db
from connector.health.db import Wanted
from connector.health.model import Status
from connector.operations import db as operations
from connector.runtime import Runtime

FASTEST = timedelta(seconds=1)
_MOST_READS = 64
_CHECK_SUBSCRIPTIONS = timedelta(hours=24)
_KEEP_PLACES = timedelta(days=1)
_KEEP_LOGINS = timedelta(days=1)
_KEEP_PROBLEMS = timedelta(days=30)
_KEEP_OPERATIONS = timedelta(days=90)
_KEEP_SCANS, _FORGOTTEN = timedelta(days=30), 5_000
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
    found = await runtime.gather.ask("status", wanted, partial(_read, runtime), most=_MOST_READS)
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
    """Forget what is of no use any more, one transaction per kind.

    Also has old webhook subscriptions looked at, and what was given up for no lasting reason tried again: items wait for it.
    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        await connections.wipe(tx, disconnected_before=now - UNSUBSCRIBE_TIME)
        await connections.sweep(tx, logins_before=now - _KEEP_LOGINS, problems_before=now - _KEEP_PROBLEMS, at=now)
        for connection_id in await connections.unchecked(tx, before=now - _CHECK_SUBSCRIPTIONS):
            key = f"subscribe:{connection_id}"
            await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=now, connection_id=connection_id, key=key)
    async with runtime.db.begin() as tx:
        await outbox.revive_passing(tx, at=now)
    async with runtime.db.begin() as tx:
        await requests.sweep(tx, at=now)
        await budgets.sweep(tx, before=now - _KEEP_PLACES)
        await operations.sweep(tx, before=now - _KEEP_OPERATIONS)
    for forget in (_forget_snapshots, _forget_events, _forget_uploads, _forget_scans):
        while await forget(runtime):
            pass
    async with runtime.db.begin() as tx:
        await outbox.done(tx, task, at=now)


async def _forget_snapshots(runtime: Runtime) -> bool:
    """Forget a piece of what outlived its time; tells whether there was any."""
    async with runtime.db.begin() as tx:
        return await snapshots.sweep(tx, at=runtime.now())


async def _forget_events(runtime: Runtime) -> bool:
    """Forget a piece of what outlived its time; tells whether there was any."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        return await events.sweep(tx, acknowledged_before=now - _KEEP_ACKNOWLEDGED, created_before=now - _KEEP_EVENTS)


async def _forget_uploads(runtime: Runtime) -> bool:
    """Forget a piece of what outlived its time; tells whether there was any."""
    async with runtime.db.begin() as tx:
        return await feeds.sweep(tx, at=runtime.now())


async def _forget_scans(runtime: Runtime) -> bool:
    """Forget a piece of what outlived its time; tells whether there was any."""
    async with runtime.db.begin() as tx:
        return await scans.sweep(tx, disconnected_before=runtime.now() - _KEEP_SCANS, limit=_FORGOTTEN)


async def _read(runtime: Runtime, wanted: Sequence[Wanted]) -> list[list[Status]]:
    """Read in one round trip what several callers want; callers who want the same share it."""
    distinct, apps = list(dict.fromkeys(wanted)), {name.value: app.app_id for name, app in runtime.apps.items()}
    async with runtime.db.execution_options(isolation_level="AUTOCOMMIT").connect() as tx:
        found = dict(zip(distinct, await db.read(tx, distinct, apps=apps, at=runtime.now()), strict=True))
    return [found[one] for one in wanted]
