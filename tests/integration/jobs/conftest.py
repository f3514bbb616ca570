"""What the tests of background work share: a table of effects, an empty Redis, relays here and workers in processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from redis import Redis

from connector.settings import Settings
from jobs.relay import relay
from stack.environment import inherited
from stack.folders import CHECKOUT
from tests.integration.jobs.acts import effects

StartWorker = Callable[..., subprocess.Popen[bytes]]
Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def counted(empty_database: str) -> Iterator[None]:
    """Provide the table of effects, empty."""
    url = sqlalchemy.make_url(empty_database).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as tx:
        effects.create(tx, checkfirst=True)
        tx.execute(effects.delete())
    yield
    with engine.begin() as tx:
        effects.drop(tx)


@pytest.fixture
def bell_redis(redis_url: str) -> Iterator[Redis]:
    """Provide an empty Redis."""
    client = Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def environment(settings: Settings, redis_url: str, bell_redis: Redis) -> dict[str, str]:
    """Tell a process of ours where this test's servers are."""
    return {
        **inherited(os.environ),
        "PROFILE": "development",
        "DATABASE_URL": settings.database_url.reveal(),
        "REDIS_URL": redis_url,
        "PUBLIC_URL": settings.public_url,
        "META_GRAPH_URL": settings.graph_url,
        "META_TEST_APP_ID": "1",
        "META_TEST_APP_SECRETS": "secret",
        "META_TEST_VERIFY_TOKEN": "verify",
        "VAULT_KEYS": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "DEVELOPMENT_TOKEN": "development",
        "LOG_FORMAT": "json",
        "METRICS_ADDRESS": "",
    }


@pytest.fixture
def start_worker(environment: dict[str, str], tmp_path: Path) -> Iterator[StartWorker]:
    """Start workers; whatever is left of them and their children ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(action: str, *lanes: str, **variables: str) -> subprocess.Popen[bytes]:
        log = tmp_path / f"worker-{len(started)}.log"
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.jobs.rogue", action, *lanes],
                env={**environment, **variables}, cwd=CHECKOUT, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        started.append(worker)
        deadline = time.monotonic() + 20
        while "worker.ready" not in log.read_text():
            assert worker.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        return worker

    yield start
    for worker in started:
        for member in session_of(worker.pid):
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(member, signal.SIGKILL)
        worker.wait()


def session_of(leader: int) -> list[int]:
    """List the living processes of the session that `leader` began."""
    members = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                members.append(int(status.parent.name))
    return members


@pytest.fixture
async def start_relay(settings: Settings, redis_url: str, bell_redis: Redis) -> AsyncIterator[Callable[..., None]]:
    """Run relays in this process, each in a task, until the test ends."""
    stop, relays = asyncio.Event(), []

    def start(*, redis_url: str = redis_url) -> None:
        relays.append(asyncio.create_task(relay(settings.database_url.reveal(), redis_url, stop=stop)))

    yield start
    stop.set()
    await asyncio.gather(*relays)


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a question has the expected answer; fail with the last answer."""

    async def wait(expected: Any, ask: Callable[[], Awaitable[Any]], *, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while (answer := await ask()) != expected and time.monotonic() < deadline:  # noqa: ASYNC110 – others' processes tell no event
            await asyncio.sleep(0.02)
        assert expected == answer

    return wait
