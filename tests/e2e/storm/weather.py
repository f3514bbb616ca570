"""The weather: processes killed, Redis emptied and killed, PostgreSQL broken off, at times that a seed decides.

Everything that was taken down is brought back; `until` leaves all of it running.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from stack.problems import StackError
from stack.process import Process
from stack.supervisor import Stack

KILLED = ("ingress", "connector", "relay", "worker-fast", "worker-bulk")
CALM: Mapping[str, float] = {}
SHORT: Mapping[str, float] = {"kills": 2.0, "flushes": 2.0, "crashes": 6.0}
LONG: Mapping[str, float] = {"kills": 2.0, "flushes": 3.0, "crashes": 20.0}
"""How many seconds lie between two of a kind, on average."""


@dataclass(slots=True)
class Weather:
    """What may happen to a stack and to a second ingress; `counts` tells what did."""

    stack: Stack
    second: Process
    noise: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    _returning: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @asynccontextmanager
    async def rage(self, every_seconds: Mapping[str, float]) -> AsyncIterator[None]:
        """Rage for the length of the block; afterwards everything runs."""
        over = asyncio.Event()
        kinds = {"kills": self._kill, "flushes": self._flush, "crashes": self._crash}
        raging = [
            asyncio.create_task(self._again(over, kind, kinds[kind], seconds))
            for kind, seconds in every_seconds.items()
        ]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*raging)
            await asyncio.gather(*self._returning.values())

    @asynccontextmanager
    async def without_redis(self) -> AsyncIterator[None]:
        """Have no Redis at all for the length of the block."""
        redis = self.stack.servers.redis
        assert redis
        await asyncio.to_thread(redis.kill)
        try:
            yield
        finally:
            await asyncio.to_thread(redis.start)

    async def _again(self, over: asyncio.Event, kind: str, act: Callable[[], Awaitable[None]], seconds: float) -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds * self.noise.uniform(0.4, 1.6)):
                    await over.wait()
            if not over.is_set():
                await act()
                self.counts[kind] += 1

    async def _kill(self) -> None:
        """Kill one of those that are up; it comes back while others die."""
        up = [name for name in (*KILLED, "second", "redis") if name not in self._returning]
        if not up:
            self.counts["kills"] -= 1
            return
        name = self.noise.choice(up)
        kill, _ = self._means(name)
        await kill()
        self._returning[name] = asyncio.create_task(self._return(name, self.noise.uniform(0, 0.5)))

    def _means(self, name: str) -> tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]:
        redis = self.stack.servers.redis
        assert redis
        if name == "redis":
            return partial(asyncio.to_thread, redis.kill), partial(asyncio.to_thread, redis.start)
        if name == "second":
            return self.second.kill, self.second.start
        return partial(self.stack.kill, name), partial(self.stack.start, name)

    async def _return(self, name: str, pause_seconds: float) -> None:
        """Start it, again while it cannot begin: PostgreSQL or Redis may be down just now."""
        kill, start = self._means(name)
        while True:
            await asyncio.sleep(pause_seconds)
            try:
                await start()
                break
            except StackError as failure:
                print(failure)  # noqa: T201 – one that hangs shows here
                await kill()
        del self._returning[name]

    async def _flush(self) -> None:
        redis = self.stack.servers.redis
        assert redis
        try:
            await asyncio.to_thread(redis.flushall)
        except (OSError, StackError):
            self.counts["flushes"] -= 1  # it was down just now

    async def _crash(self) -> None:
        postgres = self.stack.servers.postgres
        assert postgres
        await asyncio.to_thread(postgres.stop_immediately)
        await asyncio.to_thread(postgres.start)
