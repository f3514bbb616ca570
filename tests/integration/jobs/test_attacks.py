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

from connector.runtime import Runtime
from tests.integration.jobs.acts import effect_counts, wish
from tests.integration.jobs.conftest import Eventually, StartWorker

StartRelay = Callable[..., None]
MODULES: tuple[ModuleType, ...] = (os, shutil, subprocess, pathlib, tempfile, builtins)


def _callables() -> Iterator[str]:
    """Name everything in some dangerous modules that can be called."""
    for module in MODULES:
        for name in sorted(vars(module)):
            if callable(getattr(module, name)) and not name.startswith("_"):
                yield f"{module.__name__}.{name}"


@pytest.fixture
async def alive(runtime: Runtime, start_relay: StartRelay, eventually: Eventually) -> Callable[[], Awaitable[None]]:
    """Ask whether the fast lane still works."""
    start_relay()

    async def ask() -> None:
        await wish(runtime, "honest")
        await eventually({"honest": 1}, lambda: effect_counts(runtime), seconds=20)

    return ask


@pytest.mark.parametrize("lane", ["fast", "default"])
async def test_no_function_runs(
    start_worker: StartWorker,
    bell_redis: Redis,
    alive: Callable[[], Awaitable[None]],
    eventually: Eventually,
    tmp_path: Path,
    lane: str,
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

    async def waiting() -> int:
        return bell_redis.llen(f"rq:queue:{lane}")

    await eventually(0, waiting, seconds=20)
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
    start_worker: StartWorker, bell_redis: Redis, alive: Callable[[], Awaitable[None]], tmp_path: Path
) -> None:
    """A thousand wake-ups with spoilt ids, fields and types, commands and a suspension leave the worker at work."""
    worker = start_worker("once", "fast")
    noise = random.Random(20261121)
    evil = json.dumps(["os.system", None, [f"touch {tmp_path / 'canary'}"], {}]).encode()
    for number in range(1000):
        name = noise.choice([f"{number}-7", f"{number}", noise.randbytes(6), b"a:b", "../../etc", ""])
        key = b"rq:job:" + (name if isinstance(name, bytes) else name.encode())
        fields = [b"origin", b"data", b"timeout", b"status", b"meta", b"webhooks", b"dependency_ids", b"created_at"]
        hash_ = {field: noise.choice([b"fast", evil, noise.randbytes(9), b"-1"]) for field in fields}
        if noise.random() < 0.9:
            bell_redis.delete(key)
            bell_redis.hset(key, mapping=hash_)
        else:
            bell_redis.set(key, b"not a hash")
        if not isinstance(name, bytes) or number % 100 == 0:
            bell_redis.rpush("rq:queue:fast", name)
    bell_redis.set("rq:suspended", "1")
    for name in bell_redis.smembers("rq:workers"):
        send_shutdown_command(bell_redis, name.decode().removeprefix("rq:worker:"))
    await alive()
    assert not (tmp_path / "canary").exists()
    assert worker.poll() is None
