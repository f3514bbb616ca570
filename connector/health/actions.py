"""Tells how connections do.

Reads that come in while one is under way share the next: one round trip serves them all, and each still sees
everything that was committed before it was asked.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from connector.connections import db as connections
from connector.db import walls
from connector.db.schema import at_once
from connector.health import db
from connector.health.db import Wanted
from connector.health.model import Status
from connector.runtime import Runtime

FASTEST = timedelta(seconds=1)
_MOST_READS = 64


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


async def _read(runtime: Runtime, wanted: Sequence[Wanted]) -> list[list[Status]]:
    """Read in one round trip what several callers want; callers who want the same share it."""
    distinct, apps = list(dict.fromkeys(wanted)), {name.value: app.app_id for name, app in runtime.apps.items()}
    with walls.together(*{one.store_id for one in wanted}):
        async with at_once(runtime.db) as tx:
            found = dict(zip(distinct, await db.read(tx, distinct, apps=apps, at=runtime.now()), strict=True))
    return [found[one] for one in wanted]
