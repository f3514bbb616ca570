"""What the application carries along."""

import asyncio

from aiohttp import web

from connector.runtime import Runtime
from webhook_ingress.callers import Callers


class Work:
    """The requests at work: a stop waits for them."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __enter__(self) -> None:
        """Count a request for the length of the block."""
        self._count += 1
        self._idle.clear()

    def __exit__(self, *_: object) -> None:
        """Count it no more."""
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def end(self, *, seconds: float) -> None:
        """Wait until nothing is at work, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return  # whoever is left is cut off; Meta sends again


RUNTIME = web.AppKey("runtime", Runtime)
WORK = web.AppKey("work", Work)
CALLERS = web.AppKey("callers", Callers)
