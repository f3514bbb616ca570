"""Actions made for tests, their plans, and the table in which their effects are counted."""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text

from connector.connections import db as connections
from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import ConnectorError, FailedPrecondition, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.runtime import Runtime
from jobs.tasks import Lane, Plan

effects = Table(
    "test_effects",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("task_key", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("time", DateTime(timezone=True), server_default=sqlalchemy.func.clock_timestamp(), nullable=False),
)

_LIMIT = timedelta(seconds=30)
_PATIENCE = timedelta(hours=1)

ERRORS: dict[str, Callable[[datetime], Exception]] = {
    "throttled": lambda now: Throttled("catalog_batch:1", now + timedelta(minutes=2), "Meta asked for a pause"),
    "unavailable": lambda _: Unavailable("META_UNAVAILABLE", "Meta cannot be reached"),
    "unknown": lambda _: OutcomeUnknown("META_OUTCOME_UNKNOWN", "The answer was lost"),
    "precondition": lambda _: FailedPrecondition("META_TOKEN_INVALID", "Connect again"),
    "other": lambda _: ConnectorError("META_POLICY_BLOCKED", "No"),
    "bug": lambda _: ValueError("a bug"),
    "interrupted": lambda _: TimeoutError("not ours"),
}


async def once(runtime: Runtime, task: Taken) -> None:
    """Have one effect and finish, in one transaction; `work_seconds` of waiting before it, `linger_seconds` after it."""
    await asyncio.sleep(task.arguments.get("work_seconds", 0))
    async with runtime.db.begin() as tx:
        await note(tx, task)
        await outbox.done(tx, task, at=runtime.now())
    await asyncio.sleep(task.arguments.get("linger_seconds", 0))


async def fail(runtime: Runtime, task: Taken) -> None:
    """Raise the error that `error` names, until the attempt `until_attempt`."""
    if task.attempt < task.arguments.get("until_attempt", 10**6):
        raise ERRORS[task.arguments["error"]](runtime.now())
    await once(runtime, task)


async def fall_behind(runtime: Runtime, task: Taken) -> None:
    """Be refused for a token that a new login replaces meanwhile; the next turn goes well."""
    if task.attempt > 1:
        await once(runtime, task)
        return
    async with runtime.db.begin() as tx:
        facts = {"page_id": "1", "user_token": b"new", "page_token": b"new"}
        await connections.change(tx, UUID(int=1), at=runtime.now(), state=State.CONNECTED, **facts)
    raise MetaRefused("META_TOKEN_INVALID", "The token before the last login is not valid", code=190, subcode=460)


async def forget(runtime: Runtime, task: Taken) -> None:
    """Return without finishing the task."""


async def poison(runtime: Runtime, task: Taken) -> None:
    """Note that it began, then abort the process if `abort` says so; a harmless task takes a moment."""
    if task.arguments.get("abort"):
        async with runtime.db.begin() as tx:
            await note(tx, task)
        os.abort()
    await once(runtime, task)


async def note(tx: Tx, task: Taken) -> None:
    """Count an effect."""
    key = task.arguments.get("key", "")
    await tx.execute(effects.insert().values(task_key=key, attempt=task.attempt, pid=os.getpid()))


def plans(action: str, *, limit: timedelta = _LIMIT, **lanes: Lane) -> dict[Task, Plan]:
    """Do a fast, a default and a bulk task with one of these actions."""
    chosen = {"SEND_STOCK": Lane.FAST, "SWEEP": Lane.DEFAULT, "SEND_ITEMS": Lane.BULK} | lanes
    path = f"{__name__}:{action}"
    return {Task(name): Plan(path, lane, limit, _PATIENCE) for name, lane in chosen.items()}


async def wish(
    runtime: Runtime, key: str, *, task: Task = Task.SEND_STOCK, due: datetime | None = None, **arguments: Any
) -> None:
    """Ask for a task under a key."""
    async with runtime.db.begin() as tx:
        await outbox.add(tx, task, key=key, due=due or runtime.now(), arguments={"key": key, **arguments})


async def effect_counts(runtime: Runtime) -> dict[str, int]:
    """Tell how often each key had its effect."""
    counted = sqlalchemy.select(effects.c.task_key, sqlalchemy.func.count()).group_by(effects.c.task_key)
    async with runtime.db.begin() as tx:
        return {row[0]: row[1] for row in await tx.execute(counted)}


async def rows(runtime: Runtime) -> list[Any]:
    """List the tasks there are, oldest first."""
    async with runtime.db.begin() as tx:
        return list(await tx.execute(sqlalchemy.select(outbox.tasks).order_by(outbox.tasks.c.id)))


async def cut_off(runtime: Runtime, task: Taken) -> None:
    """Lose the database in the middle of a transaction, as when the server restarts."""
    async with runtime.db.begin() as tx:
        await note(tx, task)
        await tx.execute(sqlalchemy.text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def at_once_again(runtime: Runtime, task: Taken) -> None:
    """Plan itself again, for ever."""
    async with runtime.db.begin() as tx:
        await outbox.again(tx, task, runtime.now())


def sing(*_: object) -> None:
    """Tell that it was called, as no attack may bring about."""
    Path(os.environ["CANARY"]).touch()
