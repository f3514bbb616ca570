"""Keeps data keys that a key service unwrapped, for a while and so many, so that a token's every use is not a call.

While the service is away, tokens that were used a moment ago still open. Those who ask for the same key at once make one call.
"""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from connector.vault.keys import Key

TIME = timedelta(minutes=5)
"""How long a data key stays in memory: as long as a token stays usable after its key was disabled at the key service."""
MOST = 10_000
"""How many stay: 32 bytes each."""


class Kept:
    """A key of a key service, with the data keys that it unwrapped lately."""

    def __init__(self, key: Key, *, now: Callable[[], datetime], time: timedelta = TIME, most: int = MOST) -> None:
        self._key, self._now, self._time, self._most = key, now, time, most
        self._kept: dict[bytes, tuple[datetime, bytes]] = {}
        self._asking: dict[bytes, asyncio.Task[bytes]] = {}

    async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Wrap a data key, and keep it: it is used in a moment."""
        wrapped = await self._key.wrap(data_key, aad)
        self._keep(_name(wrapped, aad), data_key)
        return wrapped

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a data key, or remember it; raises as `Key.unwrap`."""
        name = _name(wrapped, aad)
        end, data_key = self._kept.get(name, (None, b""))
        if end is not None and self._now() < end:
            return data_key
        self._kept.pop(name, None)
        if name not in self._asking:
            self._asking[name] = asyncio.create_task(self._ask(name, wrapped, aad), name="unwrap")
            self._asking[name].add_done_callback(_heard)
        return await asyncio.shield(self._asking[name])  # somebody's leaving does not stop the others

    async def _ask(self, name: bytes, wrapped: bytes, aad: bytes) -> bytes:
        try:
            data_key = await self._key.unwrap(wrapped, aad)
        finally:
            del self._asking[name]
        self._keep(name, data_key)
        return data_key

    def _keep(self, name: bytes, data_key: bytes) -> None:
        self._kept[name] = (self._now() + self._time, data_key)
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]


def _name(wrapped: bytes, aad: bytes) -> bytes:
    return hashlib.sha256(len(aad).to_bytes(4) + aad + wrapped).digest()


def _heard(asking: asyncio.Task[bytes]) -> None:
    """Look at what a call ended with, also when everybody has left."""
    if not asking.cancelled():
        asking.exception()
