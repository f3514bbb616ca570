"""How long a call may still take: kept for its whole length, so that whoever waits on purpose stops before the caller does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta

_end_seconds: ContextVar[float | None] = ContextVar("deadline", default=None)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """End what runs inside after so many seconds, with TimeoutError."""
    token = _end_seconds.set(time.monotonic() + seconds)
    try:
        async with asyncio.timeout(seconds):
            yield
    finally:
        _end_seconds.reset(token)


def left(*, margin: timedelta) -> timedelta | None:
    """Tell how long may still be waited, keeping a margin for the answer; None when nothing ends this call."""
    end = _end_seconds.get()
    return None if end is None else max(timedelta(seconds=end - time.monotonic()) - margin, timedelta())
