"""Commits in groups: requests in flight together share one INSERT and one COMMIT, and each is answered after that commit.

The first request never waits for company; what arrives during a commit rides on the next. When a group cannot be kept, each
of it is tried alone, so that no request suffers for another.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from connector.errors import Unavailable
from connector.webhooks.model import Arrival

Keep = Callable[[Sequence[Arrival]], Awaitable[None]]
_LARGEST_GROUP = 256
_LARGEST_GROUP_BYTES = 16 * 1024 * 1024


class Inbox:
    """Takes arrivals one by one and hands them to `keep` in groups, one group at a time."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._waiting: list[tuple[Arrival, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, arrival: Arrival) -> None:
        """Return when the arrival is committed.

        Raises:
            Unavailable: the database did not take it; nobody knows whether it did in the end.

        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="inbox")
        await kept

    async def _write(self) -> None:
        while self._waiting:
            group = self._next_group()
            try:
                await self._keep([arrival for arrival, _ in group])
            except Unavailable as error:
                _settle(group, error)
            except Exception as error:  # noqa: BLE001 – the top of this task: whoever waits learns of it
                await self._write_each(group, error)
            else:
                _settle(group, None)
        self._writing = None

    async def _write_each(self, group: list[tuple[Arrival, asyncio.Future[None]]], error: Exception) -> None:
        if len(group) == 1:
            _settle(group, error)
            return
        for one in group:
            try:
                await self._keep([one[0]])
            except Exception as own:  # noqa: BLE001 – as above
                _settle([one], own)
            else:
                _settle([one], None)

    def _next_group(self) -> list[tuple[Arrival, asyncio.Future[None]]]:
        count = size_bytes = 0
        for arrival, _ in self._waiting[:_LARGEST_GROUP]:
            size_bytes += len(arrival.body)
            if count and size_bytes > _LARGEST_GROUP_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group


def _settle(group: list[tuple[Arrival, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, kept in group:
        if kept.done():  # the request is gone
            continue
        if error is None:
            kept.set_result(None)
        else:
            kept.set_exception(error)
