"""How long a call may still take: kept for its whole length, so that whoever waits for a database or for Meta stops in time."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import timedelta

_end_seconds: ContextVar[float | None] = ContextVar("deadline", default=None)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """End what runs inside after so many seconds, with TimeoutError."""
    with known(seconds):
        async with asyncio.timeout(seconds):
            yield


@contextmanager
def known(seconds: float | None) -> Iterator[None]:
    """Let what runs inside know that somebody ends it after so many seconds; None: nobody does."""
    token = _end_seconds.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _end_seconds.reset(token)


def left(*, margin: timedelta) -> timedelta | None:
    """Tell how long may still be waited, keeping a margin for what comes after; None when nothing ends this call."""
    end = _end_seconds.get()
    return None if end is None else max(timedelta(seconds=end - time.monotonic()) - margin, timedelta())
