"""The sweep forgets what is of no use any more, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions
from connector.connections import db as connections
from connector.connections.model import Problem, State
from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from connector.values import Environment

STORE = "store_1"


async def sweep(runtime: Runtime, turn: Any) -> None:
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=runtime.now(), key="sweep")
    await turn()


async def test_a_login_nobody_finished_ends(runtime: Runtime, turn: Any, clock: Any) -> None:
    """A connection whose merchant never came back is shown as LOGIN_EXPIRED, not as waiting for ever."""
    begun = await actions.begin(runtime, STORE, environment=Environment.TEST)
    await sweep(runtime, turn)
    async with runtime.db.begin() as tx:
        waiting = await connections.require(tx, STORE, begun.connection.id)
    clock.advance(minutes=11)
    await sweep(runtime, turn)
    async with runtime.db.begin() as tx:
        ended = await connections.require(tx, STORE, begun.connection.id)
    assert (State.AWAITING_LOGIN, State.DISCONNECTED, "LOGIN_EXPIRED") == (waiting.state, ended.state, ended.reason)


async def test_old_logins_and_problems_go_but_not_the_last_problem(runtime: Runtime, turn: Any, clock: Any) -> None:
    """After a month only a connection's last problem is left of its troubles."""
    begun = await actions.begin(runtime, STORE, environment=Environment.TEST)
    async with runtime.db.begin() as tx:
        for minutes in (2, 1):
            time = runtime.now() - timedelta(minutes=minutes)
            await connections.note_problem(tx, begun.connection.id, Problem("META_REJECTED", f"{minutes}", time))
    clock.advance(days=31)
    await sweep(runtime, turn)
    async with runtime.db.begin() as tx:
        assert ["1"] == list(await tx.scalars(text("SELECT message FROM problems")))
        assert 0 == await tx.scalar(text("SELECT count(*) FROM logins"))


@pytest.mark.parametrize("state", [State.DISCONNECTED, State.AWAITING_CHOICE])
async def test_a_forgotten_token_is_wiped_after_an_hour(runtime: Runtime, turn: Any, clock: Any, state: State) -> None:
    """A disconnected Page's token does not outlive its hour, whether the unsubscription failed or a new login began."""
    begun = await actions.begin(runtime, STORE, environment=Environment.TEST)
    async with runtime.db.begin() as tx:
        await connections.change(tx, begun.connection.id, at=runtime.now(), state=state, page_token=b"x")
    clock.advance(minutes=61)
    await sweep(runtime, turn)
    async with runtime.db.begin() as tx:
        assert await tx.scalar(text("SELECT page_token IS NULL FROM connections"))


async def test_a_subscription_is_looked_at_every_day(runtime: Runtime, turn: Any, clock: Any) -> None:
    """A working connection whose Page subscription was not read back for a day is looked at again."""
    begun = await actions.begin(runtime, STORE, environment=Environment.TEST)
    async with runtime.db.begin() as tx:
        facts = {"page_id": "30000000000000001", "user_token": b"x", "page_token": b"x"}
        await connections.change(tx, begun.connection.id, at=runtime.now(), state=State.CONNECTED, **facts)
        assert [begun.connection.id] == await connections.unchecked(tx, before=runtime.now())
        await connections.change(tx, begun.connection.id, at=runtime.now(), subscription_check_time=runtime.now())
        assert [] == await connections.unchecked(tx, before=runtime.now() - timedelta(hours=24))
