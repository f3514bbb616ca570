"""The outbox: what a task goes through, and who may finish it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from connector.db import outbox
from connector.db.outbox import LeaseLost, Taken, Task
from connector.db.schema import Tx
from connector.runtime import Runtime

KEY = "stock:1"
CONNECTION = UUID(int=1)


async def _add(runtime: Runtime, *, due: datetime | None = None, key: str | None = KEY, **arguments: Any) -> None:
    async with runtime.db.begin() as tx:
        await outbox.add(
            tx, Task.SEND_STOCK, due=due or runtime.now(), key=key, connection_id=CONNECTION, arguments=arguments
        )


async def _take(runtime: Runtime) -> Taken:
    """Lease the one due task and take it."""
    async with runtime.db.begin() as tx:
        (leased,) = await outbox.lease_due(tx, list(Task), at=runtime.now(), limit=10)
        taken = await outbox.take(tx, leased.id, leased.attempt, at=runtime.now())
    assert taken is not None
    return taken


async def _due(runtime: Runtime) -> int:
    async with runtime.db.begin() as tx:
        return len(await outbox.lease_due(tx, list(Task), at=runtime.now(), limit=100))


async def _row(runtime: Runtime) -> Any:
    async with runtime.db.begin() as tx:
        return (await tx.execute(select(outbox.tasks))).one_or_none()


async def test_a_task_needs_its_commit(runtime: Runtime) -> None:
    """A task of a transaction that rolls back never existed."""
    async with runtime.db.connect() as tx:
        await outbox.add(tx, Task.SWEEP, due=runtime.now())
        await tx.rollback()
    assert await _row(runtime) is None


async def test_done_is_gone(runtime: Runtime) -> None:
    """A finished task leaves nothing behind."""
    await _add(runtime)
    task = await _take(runtime)
    async with runtime.db.begin() as tx:
        await outbox.done(tx, task, at=runtime.now())
    assert await _row(runtime) is None


async def test_only_due_tasks_are_leased(runtime: Runtime, clock: Any) -> None:
    """A task waits for its time, and not a moment longer."""
    await _add(runtime, due=runtime.now() + timedelta(minutes=5))
    assert await _due(runtime) == 0
    clock.advance(minutes=5)
    assert await _due(runtime) == 1


async def test_the_longest_due_goes_first(runtime: Runtime) -> None:
    """When there is room for one, the task that waits longest gets it."""
    for minutes, key in ((1, "young"), (3, "old"), (2, "middle")):
        await _add(runtime, due=runtime.now() - timedelta(minutes=minutes), key=key)
    async with runtime.db.begin() as tx:
        leased = await outbox.lease_due(tx, list(Task), at=runtime.now(), limit=2)
    assert [2, 3] == [task.id for task in leased]


async def test_a_task_lost_on_its_way_is_sent_again(runtime: Runtime, clock: Any) -> None:
    """Nobody else gets a task that is on its way; lost there, it is due again five seconds later."""
    await _add(runtime)
    assert await _due(runtime) == 1
    assert await _due(runtime) == 0
    clock.advance(seconds=5)
    assert await _due(runtime) == 1


async def test_a_taken_task_has_time(runtime: Runtime, clock: Any) -> None:
    """A task in a worker's hands is another's only when the worker has been silent for twenty seconds."""
    await _add(runtime)
    await _take(runtime)
    clock.advance(seconds=19)
    assert await _due(runtime) == 0
    clock.advance(seconds=1)
    assert await _due(runtime) == 1


async def test_one_of_two_takes(runtime: Runtime) -> None:
    """Of two workers woken for the same attempt, one has the task."""
    await _add(runtime)
    async with runtime.db.begin() as tx:
        (leased,) = await outbox.lease_due(tx, list(Task), at=runtime.now(), limit=1)

    async def take() -> Taken | None:
        async with runtime.db.begin() as tx:
            return await outbox.take(tx, leased.id, leased.attempt, at=runtime.now())

    taken = await asyncio.gather(*(take() for _ in range(4)))
    assert 1 == len([task for task in taken if task])


async def test_two_relays_lease_apart(runtime: Runtime) -> None:
    """Two that lease at once share the due tasks without overlap and without waiting for each other."""
    for number in range(20):
        await _add(runtime, key=str(number))
    async with runtime.db.begin() as first, runtime.db.begin() as second:
        one = await outbox.lease_due(first, list(Task), at=runtime.now(), limit=10)
        other = await outbox.lease_due(second, list(Task), at=runtime.now(), limit=10)
    assert list(range(1, 21)) == sorted(task.id for task in one + other)


async def test_a_dead_worker_can_do_no_harm(runtime: Runtime, clock: Any) -> None:
    """Whoever lost its lease cannot hold, renew, finish, postpone or fail the task any more."""
    await _add(runtime)
    dead = await _take(runtime)
    clock.advance(seconds=21)
    await _take(runtime)
    late = runtime.now()
    endings: list[Callable[[Tx], Awaitable[object]]] = [
        lambda tx: outbox.hold(tx, dead),
        lambda tx: outbox.renew(tx, dead, at=late),
        lambda tx: outbox.done(tx, dead, at=late),
        lambda tx: outbox.again(tx, dead, late),
        lambda tx: outbox.back_off(tx, dead, late, reason="INTERNAL", message=""),
        lambda tx: outbox.give_up(tx, dead, reason="INTERNAL", message=""),
    ]
    for end in endings:
        async with runtime.db.begin() as tx:
            with pytest.raises(LeaseLost):
                await end(tx)


@pytest.mark.parametrize("ending", ["again", "back_off", "give_up"])
async def test_an_ended_turn_is_over(runtime: Runtime, ending: str) -> None:
    """After its turn has ended, a worker holds nothing: a late renewal cannot bring a task back from where it was put."""
    await _add(runtime)
    task = await _take(runtime)
    async with runtime.db.begin() as tx:
        if ending == "again":
            await outbox.again(tx, task, runtime.now())
        elif ending == "back_off":
            await outbox.back_off(tx, task, runtime.now(), reason="META_UNAVAILABLE", message="")
        else:
            await outbox.give_up(tx, task, reason="META_REJECTED", message="")
    before = await _row(runtime)
    with pytest.raises(LeaseLost):
        async with runtime.db.begin() as tx:
            await outbox.renew(tx, task, at=runtime.now())
    assert before == await _row(runtime)


async def test_a_renewed_lease_lasts(runtime: Runtime, clock: Any) -> None:
    """A worker that renews keeps its task for as long as it works."""
    await _add(runtime)
    task = await _take(runtime)
    for _ in range(5):
        clock.advance(seconds=15)
        async with runtime.db.begin() as tx:
            await outbox.renew(tx, task, at=runtime.now())
        assert await _due(runtime) == 0


async def test_a_lost_lease_rolls_the_effect_back(runtime: Runtime, clock: Any) -> None:
    """An effect in the transaction of a lost lease did not happen."""
    await _add(runtime)
    dead = await _take(runtime)
    clock.advance(seconds=21)
    await _take(runtime)

    async def finish() -> None:
        async with runtime.db.begin() as tx:
            await outbox.add(tx, Task.SWEEP, key="effect", due=runtime.now())
            await outbox.done(tx, dead, at=runtime.now())

    with pytest.raises(LeaseLost):
        await finish()
    async with runtime.db.begin() as tx:
        assert [KEY] == list((await tx.execute(select(outbox.tasks.c.key))).scalars())


async def test_wishes_join_while_waiting(runtime: Runtime) -> None:
    """Many wishes under one key are one task, due at the earliest time and with the newest arguments."""
    later = runtime.now() + timedelta(minutes=1)
    await _add(runtime, due=later, version=1)
    await _add(runtime, due=later - timedelta(seconds=30), version=2)
    await _add(runtime, due=later, version=3)
    row = await _row(runtime)
    assert (later - timedelta(seconds=30), {"version": 3}, 3) == (row.due_time, row.arguments, row.wishes)


async def test_a_wish_during_the_run_runs_once_more(runtime: Runtime) -> None:
    """A wish that joins while a worker is busy is not lost in its ending: the task is due again at once."""
    await _add(runtime)
    task = await _take(runtime)
    await _add(runtime)
    async with runtime.db.begin() as tx:
        await outbox.done(tx, task, at=runtime.now())
    again = await _take(runtime)
    async with runtime.db.begin() as tx:
        await outbox.done(tx, again, at=runtime.now())
    assert await _row(runtime) is None


async def test_a_wish_racing_the_end_is_never_lost(runtime: Runtime) -> None:
    """Wishes that meet the very end of a run leave a task behind or are covered by a later run; none disappears."""
    for _ in range(50):
        await _add(runtime)
        task = await _take(runtime)

        async def end(task: Taken = task) -> None:
            async with runtime.db.begin() as tx:
                await outbox.done(tx, task, at=runtime.now())

        await asyncio.gather(end(), _add(runtime))
        assert await _due(runtime) == 1
        async with runtime.db.begin() as tx:
            await tx.execute(outbox.tasks.delete())


async def test_a_wish_does_not_hasten_backing_off(runtime: Runtime, clock: Any) -> None:
    """While a task backs off after a failure, further wishes wait with it; Meta's pause is nobody's to shorten."""
    await _add(runtime)
    task = await _take(runtime)
    async with runtime.db.begin() as tx:
        until = runtime.now() + timedelta(minutes=1)
        await outbox.back_off(tx, task, until, reason="META_THROTTLED", message="")
    await _add(runtime)
    assert await _due(runtime) == 0
    clock.advance(minutes=1)
    assert await _due(runtime) == 1


async def test_a_wish_gives_a_failed_task_a_fresh_life(runtime: Runtime) -> None:
    """A new wish brings a failed task back at once, with none of its old tries counted."""
    await _add(runtime)
    async with runtime.db.begin() as tx:
        await tx.execute(update(outbox.tasks).values(tries=40))
    task = await _take(runtime)
    async with runtime.db.begin() as tx:
        await outbox.give_up(tx, task, reason="META_UNAVAILABLE", message="")
    assert await _due(runtime) == 0
    await _add(runtime)
    assert (await _take(runtime)).tries == 1


async def test_tries_and_crashes_are_counted_apart(runtime: Runtime, clock: Any) -> None:
    """A take that never reports back counts as unfinished; one that fails and says so counts as a try only."""
    await _add(runtime)
    await _take(runtime)
    clock.advance(seconds=21)
    task = await _take(runtime)
    assert (2, 2) == (task.tries, task.unfinished)
    async with runtime.db.begin() as tx:
        await outbox.back_off(tx, task, runtime.now(), reason="META_UNAVAILABLE", message="")
    task = await _take(runtime)
    assert (3, 1) == (task.tries, task.unfinished)


async def test_progress_forgets_the_tries(runtime: Runtime) -> None:
    """A task that got somewhere starts counting its tries anew."""
    await _add(runtime)
    for _ in range(3):
        task = await _take(runtime)
        async with runtime.db.begin() as tx:
            await outbox.back_off(tx, task, runtime.now(), reason="META_UNAVAILABLE", message="")
    task = await _take(runtime)
    async with runtime.db.begin() as tx:
        await outbox.again(tx, task, runtime.now())
    assert (await _take(runtime)).tries == 1


async def test_mending_revives_what_failed(runtime: Runtime) -> None:
    """Failed tasks of a connection come back when it is mended, those of others do not."""
    await _add(runtime)
    task = await _take(runtime)
    async with runtime.db.begin() as tx:
        await outbox.give_up(tx, task, reason="META_TOKEN_INVALID", message="Connect again\0\ud800")
    async with runtime.db.begin() as tx:
        assert await outbox.revive(tx, UUID(int=2), at=runtime.now()) == 0
        assert await outbox.revive(tx, CONNECTION, at=runtime.now()) == 1
    assert await _due(runtime) == 1


async def test_the_next_due_time_is_known(runtime: Runtime) -> None:
    """The clock can be set by the earliest task; failed ones are never due."""
    async with runtime.db.begin() as tx:
        assert await outbox.next_due(tx) is None
    early = runtime.now() + timedelta(seconds=5)
    await _add(runtime, key="late", due=early + timedelta(seconds=5))
    await _add(runtime, key="early", due=early)
    async with runtime.db.begin() as tx:
        assert early == await outbox.next_due(tx)


async def test_who_waits_for_a_turn_is_hastened(runtime: Runtime) -> None:
    """A task that waits for its turn may be asked to come sooner, never later; without one, nothing happens."""
    now = runtime.now()
    await _hasten(runtime, due=now)
    assert await _row(runtime) is None
    await _add(runtime, due=now + timedelta(hours=1))
    for minutes in (30, 40):
        await _hasten(runtime, due=now + timedelta(minutes=minutes))
    assert now + timedelta(minutes=30) == (await _row(runtime)).due_time


async def test_what_is_at_work_backs_off_or_has_failed_is_not_hastened(runtime: Runtime) -> None:
    """A lease, a pause after a failure and a failure stay as they are."""
    await _add(runtime)
    now, task = runtime.now(), await _take(runtime)
    leased = (await _row(runtime)).due_time
    await _hasten(runtime, due=now)
    assert leased == (await _row(runtime)).due_time
    async with runtime.db.begin() as tx:
        await outbox.back_off(tx, task, now + timedelta(hours=1), reason="META_UNAVAILABLE", message="away")
    await _hasten(runtime, due=now)
    assert now + timedelta(hours=1) == (await _row(runtime)).due_time
    async with runtime.db.begin() as tx:
        await tx.execute(update(outbox.tasks).values(due_time=None))
    await _hasten(runtime, due=now)
    assert (await _row(runtime)).due_time is None


async def _hasten(runtime: Runtime, *, due: datetime) -> None:
    async with runtime.db.begin() as tx:
        await outbox.hasten(tx, KEY, due=due)
