"""Hands events to StormCom: lent until acknowledged, or streamed as they come."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

from connector.events import db
from connector.events.model import Acknowledged, Event
from connector.runtime import Runtime

BATCH = 500
_LOOK_AGAIN = timedelta(seconds=1)


async def pull(runtime: Runtime, store_id: str, consumer: str, *, limit: int, lease: timedelta) -> list[Event]:
    """Lend out the oldest events that nobody has acknowledged or on loan. One transaction; never waits for new ones."""
    async with runtime.db.begin() as tx:
        return await db.lend(tx, store_id, consumer, limit=limit, lease=lease, at=runtime.now())


async def acknowledge(runtime: Runtime, store_id: str, consumer: str, ids: Sequence[UUID]) -> Acknowledged:
    """Acknowledge events, in any order. Repeating it changes nothing."""
    async with runtime.db.begin() as tx:
        return await db.acknowledge(tx, store_id, consumer, ids, at=runtime.now())


async def floor_of(runtime: Runtime, store_id: str, consumer: str) -> int:
    """Tell up to where a consumer has acknowledged everything."""
    async with runtime.db.begin() as tx:
        return await db.floor_of(tx, store_id, consumer)


async def follow(runtime: Runtime, store_id: str, position: int) -> AsyncIterator[list[Event]]:
    """Stream a store's events behind a position in batches, without gaps; waits for new ones for ever.

    A batch is one statement of its own, so that a slow reader holds nothing.
    """
    while True:
        ear = runtime.bell.ear(db.CHANNEL, store_id)
        async with runtime.db.execution_options(isolation_level="AUTOCOMMIT").connect() as tx:
            found = await db.behind(tx, store_id, position, limit=BATCH)
        if found:
            position = found[-1].position
            yield found
        else:
            await runtime.bell.wait(ear, _LOOK_AGAIN)
