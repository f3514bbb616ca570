"""Puts broken builds in the place of what runs, and things right again afterwards."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import psycopg

from stack.process import Plan
from stack.supervisor import Stack

_KEY = "CREATE UNIQUE INDEX uq_messages_connection_id_mid ON messages (connection_id, mid)"
_SURPLUS = """
    DELETE FROM messages USING messages AS first
    WHERE first.connection_id = messages.connection_id AND first.mid = messages.mid AND first.id < messages.id
"""


def broken(plan: Plan, build: str) -> Plan:
    """Describe the same process as a broken build of it."""
    begin = plan.command.index("-m") + 1
    return replace(plan, command=(sys.executable, "-u", "-m", "tests.e2e.storm.broken", build, *plan.command[begin:]))


@asynccontextmanager
async def running(stack: Stack, build: str, *names: str) -> AsyncIterator[None]:
    """Run a broken build of processes for the length of the block."""
    plans = {name: stack.processes[name].plan for name in names}
    await _replace(stack, {name: broken(plan, build) for name, plan in plans.items()})
    try:
        yield
    finally:
        await _replace(stack, plans)


async def _replace(stack: Stack, plans: Mapping[str, Plan]) -> None:
    async def put(name: str, plan: Plan) -> None:
        await stack.kill(name)
        stack.processes[name].plan = plan
        await stack.start(name)

    await asyncio.gather(*(put(name, plan) for name, plan in plans.items()))


@contextmanager
def keyless(database_url: str) -> Iterator[None]:
    """Let a message be kept any number of times for the length of the block; afterwards only the first of each is left."""
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("DROP INDEX uq_messages_connection_id_mid")
        try:
            yield
        finally:
            with database.transaction():
                database.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
                database.execute(_SURPLUS)
                database.execute(_KEY)
