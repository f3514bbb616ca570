"""Streams the log from a position on: without gaps, whoever writes, and holding nothing while its reader thinks."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connector.db.schema import at_once
from connector.events import db
from connector.events.model import Event
from connector.runtime import Runtime

BATCH = 500
# A ring is missed only while the bell is down, and everybody looks again when it is back.
_LOOK_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of the log; without events it is a sign of life."""

    events: Sequence[Event]
    position: int
    """How far the log was read."""
    waiting: bool = False
    """No more is sent until something is acknowledged."""


@dataclass(slots=True)
class _Room:
    """How many events may still be sent: what a consumer has not acknowledged fills it."""

    runtime: Runtime
    store_id: str
    consumer: str
    most: int
    sent: list[int] = field(default_factory=list)

    async def free(self) -> int:
        """Tell how many may go; asks what was acknowledged only when it is full."""
        if len(self.sent) >= self.most:
            async with at_once(self.runtime.db) as tx:
                self.sent = await db.unsettled(tx, self.store_id, self.consumer, self.sent)
        return self.most - len(self.sent)


async def follow(
    runtime: Runtime,
    store_id: str,
    position: int,
    *,
    consumer: str = "",
    most_unacknowledged: int = 0,
    kinds: Collection[str] = (),
    idle: timedelta | None = None,
) -> AsyncGenerator[Batch]:
    """Stream a store's events behind a position in batches; waits for new ones for ever.

    A batch is one statement of its own, so that a slow reader holds nothing. With `most_unacknowledged`, no more of them are on
    their way to `consumer`. After `idle` without an event comes an empty batch.
    """
    room = _Room(runtime, store_id, consumer, most_unacknowledged) if most_unacknowledged else None
    quiet = _Quiet(idle)
    while True:
        news, credit = (runtime.bell.ear(db.CHANNEL, key) for key in (store_id, db.credit(store_id, consumer)))
        free = await room.free() if room else BATCH
        found = await _read(runtime, store_id, position, limit=min(free, BATCH), kinds=kinds) if free else []
        shown = [event for event in found if not kinds or event.kind in kinds]
        position = found[-1].position if found else position
        if shown:
            if room:
                room.sent += [event.position for event in shown]
            yield Batch(shown, position)
            quiet.interrupt()
        elif not found:
            await runtime.bell.wait(news if free else credit, min(_LOOK_AGAIN, quiet.left()))
        if quiet.over():
            yield Batch((), position, waiting=not free)


async def _read(runtime: Runtime, store_id: str, position: int, *, limit: int, kinds: Collection[str]) -> list[Event]:
    async with at_once(runtime.db) as tx:
        return await db.behind(tx, store_id, position, limit=limit, kinds=list(kinds))


class _Quiet:
    """Knows when a stream has been silent for so long that it says so."""

    def __init__(self, limit: timedelta | None) -> None:
        self._limit = limit
        self.interrupt()

    def interrupt(self) -> None:
        """Begin the silence anew."""
        self._end = asyncio.get_running_loop().time() + self._limit.total_seconds() if self._limit else None

    def left(self) -> timedelta:
        """Tell how long the silence may still last."""
        if self._end is None:
            return _LOOK_AGAIN
        return timedelta(seconds=max(0.0, self._end - asyncio.get_running_loop().time()))

    def over(self) -> bool:
        """Tell whether it has lasted long enough; it then begins anew."""
        if self._end is None or asyncio.get_running_loop().time() < self._end:
            return False
        self.interrupt()
        return True
