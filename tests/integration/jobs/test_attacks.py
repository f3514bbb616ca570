"""Whoever can write to Redis cannot run anything in a worker, nor stop it."""

import builtins
import json
import os
import pathlib
import pickle
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.command import send_shutdown_command
from rq.utils import as_text

from connector.db.outbox import Task
from connector.runtime import Runtime
from jobs import bell
from stack.folders import CHECKOUT
from tests.integration.jobs import acts
from tests.integration.jobs.acts import effect_counts, wish
from tests.integration.jobs.conftest import Eventually, StartWorker

StartRelay = Callable[..., None]
Field = bytes | bytearray | memoryview | str | int | float  # as redis names it
Alive = Callable[[str], Awaitable[None]]
SING = f"{acts.__name__}.sing"
LANES = {"fast": Task.SEND_STOCK, "default": Task.SWEEP, "bulk": Task.SEND_ITEMS}
MODULES: tuple[ModuleType, ...] = (os, shutil, subprocess, pathlib, tempfile, builtins)


def _callables() -> Iterator[str]:
    """Name everything in some dangerous modules that can be called."""
    for module in MODULES:
        for name in sorted(vars(module)):
            if callable(getattr(module, name)) and not name.startswith("_"):
                yield f"{module.__name__}.{name}"


@pytest.fixture
async def alive(runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually) -> Alive:
    """Ask whether a lane still does honest work, and every lane has been emptied."""
    start_relay()

    async def waiting() -> int:
        return sum(bell.waiting(bell_redis).values())

    async def ask(lane: str) -> None:
        await wish(runtime, "honest", task=LANES[lane])
        await eventually({"honest": 1}, lambda: effect_counts(runtime), seconds=20)
        await eventually(0, waiting, seconds=20)

    return ask


def _known(canary: Path) -> Iterator[dict[Field, Field]]:
    """Write the known ways to have RQ run something: as the function, as pickled bytes, as what follows a genuine job."""
    touch = f"touch {canary}"
    genuine = json.dumps([bell.FUNCTION, None, [1, 1], {}])
    yield {"data": json.dumps(["os.system", None, [touch], {}])}
    yield {"data": json.dumps([SING, None, [], {}])}
    yield {"data": pickle.dumps(("os.system", None, (touch,), {}), protocol=4)}
    yield {"data": b"\x80\x04cos\nsystem\n(V" + touch.encode() + b"\ntR."}
    callback: dict[Field, Field] = {f"{end}_callback_name": SING for end in ("success", "failure", "stopped")}
    hooks: dict[Field, Field] = {
        "webhooks": json.dumps([{"url": f"file://{canary}"}]),
        "dependency_ids": json.dumps(["1-1"]),
    }
    yield {"data": genuine, "group_id": "g", "repeats_left": "9", "repeat_intervals": "[0]", **callback, **hooks}


@pytest.mark.parametrize("lane", LANES)
async def test_no_function_runs(
    start_worker: StartWorker, bell_redis: Redis, alive: Alive, tmp_path: Path, *, lane: str
) -> None:
    """In every lane: the known attacks, and hundreds of functions of the standard library with callbacks, run neither as jobs nor as callbacks."""
    canary = tmp_path / "canary"
    worker = start_worker("once", lane, CANARY=str(canary))
    queue = Queue(lane, connection=bell_redis, serializer="json")
    command = f"touch {canary}"
    names = [*_callables(), *["os.system", "subprocess.getoutput", "os.popen"] * 3]
    assert len(names) >= 200
    for number, name in enumerate(names):
        argument = command if name in {"os.system", "subprocess.getoutput", "os.popen"} else str(canary)
        # A name like an honest one's is looked up; a lane that forks for each takes fewer of them.
        smuggled = f"attack-{number}" if number % (2 if lane == "fast" else 40) else f"{10**6 + number}-1"
        queue.enqueue(
            name, argument, job_id=smuggled, result_ttl=0, failure_ttl=1,
            on_success=Callback(SING), on_failure=Callback(SING),
        )  # fmt: skip
    for number, attack in enumerate(_known(canary)):
        bell_redis.hset(f"rq:job:{2 * 10**6 + number}-1", mapping={"origin": lane, "status": "queued", **attack})
        bell_redis.rpush(queue.key, f"{2 * 10**6 + number}-1")
    await alive(lane)
    assert not canary.exists()
    assert worker.poll() is None


@pytest.mark.parametrize("callback", [False, True])
def test_the_attack_is_real(bell_redis: Redis, redis_url: str, tmp_path: Path, *, callback: bool) -> None:
    """RQ's own worker, with the same serializer, does run what these tests queue, as function and as callback: they would notice."""
    canary = tmp_path / "canary"
    queue = Queue("fast", connection=bell_redis, serializer="json")
    if callback:
        queue.enqueue("os.getpid", job_id="10-1", on_success=Callback(SING))
    else:
        queue.enqueue("os.system", f"touch {canary}", job_id="10-1")
    command = [sys.executable, "-m", "rq.cli", "worker", "--burst", "--serializer", "json", "--url", redis_url, "fast"]
    paths = {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'gen'}", "CANARY": str(canary)}
    subprocess.run(command, check=True, capture_output=True, cwd=CHECKOUT, env={**os.environ, **paths})
    assert canary.exists()


@pytest.mark.parametrize(("lane", "count"), [("fast", 300), ("bulk", 60)])
async def test_mutated_hashes_stop_nothing(
    start_worker: StartWorker, bell_redis: Redis, alive: Alive, tmp_path: Path, *, lane: str, count: int
) -> None:
    """Wake-ups with spoilt ids, fields and types, commands and a suspension leave the worker at work, whether it forks or not."""
    worker = start_worker("once", lane)
    noise = random.Random(20261121)  # noqa: S311 – noise that is the same in every run
    evil = json.dumps(["os.system", None, [f"touch {tmp_path / 'canary'}"], {}]).encode()
    fields = ["origin", "data", "timeout", "status", "meta", "webhooks", "dependency_ids", "created_at"]
    for number in range(count):
        name: bytes = noise.choice([f"{number}-7".encode(), f"{number}".encode(), b"a:b", b"../../etc", b""])
        bell_redis.delete(b"rq:job:" + name)
        if noise.random() < 0.9:
            values: dict[Field, Field] = {
                field: noise.choice([lane.encode(), evil, noise.randbytes(9), b"-1"]) for field in fields
            }
            bell_redis.hset(b"rq:job:" + name, mapping=values)
        else:
            bell_redis.set(b"rq:job:" + name, b"not a hash")
        bell_redis.rpush(f"rq:queue:{lane}", noise.randbytes(6) if number % 400 == 0 else name)
    bell_redis.set("rq:suspended", "1")
    for key in bell_redis.smembers("rq:workers"):
        send_shutdown_command(bell_redis, as_text(key).removeprefix("rq:worker:"))
    await alive(lane)
    assert not (tmp_path / "canary").exists()
    assert worker.poll() is None
