"""Real workers, one at a time: each is born when the last one died."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stack.folders import CHECKOUT


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works in all lanes: one thread listens to Redis, another one does the work."""

    pid: int

    @property
    def alive(self) -> bool:
        """Tell whether it lives."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def thread(self, name: str) -> int:
        """Find the id of a thread: the process' first one listens, the next one is the crew. Ids grow, and begin anew at their end."""
        ids = [int(one.name) for one in Path(f"/proc/{self.pid}/task").iterdir()]
        end = int(Path("/proc/sys/kernel/pid_max").read_text())
        listener, crew, *_ = sorted(ids, key=lambda one: (one - self.pid) % end)
        return {"listener": listener, "crew": crew}[name]


@dataclass(frozen=True, slots=True)
class Nursery:
    """Where workers come from."""

    process: "subprocess.Popen[str]"

    def bear(self) -> Worker:
        """Start another worker."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Worker(int(self.process.stdout.readline()))


@contextmanager
def nursery(environment: Mapping[str, str], log: Path, *, build: str = "") -> Iterator[Nursery]:
    """Have workers, of a broken build when one is named, for the length of the block."""
    told = {**environment, "METRICS_ADDRESS": "", "LOG_LEVEL": "warning"}
    command = (sys.executable, "-m", "tests.e2e.deaths.nursery", *filter(None, [build]))
    with (
        log.open("ab") as lines,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=lines, text=True, env=told, cwd=CHECKOUT
        ) as process,
    ):
        yield Nursery(process)
