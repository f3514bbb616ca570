"""One turn of a task: taken, acted, settled."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from connector.connections import db as connections
from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from connector.values import ConnectionId, Environment
from jobs import schedule
from jobs.run import Outcome, TaskFault, run_task, turn
from tests.integration.jobs.acts import effect_counts, plans, rows, wish


async def test_a_task_has_its_effect_once(runtime: Runtime) -> None:
    """A task that runs to its end has one effect and is gone; a second wake-up for it does nothing."""
    await wish(runtime, "a")
    assert Outcome.OK == await run_task(runtime, 1, 0, plans=plans("once"))
    assert Outcome.LOST == await run_task(runtime, 1, 0, plans=plans("once"))
    assert {"a": 1} == await effect_counts(runtime)
    assert [] == await rows(runtime)


async def test_two_wake_ups_at_once_have_one_effect(runtime: Runtime) -> None:
    """However often a task is rung for, one attempt is one turn."""
    await wish(runtime, "a", work_seconds=0.1)
    outcomes = await asyncio.gather(*(run_task(runtime, 1, 0, plans=plans("once")) for _ in range(5)))
    assert [Outcome.LOST] * 4 + [Outcome.OK] == sorted(outcomes)
    assert {"a": 1} == await effect_counts(runtime)


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        ("throttled", Outcome.LATER, "META_THROTTLED"),
        ("unavailable", Outcome.LATER, "META_UNAVAILABLE"),
        ("unknown", Outcome.LATER, "META_OUTCOME_UNKNOWN"),
        ("precondition", Outcome.FAILED, "META_TOKEN_INVALID"),
        ("other", Outcome.FAILED, "META_POLICY_BLOCKED"),
        ("bug", Outcome.LATER, "INTERNAL"),
        ("interrupted", Outcome.LATER, "INTERNAL"),
    ],
)
async def test_what_rises_is_settled(runtime: Runtime, error: str, outcome: Outcome, reason: str) -> None:
    """An error ends the turn with its decision and its reason on the task's row; the task is never lost."""
    await wish(runtime, "a", error=error)
    assert outcome == await run_task(runtime, 1, 0, plans=plans("fail"))
    (row,) = await rows(runtime)
    assert (reason, outcome is Outcome.FAILED) == (row.reason, row.due_time is None)
    assert not row.leased


async def test_a_refusal_that_a_new_login_overtook_is_tried_again(runtime: Runtime) -> None:
    """Work whose old token Meta refuses while the merchant connects again leaves the new login alone and goes on with it."""
    connection_id = ConnectionId(UUID(int=1))
    async with runtime.db.begin() as tx:
        await connections.create(tx, connection_id, "store_1", Environment.TEST, at=runtime.now())
    await wish(runtime, "a")
    async with runtime.db.begin() as tx:
        await tx.execute(update(outbox.tasks).values(connection_id=connection_id))
    assert await turn(runtime, plans=plans("fall_behind")) == 2
    assert {"a": 1} == await effect_counts(runtime)
    async with runtime.db.begin() as tx:
        connection = await connections.by_id(tx, connection_id)
    assert connection is not None
    assert State.CONNECTED is connection.state


async def test_a_throttled_task_waits(runtime: Runtime, clock: Any) -> None:
    """A task whose bucket Meta wants a pause of comes back after the pause, not sooner for any wish, and not as a failure."""
    await wish(runtime, "a", error="throttled", until_attempt=2)
    assert await turn(runtime, plans=plans("fail")) == 1
    await wish(runtime, "a", error="throttled", until_attempt=2)
    clock.advance(seconds=119)
    assert await turn(runtime, plans=plans("fail")) == 0
    assert [0] == [row.tries for row in await rows(runtime)]
    clock.advance(seconds=4)
    await turn(runtime, plans=plans("fail"))
    assert ["a"] == list(await effect_counts(runtime))


async def test_a_bug_has_three_turns(runtime: Runtime, clock: Any) -> None:
    """A task whose action is broken is kept as failed after its third turn."""
    await wish(runtime, "a", error="bug")
    for _ in range(5):
        await turn(runtime, plans=plans("fail"))
        clock.advance(minutes=10)
    (row,) = await rows(runtime)
    assert (None, 3, "INTERNAL") == (row.due_time, row.tries, row.reason)


