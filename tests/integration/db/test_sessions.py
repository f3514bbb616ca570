"""Sessions of the pool, and what a statement alone costs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.db.schema import at_once, open_engine
from connector.runtime import Runtime, open_runtime
from connector.settings import Settings

_LONG = 60.0


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool of one session."""
    engine = open_engine(database_url, pool_size=1)
    yield engine
    await engine.dispose()


@pytest.fixture
async def killer(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Somebody who ends sessions."""
    engine = open_engine(database_url, pool_size=1)
    yield engine
    await engine.dispose()


async def _session(engine: AsyncEngine) -> int:
    async with engine.begin() as tx:
        return int(await tx.scalar(text("SELECT pg_backend_pid()")))


async def _kill(killer: AsyncEngine, session: int) -> None:
    async with killer.begin() as tx:
        await tx.execute(text("SELECT pg_terminate_backend(:session, 5000)"), {"session": session})


async def test_a_session_that_died_at_rest_is_replaced(engine: AsyncEngine, killer: AsyncEngine) -> None:
    """Who begins after PostgreSQL ended a resting session gets another one, and no error."""
    event.listen(engine.sync_engine.pool, "checkin", _rest_long)
    session = await _session(engine)
    await _kill(killer, session)
    assert session != await _session(engine)


def _rest_long(_connection: Any, record: Any) -> None:
    record.info["rest_begin"] -= _LONG


def _rest_not(_connection: Any, record: Any) -> None:
    record.info["rest_begin"] += _LONG


async def test_a_session_that_died_a_moment_ago_fails_once(engine: AsyncEngine, killer: AsyncEngine) -> None:
    """A session in steady use is not asked whether it is there: its end is an error of that use, and the next gets another."""
    event.listen(engine.sync_engine.pool, "checkin", _rest_not)
    session = await _session(engine)
    await _kill(killer, session)
    with pytest.raises(DBAPIError):
        await _session(engine)
    assert session != await _session(engine)


async def test_a_statement_at_once_is_committed_by_itself(engine: AsyncEngine, killer: AsyncEngine) -> None:
    """What `at_once` wrote is seen by others before its connection is given back."""
    async with at_once(engine) as tx:
        await tx.execute(text("CREATE TABLE written_at_once ()"))
        async with killer.begin() as other:
            seen = await other.scalar(text("SELECT to_regclass('written_at_once') IS NOT NULL"))
        await tx.execute(text("DROP TABLE written_at_once"))
    assert seen is True


async def test_what_is_under_way_gives_its_session_back_before_the_pool_closes(settings: Settings) -> None:
    """Whoever was cut off and still puts something in order is waited for; no session stays open behind a closed process."""
    begun = asyncio.Event()

    async def put_in_order(runtime: Runtime) -> int:
        async with runtime.db.begin() as tx:
            begun.set()
            return int(await tx.scalar(text("SELECT 1 FROM pg_sleep(0.1)")))

    async with open_runtime(settings, pool_size=1) as runtime:
        last = asyncio.create_task(put_in_order(runtime))
        await begun.wait()
        pool: Any = runtime.db.pool
    assert 0 == pool.checkedout()
    assert 1 == await last
