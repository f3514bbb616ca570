"""Hands events to StormCom: lent until they are acknowledged, given back, or too late."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from connector.events import db
from connector.events.model import Acknowledged, Lent, Returned
from connector.runtime import Runtime


async def pull(runtime: Runtime, store_id: str, consumer: str, *, limit: int, lease: timedelta) -> list[Lent]:
    """Lend out the oldest events that nobody has acknowledged or on loan. One transaction; never waits for new ones.

    Raises:
        FailedPrecondition: CONSUMER_PUSHED.

    """
    async with runtime.db.begin() as tx:
        return await db.lend(tx, store_id, consumer, limit=limit, lease=lease, at=runtime.now())


async def acknowledge(
    runtime: Runtime, store_id: str, consumer: str, ids: Collection[UUID], *, up_to: int = 0
) -> Acknowledged:
    """Acknowledge events, in any order, and all up to a position. Repeating it changes nothing."""
    async with runtime.db.begin() as tx:
        return await db.acknowledge(tx, store_id, consumer, ids, up_to=up_to, at=runtime.now())


async def give_back(
    runtime: Runtime,
    store_id: str,
    consumer: str,
    ids: Collection[UUID],
    *,
    pause: timedelta,
    reject: bool,
    message: str,
) -> Returned:
    """Take events back that could not be worked off."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        return await db.give_back(tx, store_id, consumer, ids, due=now + pause, reject=reject, message=message, at=now)


async def floor_of(runtime: Runtime, store_id: str, consumer: str) -> int:
    """Tell up to where a consumer has acknowledged everything."""
    async with runtime.db.begin() as tx:
        return await db.floor_of(tx, store_id, consumer)
