"""Workers as processes: they do the work, and whatever kills them loses and doubles nothing."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

import stack.redis
from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from stack.folders import CHECKOUT
from tests.integration.jobs.acts import effect_counts, effects, rows, wish
from tests.integration.jobs.conftest import Eventually, StartWorker, session_of

StartRelay = Callable[..., None]
LANES = {"fast": Task.SEND_STOCK, "default": Task.SWEEP}


@pytest.mark.parametrize("lane", LANES)
async def test_a_worker_does_what_it_is_woken_for(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually, lane: str
) -> None:
    """Every task of a lane has its effect once and is gone."""
    start_worker("once", lane)
    start_relay()
    keys = [f"task {number}" for number in range(12)]
    for key in keys:
        await wish(runtime, key, task=LANES[lane])
    await eventually(dict.fromkeys(keys, 1), lambda: effect_counts(runtime))
    await eventually(0, lambda: _unfinished(runtime))


async def test_fast_tasks_do_not_wait_for_each_other(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually
) -> None:
    """Ten tasks that each wait a second for Meta are done in well under ten."""
    start_worker("once", "fast")
    start_relay()
    began = time.monotonic()
    await asyncio.gather(*(wish(runtime, str(number), work_seconds=1) for number in range(10)))
    await eventually({str(number): 1 for number in range(10)}, lambda: effect_counts(runtime))
    assert time.monotonic() - began < 5


async def test_fast_tasks_need_no_relay(runtime: Runtime, start_worker: StartWorker, eventually: Eventually) -> None:
    """What is due in lane `fast` is heard and done by its worker itself, once, also what came before it listened."""
    await wish(runtime, "before")
    start_worker("once", "fast")
    await wish(runtime, "after")
    await eventually({"before": 1, "after": 1}, lambda: effect_counts(runtime))
    await eventually(0, lambda: _unfinished(runtime))


async def test_a_killed_workers_task_runs_again(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually
) -> None:
    """A task whose worker was killed with SIGKILL is due again within 20 seconds, when it runs elsewhere and has its effect once.

    In `tests/e2e` such tasks come back by real time.
    """
    start_relay()
    start_worker("once", "default")
    victim = start_worker("once", "fast")
    await wish(runtime, "a", work_seconds=2)
    await eventually(1, lambda: _taken(runtime))
    victim.kill()
    victim.wait()
    (task,) = await rows(runtime)
    assert task.due_time - runtime.now() <= timedelta(seconds=20)
    await _expire_leases(runtime)
    await eventually({"a": 1}, lambda: effect_counts(runtime), seconds=30)
    assert 0 == await _unfinished(runtime)


async def test_a_killed_child_loses_nothing(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually
) -> None:
    """A child killed in the middle of its task leaves its worker alive, and the task runs again, once."""
    start_relay()
    worker = start_worker("once", "bulk")
    await wish(runtime, "a", task=Task.SEND_ITEMS, work_seconds=1)
    await eventually(1, lambda: _taken(runtime))
    (child,) = set(session_of(worker.pid)) - {worker.pid}
    os.kill(child, signal.SIGKILL)
    await _expire_leases(runtime)
    await eventually({"a": 1}, lambda: effect_counts(runtime))
    await eventually(0, lambda: _unfinished(runtime))
    assert worker.poll() is None


async def test_an_orphan_can_do_no_harm(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually
) -> None:
    """A child that outlives its killed worker, asleep until another has done its task, is refused by the fence."""
    start_relay()
    worker = start_worker("once", "default")
    await wish(runtime, "a", task=Task.SWEEP, work_seconds=1.5)
    await eventually(1, lambda: _taken(runtime))
    (orphan,) = set(session_of(worker.pid)) - {worker.pid}
    worker.kill()
    worker.wait()
    os.kill(orphan, signal.SIGSTOP)
    await _expire_leases(runtime)
    start_worker("once", "default")
    await eventually({"a": 1}, lambda: effect_counts(runtime))
    os.kill(orphan, signal.SIGCONT)
    await asyncio.sleep(2.5)
    assert {"a": 1} == await effect_counts(runtime)
    async with runtime.db.begin() as tx:
        assert orphan != (await tx.execute(select(effects.c.pid))).scalar_one()


@pytest.mark.parametrize("lane", LANES)
async def test_a_stopped_worker_hands_its_task_back(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually, lane: str
) -> None:
    """On SIGTERM a worker ends within five seconds, exit code 0, and its task is at once another's."""
    start_relay()
    worker = start_worker("once", lane)
    await wish(runtime, "a", task=LANES[lane], work_seconds=4)
    await eventually(1, lambda: _taken(runtime))
    worker.terminate()
    assert 0 == await asyncio.to_thread(worker.wait, 5)
    await eventually(0, lambda: _taken(runtime), seconds=1)
    assert {} == await effect_counts(runtime)


