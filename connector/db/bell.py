"""Wakes whoever waits inside a process when another commits: PostgreSQL's NOTIFY, heard on one connection for all.

A ring may be missed (the connection was down): whoever waits also looks again after a time-out. Ask for the ear before
looking, then wait for it: a ring in between is not lost.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from weakref import WeakValueDictionary

import psycopg
from sqlalchemy import func, select

from connector import log
from connector.db.schema import Tx

_RETRY = timedelta(seconds=1)
_CHANNELS = ("events", "operations", "connections", "messages", "order_commands", "self_tests")

Ear = asyncio.Event


async def ring(tx: Tx, channel: str, key: str) -> None:
    """Wake who waits for this key, when the transaction commits."""
    await tx.execute(select(func.pg_notify(channel, key)))


@dataclass(slots=True)
class Bell:
    """One listening connection, opened when somebody first wants to hear."""

    database_url: str
    _ears: WeakValueDictionary[tuple[str, str], Ear] = field(default_factory=WeakValueDictionary)
    """Gone as soon as nobody waits."""
    _listening: asyncio.Task[None] | None = None

    def ear(self, channel: str, key: str) -> Ear:
        """Hand out what the next ring of this key sets. Take it before looking."""
        if self._listening is None:
            # In a context of its own: it outlives the call that first wanted to hear.
            self._listening = asyncio.create_task(self._listen(), name="bell", context=Context())
        return self._ears.setdefault((channel, key), Ear())

    async def wait(self, ear: Ear, timeout: timedelta) -> bool:
        """Wait for a ring, at most `timeout`; tells whether there was one."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await ear.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except psycopg.Error as error:
                log.warn("bell.interrupted", problem=type(error).__name__)
                await asyncio.sleep(_RETRY.total_seconds())

    async def _hear(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self.database_url, autocommit=True, connect_timeout=3)
        async with connection:
            for channel in _CHANNELS:
                await connection.execute(f"LISTEN {channel}")
            self._ring_all()
            async for notice in connection.notifies():
                ear = self._ears.pop((notice.channel, notice.payload), None)
                if ear is not None:
                    ear.set()

    def _ring_all(self) -> None:
        """Let everybody look again: what rang while nobody listened is unknown."""
        for ear in list(self._ears.values()):
            ear.set()
        self._ears.clear()


@asynccontextmanager
async def open_bell(database_url: str) -> AsyncIterator[Bell]:
    """Open a bell; it connects on first use."""
    bell = Bell(database_url)
    try:
        yield bell
    finally:
        await bell.close()
