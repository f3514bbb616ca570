"""Background work on a connection beside callers who work on it: nobody holds what the other waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions, db
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from tests.integration.conftest import STORE

WAITING_FOR_US = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)
# Shorter than PostgreSQL waits before it looks for a deadlock, which might otherwise end the turn instead of us.
IMPATIENCE = text("SET LOCAL lock_timeout = '500ms'")


@pytest.mark.parametrize(
    "name",
    [Task.INSPECT_TOKENS, Task.SUBSCRIBE_PAGE, Task.UNSUBSCRIBE_PAGE, Task.CHECK_CAPABILITIES, Task.LEAVE_CATALOG],
)
async def test_a_turn_waits_for_its_connection_before_it_holds_its_task(
    runtime: Runtime, connect: Any, turn: Callable[[], Awaitable[int]], name: Task
) -> None:
    """Who has the connection may ask for its tasks, or forget them, while a turn of one waits for the connection."""
    connection: Connection = await connect()
    await turn()
    if name is Task.UNSUBSCRIBE_PAGE:
        await actions.disconnect(runtime, STORE, str(connection.id))
    else:
        async with runtime.db.begin() as tx:
            await outbox.add(
                tx, name, due=runtime.now(), connection_id=connection.id, key=f"every:{name}:{connection.id}"
            )
    async with runtime.db.begin() as tx:
        await db.by_id(tx, connection.id, lock=True)
        working = asyncio.ensure_future(turn())
        while not await tx.scalar(WAITING_FOR_US):  # noqa: ASYNC110 – that somebody waits can only be asked for
            await asyncio.sleep(0.002)
        await tx.execute(IMPATIENCE)
        mine = text("SELECT name FROM tasks WHERE connection_id = :id FOR UPDATE")
        assert name in set(await tx.scalars(mine, {"id": connection.id}))
    assert 1 <= await working