async def test_poison_hurts_no_neighbour(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually
) -> None:
    """A task that aborts its process is given up after five times; tasks that were beside it are done, once each."""
    start_relay()
    fast, default = start_worker("poison", "fast"), start_worker("poison", "default")
    await asyncio.gather(*(wish(runtime, f"neighbour {number}", work_seconds=0.3) for number in range(5)))
    await wish(runtime, "poison", abort=True)
    assert -signal.SIGABRT == await asyncio.to_thread(fast.wait, 10)
    neighbours = {f"neighbour {number}": 1 for number in range(5)}
    for crashes in range(1, outbox.CRASH_LIMIT + 1):

        async def crashed() -> int:
            return (await effect_counts(runtime)).get("poison", 0)

        await eventually(crashes, crashed)
        await asyncio.sleep(0.3)
        await _expire_leases(runtime)
    await eventually(neighbours | {"poison": 5}, lambda: effect_counts(runtime))

    async def given_up() -> list[tuple[str, str]]:
        return [(row.key, row.reason) for row in await rows(runtime) if row.due_time is None]

    await eventually([("poison", "INTERNAL")], given_up)
    assert default.poll() is None


async def test_a_lost_redis_is_waited_for(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually, tmp_path: Path
) -> None:
    """Workers live through Redis being killed in the middle of their tasks, and go on when it is back, empty."""
    with stack.redis.redis(tmp_path / "redis") as server:
        start_relay(redis_url=server.url())
        workers = [start_worker("once", lane, REDIS_URL=server.url()) for lane in LANES]
        for lane, task in LANES.items():
            await wish(runtime, f"before {lane}", task=task, work_seconds=1.5)
        await eventually(2, lambda: _taken(runtime))
        server.kill()
        await asyncio.sleep(2)
        for lane, task in LANES.items():
            await wish(runtime, f"after {lane}", task=task)
        server.start()
        expected = {f"{when} {lane}": 1 for when in ("before", "after") for lane in LANES}
        await eventually(expected, lambda: effect_counts(runtime), seconds=25)
        assert [None, None] == [worker.poll() for worker in workers]


@pytest.mark.parametrize("lanes", [["fast"], ["default", "bulk"]])
def test_workers_never_load_grpc(environment: dict[str, str], lanes: list[str]) -> None:
    """A worker with every action loaded has not loaded gRPC: it may fork."""
    code = (
        "import sys, jobs.worker, jobs.relay, jobs.tasks; jobs.tasks.load();"
        "print([name for name in sys.modules if name.split('.')[0] == 'grpc'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()


@pytest.mark.parametrize("arguments", [[], ["slow"], ["fast", "slow"]])
def test_a_wrong_lane_is_refused(environment: dict[str, str], arguments: list[str]) -> None:
    """A worker without a known lane ends with one sentence and exit code 1."""
    command = [sys.executable, "-m", "jobs.worker", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert (1, "usage: python -m jobs.worker LANE…, lanes: fast, default, bulk") == (
        done.returncode,
        done.stderr.strip(),
    )


async def test_from_commit_to_effect(
    runtime: Runtime, start_worker: StartWorker, start_relay: StartRelay, eventually: Eventually
) -> None:
    """On a quiet system a fast task has its effect within half a second of the commit that asked for it, 19 times of 20."""
    start_worker("once", "fast")
    start_relay()
    asked = {}
    for number in range(40):
        key = f"{number}"
        asked[key] = runtime.now()
        await wish(runtime, key)
        await asyncio.sleep(0.05)
    await eventually(40, lambda: _count(runtime))
    async with runtime.db.begin() as tx:
        delays = sorted((row.time - asked[row.task_key]) for row in await tx.execute(select(effects)))
    print(f"commit to effect: median {delays[20]}, 95 % {delays[37]}, longest {delays[-1]}")  # noqa: T201 – shown by -rP
    assert delays[37] < timedelta(seconds=0.5)


async def _count(runtime: Runtime) -> int:
    return len(await effect_counts(runtime))


async def _unfinished(runtime: Runtime) -> int:
    return len([row for row in await rows(runtime) if not row.key.startswith("every:")])


async def _taken(runtime: Runtime) -> int:
    """Tell how many tasks are in a worker's hands."""
    return len([row for row in await rows(runtime) if row.leased and row.unfinished])


async def _expire_leases(runtime: Runtime) -> None:
    """Let the leases of all workers run out now instead of in 20 seconds."""
    async with runtime.db.begin() as tx:
        leased = outbox.tasks.c.leased & outbox.tasks.c.due_time.is_not(None)
        await tx.execute(update(outbox.tasks).where(leased).values(due_time=runtime.now()))
