"""Commits in groups: requests in flight together share one INSERT and one COMMIT, and each is answered after that commit.

The first request never waits for company; what arrives during a commit rides on the next. When a group cannot be kept, each
of it is tried alone, so that no request suffers for another.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from connector.errors import Unavailable
from connector.webhooks.actions import KEEP_LIMIT, Keep
from connector.webhooks.model import Arrival

_HOLD_SECONDS = 1.0
_LARGEST_GROUP = 256
_LARGEST_GROUP_BYTES = 16 * 1024 * 1024
_Waiting = list[tuple[Arrival, asyncio.Future[None]]]


class Inbox:
    """Takes arrivals one by one and keeps them in groups, one group at a time.

    `keeping` is opened for the first and stays open until nothing came for a second. Nobody waits longer than `patience`, also
    when the database is silent and does not even let go of a statement.
    """

    def __init__(
        self, keeping: Callable[[], AbstractAsyncContextManager[Keep]], *, patience: timedelta = KEEP_LIMIT
    ) -> None:
        self._keeping, self._patience_seconds = keeping, patience.total_seconds()
        self._waiting: _Waiting = []
        self._arrived = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    async def put(self, arrival: Arrival) -> None:
        """Return when the arrival is committed.

        Raises:
            Unavailable: the database did not take it; nobody knows whether it did in the end.

        """
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        self._waiting.append((arrival, kept))
        self._arrived.set()
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="inbox")
        late = loop.call_later(self._patience_seconds, _let_go, kept)
        try:
            await kept
        finally:
            late.cancel()

    async def close(self) -> None:
        """Stop; whoever still waits is told nothing and sends again."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self) -> None:
        while self._waiting:
            group: _Waiting = []
            try:
                async with self._keeping() as keep:
                    while await self._more():
                        group = self._next_group()
                        await _keep_group(keep, group)
            except Exception as error:  # noqa: BLE001 – the top of this task: whoever waits learns of it
                _settle(group or self._next_group(), error)
        self._writing = None

    async def _more(self) -> bool:
        if self._waiting:
            return True
        self._arrived.clear()
        try:
            async with asyncio.timeout(_HOLD_SECONDS):
                return await self._arrived.wait()
        except TimeoutError:
            return bool(self._waiting)

    def _next_group(self) -> _Waiting:
        self._waiting = [one for one in self._waiting if not one[1].done()]  # nobody waits for the others any more
        count = size_bytes = 0
        for arrival, _ in self._waiting[:_LARGEST_GROUP]:
            size_bytes += len(arrival.body)
            if count and size_bytes > _LARGEST_GROUP_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group


async def _keep_group(keep: Keep, group: _Waiting) -> None:
    """Keep a group, or each of it alone when that fails.

    Raises:
        Unavailable: the database is gone; whoever of the group is not answered yet is not kept.

    """
    error: Exception | None = None
    try:
        await keep([arrival for arrival, _ in group])
    except Unavailable:
        raise
    except Exception as refusal:  # noqa: BLE001 – it is told to whom it concerns
        error = refusal
    if error is None or len(group) == 1:
        _settle(group, error)
        return
    for one in group:
        await _keep_group(keep, [one])


def _let_go(kept: asyncio.Future[None]) -> None:
    if not kept.done():
        message = "The connector's database did not answer in time; send again"
        kept.set_exception(Unavailable("DATABASE_UNAVAILABLE", message))


def _settle(group: _Waiting, error: Exception | None) -> None:
    for _, kept in group:
        if kept.done():  # the request is gone
            continue
        if error is None:
            kept.set_result(None)
        else:
            kept.set_exception(error)
