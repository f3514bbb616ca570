"""The simulator's own time: the machine's clock plus whatever a test has advanced it by.

`advance` wakes everybody who waits, so a retry due in ten minutes happens at once after advancing eleven.
"""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Tells the simulated time; it never goes backwards."""

    def __init__(self) -> None:
        self._offset_seconds = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        return time.time() + self._offset_seconds

    def advance(self, seconds: float) -> float:
        """Move time forward and wake the waiters; return the new time."""
        if seconds < 0:
            message = "seconds: time only moves forward; give a number of 0 or more"
            raise ValueError(message)
        self._offset_seconds += seconds
        self.wake()
        return self.now()

    def wake(self) -> None:
        """Let every waiter look again, because time or work has changed."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait_until(self, due: float | None) -> None:
        """Return at `due` (None: never), or earlier when something woke the clock."""
        moved = self._moved
        try:
            await asyncio.wait_for(moved.wait(), None if due is None else max(0.0, due - self.now()))
        except TimeoutError:
            return


def graph_time(seconds: float) -> str:
    """Write a time as Graph does: `2026-01-14T19:17:31+0000`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
