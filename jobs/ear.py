"""Hears in PostgreSQL itself that work is due: the short way to a crew, without relay and Redis in between.

It promises nothing. What it misses, for want of room, a connection or luck, comes the long way a moment later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import psycopg
from psycopg import sql

from connector import log
from connector.db import outbox
from jobs.run import DATABASE_GONE

RECONNECT = timedelta(seconds=1)


async def listen(database_url: str, names: Collection[str], act: Callable[[], Awaitable[None]]) -> None:
    """Act at once, and whenever a task of these names became due, until cancelled."""
    while True:
        try:
            await _listen(database_url, names, act)
        except (psycopg.OperationalError, *DATABASE_GONE) as error:
            log.warn("ear.interrupted", error=type(error).__name__)
        await asyncio.sleep(RECONNECT.total_seconds())


async def _listen(database_url: str, names: Collection[str], act: Callable[[], Awaitable[None]]) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True, connect_timeout=3) as ear:
        await ear.execute(sql.SQL("LISTEN {}").format(sql.Identifier(outbox.CHANNEL)))
        await act()  # what came while nobody heard
        async for notice in ear.notifies():
            if notice.payload in names:
                await act()
