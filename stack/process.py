"""One supervised process: started, watched until it is ready, ended, killed; its output goes to a log file.

Promises that nothing it started outlives `stop()`: the process leads a session of its own, and whatever is left in
that session, such as a worker's forked child, is killed with it. Dies with us, by SIGKILL, when we die.
"""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stack.daemon import leashed
from stack.folders import CHECKOUT
from stack.problems import StackError

READY_TIMEOUT = timedelta(seconds=180)  # seconds at most, unless the machine is busy with others
POLL = timedelta(milliseconds=50)
LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run a process. It is ready when `ready_address` accepts a connection; without one, at once.

    Higher tiers depend on lower ones and are stopped first.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready_address: str = ""
    tier: int = 0


class Process:
    """A plan and the process that runs it, now or never."""

    def __init__(self, plan: Plan, log: Path) -> None:
        """Describe; nothing starts yet. The log begins empty and goes on over restarts."""
        self.plan = plan
        self.log = log
        self._child: asyncio.subprocess.Process | None = None
        self._sessions: list[int] = []  # all we ever began: a killed worker may have left a child in an earlier one
        log.write_bytes(b"")

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self._child and self._child.returncode is None else None

    async def start(self) -> None:
        """Run it; return when it is ready. Raises `StackError` with its last words when it ends first."""
        await self.run()
        await self.wait_until_ready()

    async def run(self) -> None:
        """Run it without waiting for it to be ready."""
        if self.pid is not None:
            raise StackError(f"{self.plan.name} already runs as process {self.pid}: stop it first.")
        with self.log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *leashed(self.plan.command, farewell=signal.SIGKILL),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=self.plan.environment,
                cwd=CHECKOUT,
                start_new_session=True,
            )
        self._sessions.append(self._child.pid)

    async def wait_until_ready(self) -> None:
        """Return when its address accepts; raise `StackError` when it ends first or takes too long."""
        deadline = time.monotonic() + READY_TIMEOUT.total_seconds()
        while self.plan.ready_address and not await _accepts(self.plan.ready_address):
            if self.pid is None:
                raise StackError(f"{self.plan.name} {self.ending()} before it was ready:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.plan.name} does not answer at {self.plan.ready_address} "
                    f"after {READY_TIMEOUT.total_seconds():.0f} s:\n{self.last_lines()}"
                )
            await asyncio.sleep(POLL.total_seconds())

    async def wait(self) -> None:
        """Return when it has ended."""
        if self._child is not None:
            await self._child.wait()

    async def stop(self, grace: timedelta) -> None:
        """Ask it to end, kill it after `grace`, and kill what it leaves behind."""
        if self._child is None:
            return
        with suppress(ProcessLookupError, TimeoutError):  # already gone, or deaf: killed below
            self._child.send_signal(signal.SIGTERM)
            async with asyncio.timeout(grace.total_seconds()):
                await self._child.wait()
        if self.pid is not None:
            self._child.kill()
        await self._child.wait()
        while self._sessions:
            await _end_session(self._sessions.pop())

    async def kill(self) -> None:
        """Kill it alone with SIGKILL; what it forked lives on, as after a real crash."""
        if self._child is not None and self.pid is not None:
            self._child.kill()
        await self.wait()

    def ending(self) -> str:
        """Say how it ended, in words."""
        code = self._child.returncode if self._child else None
        if code is None:
            return "still runs"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def last_lines(self) -> str:
        """Return the end of its output, to explain its death."""
        return "\n".join(f"  {line}" for line in self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])


async def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    with suppress(OSError):  # it hung up first: it did accept
        await writer.wait_closed()
    return True


async def _end_session(leader: int) -> None:
    """Kill what is left of the session, and return when it is gone."""
    while left := _session(leader):
        for pid in left:
            with suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(POLL.total_seconds())


def _session(leader: int) -> list[int]:
    """Return the living processes of the session that `leader` began; without /proc, none are found."""
    members = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                members.append(int(status.parent.name))
    return members