async def test_an_outage_is_outlasted(runtime: Runtime, clock: Any) -> None:
    """A task that fails for half an hour because Meta is away has its effect when Meta is back."""
    await wish(runtime, "a", error="unavailable", until_attempt=10)
    for _ in range(40):
        await turn(runtime, plans=plans("fail"))
        clock.advance(minutes=2)
    assert {"a": 1} == await effect_counts(runtime)


async def test_a_forgotten_task_is_a_fault(runtime: Runtime) -> None:
    """An action that returns without finishing its task is reported, not run for ever."""
    await wish(runtime, "a")
    assert Outcome.LATER == await run_task(runtime, 1, 0, plans=plans("forget"))
    assert "INTERNAL" == (await rows(runtime))[0].reason


async def test_a_task_that_hangs_is_ended(runtime: Runtime) -> None:
    """A turn ends at its time limit."""
    await wish(runtime, "a", work_seconds=60)
    limited = plans("once", limit=timedelta(seconds=0.1))
    assert Outcome.LATER == await run_task(runtime, 1, 0, plans=limited)
    assert {} == await effect_counts(runtime)


async def test_poison_is_given_up_before_it_acts(runtime: Runtime) -> None:
    """A task that five workers did not survive is kept as failed without being tried a sixth time."""
    await wish(runtime, "a")
    async with runtime.db.begin() as tx:
        await tx.execute(update(outbox.tasks).values(unfinished=outbox.CRASH_LIMIT))
    assert Outcome.FAILED == await run_task(runtime, 1, 0, plans=plans("once"))
    assert {} == await effect_counts(runtime)


async def test_an_interrupted_task_is_handed_back(runtime: Runtime) -> None:
    """When its process is asked to stop, a task at work is due again at once and has had no effect."""
    await wish(runtime, "a", work_seconds=60)
    running = asyncio.create_task(run_task(runtime, 1, 0, plans=plans("once")))
    await asyncio.sleep(0.3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert 1 == await turn(runtime, plans=plans("forget"))


async def test_a_finished_task_stays_finished_while_its_action_lingers(runtime: Runtime) -> None:
    """A task that its action finished is not touched again by whatever the action does afterwards."""
    await wish(runtime, "a", linger_seconds=0.2)
    assert Outcome.OK == await run_task(runtime, 1, 0, plans=plans("once"))
    assert [] == await rows(runtime)


async def test_a_database_that_went_away_is_not_the_tasks_fault(runtime: Runtime) -> None:
    """When the server ends our connections mid-turn, the task comes back in a second, as unavailable."""
    await wish(runtime, "a", work_seconds=0.5)
    running = asyncio.create_task(run_task(runtime, 1, 0, plans=plans("cut_off")))
    assert Outcome.LATER == await running
    assert "DATABASE_UNAVAILABLE" == (await rows(runtime))[0].reason


async def test_turn_drains_what_is_due(runtime: Runtime) -> None:
    """`turn` runs everything that is due, counts it, and says so when something never ends."""
    for key in "abc":
        await wish(runtime, key)
    assert await turn(runtime, plans=plans("once")) == 3
    await wish(runtime, "d")
    with pytest.raises(TaskFault):
        await turn(runtime, plans=plans("at_once_again"), limit=5)


async def test_periodic_work_exists_once(runtime: Runtime, clock: Any) -> None:
    """A periodic task is due one period from now, never twice, and comes back after it ended or failed."""
    for _ in range(3):
        async with runtime.db.begin() as tx:
            await schedule.plan(tx, at=runtime.now(), every={Task.SWEEP: timedelta(hours=1)})
    (row,) = await rows(runtime)
    assert ("every:SWEEP", 1) == (row.key, row.wishes)
    assert timedelta(minutes=59) < row.due_time - runtime.now() <= timedelta(hours=1)
    clock.advance(hours=1)
    async with runtime.db.begin() as tx:
        (leased,) = await outbox.lease_due(tx, [Task.SWEEP], at=runtime.now(), limit=1)
        task = await outbox.take(tx, leased.id, leased.attempt, at=runtime.now())
        assert task is not None
        await outbox.give_up(tx, task, reason="INTERNAL", message="")
        await schedule.plan(tx, at=runtime.now(), every={Task.SWEEP: timedelta(hours=1)})
    (row,) = await rows(runtime)
    assert row.due_time is not None
