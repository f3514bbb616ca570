"""The sweep forgets what is of no use any more, and nothing else."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from connector.adoption.db import scans
from connector.adoption.model import Seen
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


@pytest.mark.parametrize(
    ("state", "days", "left"), [(State.DISCONNECTED, 29, 1), (State.DISCONNECTED, 31, 0), (State.CONNECTED, 31, 1)]
)
async def test_scans_of_stores_that_left_are_forgotten(  # noqa: PLR0917 – fixtures are asked for by name
    runtime: Runtime, turn: Any, clock: Any, connected: str, state: State, days: int, left: int
) -> None:
    """What was found in a merchant's catalog goes a month after the merchant; a store that is linked keeps it."""
    connection_id, at = UUID(connected), runtime.now()
    async with runtime.db.begin() as tx:
        await connections.change(tx, connection_id, at=at, state=state, state_time=at)
        await scans.keep(tx, connection_id, connection_id, [Seen("x", "1", "", "", "", "", "", "")], at=at)
        mark = {"connection_id": connection_id, "kind": "ID", "digest": b"", "retailer_id": "x"}
        await tx.execute(insert(scans.item_marks).values(**mark))
    clock.advance(days=days)
    await sweep(runtime, turn)
    counted = text("SELECT (SELECT count(*) FROM scanned_items), (SELECT count(*) FROM item_marks)")
    async with runtime.db.begin() as tx:
        assert (left, left) == tuple((await tx.execute(counted)).one())
