"""Processes of ours, started quickly: forked from one that has loaded everything and opened nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stack.folders import CHECKOUT


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started."""

    pid: int

    @property
    def alive(self) -> bool:
        """Tell whether it lives."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def thread(self, number: int) -> int:
        """Find the id of its first thread, which is 0, or of a later one. Ids grow, and begin anew at their end."""
        ids = [int(one.name) for one in Path(f"/proc/{self.pid}/task").iterdir()]
        end = int(Path("/proc/sys/kernel/pid_max").read_text())
        return sorted(ids, key=lambda one: (one - self.pid) % end)[number]


@dataclass(frozen=True, slots=True)
class Nursery:
    """Where processes of a kind come from."""

    process: "subprocess.Popen[str]"

    def bear(self) -> Child:
        """Start another one."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Child(int(self.process.stdout.readline()))


@contextmanager
def nursery(environment: Mapping[str, str], log: Path, kind: str, *, build: str = "") -> Iterator[Nursery]:
    """Have processes of a kind, of a broken build when one is named; with the block all of them end."""
    told = {**environment, "METRICS_ADDRESS": "", "LOG_LEVEL": "warning"}
    command = (sys.executable, "-m", "tests.e2e.deaths.nursery", kind, *filter(None, [build]))
    with (
        log.open("ab") as lines,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=lines, text=True, env=told, cwd=CHECKOUT
        ) as process,
    ):
        yield Nursery(process)
