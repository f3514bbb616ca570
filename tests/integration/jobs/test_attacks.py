"""Whoever can write to Redis cannot run anything in a worker, nor stop it."""

import builtins
import json
import os
import pathlib
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

from connector.runtime import Runtime
from jobs import bell
from tests.integration.jobs.acts import effect_counts, wish
from tests.integration.jobs.conftest import Eventually, StartWorker

StartRelay = Callable[..., None]
Field = bytes | bytearray | memoryview | str | int | float  # as redis names it
Alive = Callable[[], Awaitable[None]]
MODULES: tuple[ModuleType, ...] = (os, shutil, subprocess, pathlib, tempfile, builtins)


def _callables() -> Iterator[str]:
    """Name everything in some dangerous modules that can be called."""
    for module in MODULES:
        for name in sorted(vars(module)):
            if callable(getattr(module, name)) and not name.startswith("_"):
                yield f"{module.__name__}.{name}"


@pytest.fixture
async def alive(runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually) -> Alive:
    """Ask whether the fast lane still works and every lane has been emptied."""
    start_relay()

    async def waiting() -> int:
        return sum(bell.waiting(bell_redis).values())

    async def ask() -> None:
        await wish(runtime, "honest")
        await eventually({"honest": 1}, lambda: effect_counts(runtime), seconds=20)
        await eventually(0, waiting, seconds=20)

    return ask


@pytest.mark.parametrize("lane", ["fast", "default"])
async def test_no_function_runs(
    start_worker: StartWorker, bell_redis: Redis, alive: Alive, tmp_path: Path, *, lane: str
) -> None:
    """Hundreds of functions of the standard library, queued as jobs of RQ with callbacks, run neither as jobs nor as callbacks."""
    workers = [start_worker("once", lane)] + ([start_worker("once", "fast")] if lane != "fast" else [])
    canary = tmp_path / "canary"
    queue = Queue(lane, connection=bell_redis, serializer="json")
    command = f"touch {canary}"
    names = [*_callables(), *["os.system", "subprocess.getoutput", "os.popen"] * 3]
    assert len(names) >= 200
    for number, name in enumerate(names):
        argument = command if name in {"os.system", "subprocess.getoutput", "os.popen"} else str(canary)
        smuggled = f"{10**6 + number}-1" if lane == "fast" and number % 2 else f"attack-{number}"
        queue.enqueue(
            name, argument, job_id=smuggled, result_ttl=0, failure_ttl=1,
            on_success=Callback("os.getpid"), on_failure=Callback("shutil.rmtree"),
        )  # fmt: skip
    await alive()
    assert not canary.exists()
    assert [0] * len(workers) == [worker.poll() or 0 for worker in workers]


def test_the_attack_is_real(bell_redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """RQ's own worker, with the same serializer, does run what these tests queue: they would notice."""
    canary = tmp_path / "canary"
    Queue("fast", connection=bell_redis, serializer="json").enqueue("os.system", f"touch {canary}", job_id="10-1")
    command = [sys.executable, "-m", "rq.cli", "worker", "--burst", "--serializer", "json", "--url", redis_url, "fast"]
    subprocess.run(command, check=True, capture_output=True)
    assert canary.exists()


async def test_mutated_hashes_stop_nothing(
    start_worker: StartWorker, bell_redis: Redis, alive: Alive, tmp_path: Path
) -> None:
    """A thousand wake-ups with spoilt ids, fields and types, commands and a suspension leave the worker at work."""
    worker = start_worker("once", "fast")
    noise = random.Random(20261121)  # noqa: S311 – noise that is the same in every run
    evil = json.dumps(["os.system", None, [f"touch {tmp_path / 'canary'}"], {}]).encode()
    fields = ["origin", "data", "timeout", "status", "meta", "webhooks", "dependency_ids", "created_at"]
    for number in range(1000):
        name: bytes = noise.choice([f"{number}-7".encode(), f"{number}".encode(), b"a:b", b"../../etc", b""])
        bell_redis.delete(b"rq:job:" + name)
        if noise.random() < 0.9:
            values: dict[Field, Field] = {
                field: noise.choice([b"fast", evil, noise.randbytes(9), b"-1"]) for field in fields
            }
            bell_redis.hset(b"rq:job:" + name, mapping=values)
        else:
            bell_redis.set(b"rq:job:" + name, b"not a hash")
        bell_redis.rpush("rq:queue:fast", noise.randbytes(6) if number % 400 == 0 else name)
    bell_redis.set("rq:suspended", "1")
    for key in bell_redis.smembers("rq:workers"):
        send_shutdown_command(bell_redis, as_text(key).removeprefix("rq:worker:"))
    await alive()
    assert not (tmp_path / "canary").exists()
    assert worker.poll() is None
