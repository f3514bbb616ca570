"""PostgreSQL and Redis for a test run: those of DATABASE_URL and REDIS_URL, or embedded ones started for the run.

One cluster per run; each pytest-xdist worker gets a database of its own, cloned from one that was migrated once, and a
Redis database of its own. Servers that cannot start fail the tests: nothing is skipped.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest

import stack.postgres
import stack.redis
from stack import databases, folders
from stack.environment import inherited
from stack.supervisor import migrate

RUNS = folders.CONNECTOR_FOLDER / "tests"
MIGRATION_LOCK = 20261121  # any number that the workers of a run agree on
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
CLEANUP = pytest.StashKey[ExitStack]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the run started."""
    if CLEANUP in config.stash:
        config.stash[CLEANUP].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start the servers in xdist's controller, which outlives every worker, and tell the worker where they are."""
    starting = CLEANUP not in node.config.stash
    folder = _run_folder(node.config)
    if starting and not os.environ.get("DATABASE_URL"):
        node.config.stash[CLEANUP].enter_context(stack.postgres.postgres(folder / "postgres", durable=False))
    if starting and not os.environ.get("REDIS_URL"):
        node.config.stash[CLEANUP].enter_context(stack.redis.redis(folder / "redis"))
    node.workerinput["run_folder"] = str(folder)


@pytest.fixture(autouse=True, scope="session")
def grpc_stays() -> None:
    """Keep gRPC's event thread for the whole run.

    It ends with the last server or channel, whenever the collector finds that one, and starts anew with the next: ending it from
    within a collection can wait for a thread that waits for the collection.
    """
    grpc.aio.init_grpc_aio()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[stack.postgres.PostgresServer]:
    """Return the embedded server of the run, shared by its workers: take one of your own to break it."""
    if os.environ.get("DATABASE_URL"):
        pytest.fail("This test needs the embedded PostgreSQL: unset DATABASE_URL.")
    with stack.postgres.postgres(_run_folder(pytestconfig) / "postgres", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def redis(pytestconfig: pytest.Config) -> Iterator[stack.redis.RedisServer]:
    """Return the embedded server of the run, shared by its workers: take one of your own to break it."""
    if os.environ.get("REDIS_URL"):
        pytest.fail("This test needs the embedded Redis: unset REDIS_URL.")
    with stack.redis.redis(_run_folder(pytestconfig) / "redis") as server:
        yield server


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Provide a migrated database that only this worker uses."""
    server = os.environ.get("DATABASE_URL") or request.getfixturevalue("postgres").url("postgres")
    databases.require_answer(server)
    template = f"connector_test_{os.environ.get('PYTEST_XDIST_TESTRUNUID', str(os.getpid()))[:8]}"
    name = f"{template}_{WORKER or 'alone'}"
    with _alone(server):
        _ensure_migrated(server, template)
        databases.create(server, name, template=template)
    yield databases.sibling(server, name)
    with _alone(server):
        databases.drop(server, name)
        if not databases.names(server, f"{template}_%"):  # we were the last
            databases.drop(server, template)


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a Redis database that only this worker uses; it may hold what an earlier run left."""
    number = int(WORKER.removeprefix("gw") or 0)
    given = os.environ.get("REDIS_URL")
    return stack.redis.numbered(given, number) if given else request.getfixturevalue("redis").url(number)


def _run_folder(config: pytest.Config) -> Path:
    """Return the folder of the run: the controller's when we are a worker, else our own, made once."""
    if hasattr(config, "workerinput"):
        return Path(config.workerinput["run_folder"])
    folder = RUNS / str(os.getpid())
    if CLEANUP not in config.stash:
        folders.sweep(RUNS)
        cleanup = config.stash[CLEANUP] = ExitStack()
        cleanup.enter_context(folders.sole_use(folder))
        cleanup.callback(folders.remove, folder)
    return folder


@contextmanager
def _alone(server: str) -> Iterator[None]:
    """Let one worker at a time prepare databases."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        yield


def _ensure_migrated(server: str, template: str) -> None:
    if not databases.names(server, template):
        unfinished = f"{template}_unfinished"
        databases.drop(server, unfinished)
        databases.create(server, unfinished)
        try:
            migrate({**inherited(os.environ), "DATABASE_URL": databases.sibling(server, unfinished)})
            databases.rename(server, unfinished, to=template)
        finally:
            databases.drop(server, unfinished)  # gone already, unless the migration failed
