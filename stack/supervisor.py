"""The whole connector on one machine: servers, migrations, processes; started, watched and stopped in order.

    async with running_stack(folder) as stack:        # everything answers
        await stack.kill("relay")                     # SIGKILL; stays down until
        await stack.start("relay")

A process that ends before it is ready stops everything. One that dies later is reported with its last words and started
again after a growing pause. Leaving the block stops all in reverse order within ten seconds and leaves nothing behind.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from stack import databases, folders
from stack.environment import Ports, development_secrets, inherited
from stack.postgres import PostgresServer, postgres
from stack.problems import StackError
from stack.process import Plan, Process
from stack.redis import RedisServer, redis

# Higher tiers depend on lower ones.
TIERS = {"simulator": 0, "connector": 1, "ingress": 1, "relay": 2, "worker-fast": 2, "worker-bulk": 2}
NAMES = tuple(TIERS)

PREFERRED_PORTS = {
    "connector": 50051, "ingress": 8080, "simulator": 8090,
    "connector metrics": 9101, "relay metrics": 9103,
    "worker-fast metrics": 9104, "worker-bulk metrics": 9105,
    "ingress metrics": 9110,  # and the ports after it, with WEBHOOK_PROCESSES above 1
}  # fmt: skip

GRACE_PER_TIER = timedelta(seconds=2.5)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=0.5), timedelta(seconds=8)
STEADY_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Servers:
    """Where PostgreSQL and Redis are; the servers themselves only when they are ours."""

    database_url: str
    redis_url: str
    postgres: PostgresServer | None
    redis: RedisServer | None


@dataclass(slots=True)
class Stack:
    """A running stack: where it answers, and handles to disturb it."""

    servers: Servers
    addresses: Mapping[str, str]
    environment: Mapping[str, str]
    processes: Mapping[str, Process]
    say: Callable[[str], None]
    crashes: list[str] = field(default_factory=list)
    _watches: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The development token: a caller with it may act for every store."""
        return self.environment["DEVELOPMENT_TOKEN"]

    @property
    def simulator_url(self) -> str:
        """The base URL of the simulated Meta."""
        return f"http://{self.addresses['simulator']}"

    @property
    def ingress_url(self) -> str:
        """The base URL of the webhook ingress."""
        return f"http://{self.addresses['ingress']}"

    async def start(self, name: str) -> None:
        """Start a process that is down; return when it is ready."""
        await self.processes[name].start()
        self._watches[name] = asyncio.create_task(self._keep_alive(self.processes[name]), name=f"watch {name}")

    async def kill(self, name: str) -> None:
        """Kill a process with SIGKILL; it stays down until `start`."""
        await self._unwatch(name)
        await self.processes[name].kill()

    async def restart(self, name: str) -> None:
        """Stop a process politely and start it again."""
        await self._unwatch(name)
        await self.processes[name].stop(GRACE_PER_TIER)
        await self.start(name)

    async def start_all(self) -> None:
        """Start everything at once; raise `StackError` when a process ends before it is ready."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in self.processes:
                    group.create_task(self.start(name))
        except BaseExceptionGroup as failures:
            expected, others = failures.split(StackError)
            if others or expected is None:
                raise
            raise StackError("\n".join(map(str, expected.exceptions))) from failures

    async def stop_all(self) -> None:
        """Stop everything, dependents first."""
        await asyncio.gather(*(self._unwatch(name) for name in self.processes))
        for tier in sorted({process.plan.tier for process in self.processes.values()}, reverse=True):
            members = [process for process in self.processes.values() if process.plan.tier == tier]
            await asyncio.gather(*(process.stop(GRACE_PER_TIER) for process in members))

    async def _unwatch(self, name: str) -> None:
        if watch := self._watches.pop(name, None):
            watch.cancel()
            await asyncio.wait([watch])

    async def _keep_alive(self, process: Process) -> None:
        """Start the process again each time it dies; the pause doubles unless it ran steadily."""
        pause, began = FIRST_PAUSE, time.monotonic()
        while True:
            await process.wait()
            pause = FIRST_PAUSE if time.monotonic() - began > STEADY_AFTER.total_seconds() else pause
            self.crashes.append(f"{process.plan.name} {process.ending()}")
            self.say(
                f"{self.crashes[-1]}; starting it again in {pause.total_seconds():g} s. "
                f"Its last lines:\n{process.last_lines()}"
            )
            await asyncio.sleep(pause.total_seconds())
            pause, began = min(2 * pause, LONGEST_PAUSE), time.monotonic()
            await process.run()


@asynccontextmanager
async def running_stack(
    folder: Path,
    *,
    only: Collection[str] = NAMES,
    environment: Mapping[str, str] | None = None,
    preferred_ports: Mapping[str, int] | None = None,
    fresh: bool = False,
    durable: bool = True,
    say: Callable[[str], None] = print,
) -> AsyncIterator[Stack]:
    """Run the stack, or the processes named in `only`, with servers and logs in `folder`.

    `environment` is added to what the processes are told; its `DATABASE_URL` and `REDIS_URL` replace the embedded
    servers. `fresh` begins with an empty embedded database. `durable=False` is for tests: see `PostgresServer`.
    """
    extra = dict(environment or {})
    with ExitStack() as cleanup:
        cleanup.enter_context(folders.sole_use(folder))
        servers = _start_servers(cleanup, folder, extra, fresh=fresh, durable=durable)
        ports = Ports()
        wanted = preferred_ports or {}
        addresses = {use: ports.next_free(wanted.get(use, 0)) for use in PREFERRED_PORTS}
        told = {**inherited(os.environ), **development_secrets(), **_addresses_told(servers, addresses), **extra}
        migrate(told)
        stack = Stack(servers, addresses, told, _processes(folder, only, told, addresses), say)
        try:
            await stack.start_all()
            yield stack
        finally:
            await stack.stop_all()


def migrate(environment: Mapping[str, str]) -> None:
    """Bring the database of `DATABASE_URL` to the schema of this checkout."""
    done = subprocess.run(
        (sys.executable, "-m", "connector", "migrate"),
        env=environment, cwd=folders.CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise StackError(f"The migrations failed:\n{done.stdout}{done.stderr}".rstrip())


def plans(environment: Mapping[str, str], addresses: Mapping[str, str]) -> list[Plan]:
    """Return how each process is run."""
    modules = {
        "simulator": ("simulator", *_simulator_arguments(environment, addresses)),
        "connector": ("connector",),
        "ingress": ("webhook_ingress",),
        "relay": ("jobs.relay",),
        "worker-fast": ("jobs.worker", "fast"),
        "worker-bulk": ("jobs.worker", "default", "bulk"),
    }
    metrics = {name: addresses.get(f"{name} metrics", "") for name in modules}
    return [
        Plan(
            name,
            (sys.executable, "-u", "-m", *arguments),
            {**environment, "METRICS_ADDRESS": metrics[name]},
            ready_address=addresses.get(name, metrics[name]),
            tier=TIERS[name],
        )
        for name, arguments in modules.items()
    ]


def _start_servers(cleanup: ExitStack, folder: Path, told: Mapping[str, str], *, fresh: bool, durable: bool) -> Servers:
    database_url, redis_url, database, cache = told.get("DATABASE_URL", ""), told.get("REDIS_URL", ""), None, None
    if database_url:
        databases.require_answer(database_url)
    else:
        database = cleanup.enter_context(postgres(folder / "postgres", durable=durable))
        if fresh:
            databases.drop(database.url("postgres"), "connector")
        database_url = database.ensure_database("connector")
    if not redis_url:
        cache = cleanup.enter_context(redis(folder / "redis"))
        redis_url = cache.url()
    return Servers(database_url, redis_url, database, cache)


def _addresses_told(servers: Servers, addresses: Mapping[str, str]) -> dict[str, str]:
    return {
        "PROFILE": "development",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "GRPC_ADDRESS": addresses["connector"],
        "WEBHOOK_ADDRESS": addresses["ingress"],
        "PUBLIC_URL": f"http://{addresses['ingress']}",
        "META_GRAPH_URL": f"http://{addresses['simulator']}",
        "META_DIALOG_URL": f"http://{addresses['simulator']}",
        "META_BATCH_SECONDS": "5",  # as quick as the simulator is told to be
    }


def _simulator_arguments(environment: Mapping[str, str], addresses: Mapping[str, str]) -> tuple[str, ...]:
    host, _, port = addresses["simulator"].rpartition(":")
    ingress = environment["PUBLIC_URL"]
    return (
        "--host", host, "--port", port,
        "--app", f"{environment['META_TEST_APP_ID']}:{environment['META_TEST_APP_SECRETS'].split(',')[0]}",
        f"--verify-token={environment['META_TEST_VERIFY_TOKEN']}",  # it may begin with a dash
        "--webhook-url", f"{ingress}/webhooks/facebook",
        "--deauthorize-url", f"{ingress}/callbacks/deauthorize",
        "--data-deletion-url", f"{ingress}/callbacks/data-deletion",
        "--redirect-uri", f"{ingress}/oauth/callback",
        "--switch", "batch_seconds=0.4",  # a demo is watched: Meta takes minutes
    )  # fmt: skip


def _processes(
    folder: Path, only: Collection[str], environment: Mapping[str, str], addresses: Mapping[str, str]
) -> dict[str, Process]:
    logs = folders.private(folder / "logs")
    chosen = [plan for plan in plans(environment, addresses) if plan.name in only]
    return {plan.name: Process(plan, logs / f"{plan.name}.log") for plan in chosen}
