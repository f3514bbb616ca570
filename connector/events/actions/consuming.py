"""Consumers, their dead letters, and what is handed out to them again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from connector.errors import NotFound
from connector.events import db
from connector.events.model import AfterDeadLetter, Consumer, DeadLetter, Wanted
from connector.runtime import Runtime


async def list_consumers(runtime: Runtime, store_id: str, *, after: str, size: int) -> tuple[list[Consumer], bool]:
    """List a store's consumers by name, and tell whether there are more."""
    async with runtime.db.begin() as tx:
        found = await db.list_page(tx, store_id, after=after, limit=size + 1, at=runtime.now())
    return found[:size], len(found) > size


async def set_consumer(
    runtime: Runtime, store_id: str, name: str, *, most_deliveries: int, after_dead_letter: AfterDeadLetter
) -> Consumer:
    """Make a consumer, or treat it otherwise from now on."""
    async with runtime.db.begin() as tx:
        await db.put(tx, store_id, name, most_deliveries=most_deliveries, after_dead_letter=after_dead_letter)
        return (await db.list_page(tx, store_id, after="", name=name, limit=1, at=runtime.now()))[0]


async def forget_consumer(runtime: Runtime, store_id: str, name: str) -> None:
    """Forget a consumer.

    Raises:
        NotFound: CONSUMER_NOT_FOUND.
        FailedPrecondition: CONSUMER_PUSHED.

    """
    more = True
    while more:
        async with runtime.db.begin() as tx:
            more = await db.forget(tx, store_id, name)


async def list_dead_letters(
    runtime: Runtime, store_id: str, consumer: str, *, ordering_key: str, after: int, size: int
) -> tuple[list[DeadLetter], bool]:
    """List a consumer's dead letters, oldest event first, and tell whether there are more.

    Raises:
        NotFound: CONSUMER_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        if not await db.list_page(tx, store_id, after="", name=consumer, limit=1, at=runtime.now()):
            raise NotFound("CONSUMER_NOT_FOUND", "No such consumer in this store", consumer=consumer)
        found = await db.dead_letters(tx, store_id, consumer, ordering_key=ordering_key, after=after, limit=size + 1)
    return found[:size], len(found) > size


async def redrive(
    runtime: Runtime, store_id: str, consumer: str, *, ids: Collection[UUID] | None, ordering_key: str
) -> int:
    """Hand dead letters out again: those named, those of a key, or all, in pieces, each once. Tells how many."""
    count, after = 0, 0
    while True:
        async with runtime.db.begin() as tx:
            piece = await db.redrive(
                tx, store_id, consumer, ids=ids, ordering_key=ordering_key, after=after, at=runtime.now()
            )
        count += len(piece)
        if len(piece) < db.PIECE:
            return count
        after = max(piece)


async def replay(
    runtime: Runtime,
    store_id: str,
    consumer: str,
    wanted: Wanted,
    *,
    since: datetime | None,
    dry_run: bool,
) -> int:
    """Hand events out again, behind a position or since a time; tells how many, or how many it would be."""
    async with runtime.db.begin() as tx:
        if since:
            wanted = Wanted(await db.first_since(tx, store_id, since), wanted.kinds, wanted.ordering_key)
        if dry_run:
            return await db.count(tx, store_id, consumer, wanted)
        return await db.replay(tx, store_id, consumer, wanted, at=runtime.now())
