"""Kills a process at its n-th send, by strace: the kernel never gets to do it. One thread is watched, and one of the ways of sending.

strace counts per thread and per system call, from its attaching on. libpq and Redis' client send with `sendto`, aiohttp's loop writes
with `write`, so together that is every send there is; log lines are writes as well, and are dropped by their level.
"""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SENDTO, WRITE = "sendto", "write"
_LINE = re.compile(r"(sendto|write)\((.*)")


class CannotTraceError(Exception):
    """There is no strace here, or nobody may look at other processes."""


class Send(NamedTuple):
    """A send as strace saw it: which of its kind, and how it begins."""

    call: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A strace that is attached."""

    process: "subprocess.Popen[str]"
    file: Path

    @property
    def over(self) -> bool:
        """Tell whether what it watched is no more."""
        return self.process.poll() is not None

    def sends(self) -> list[Send]:
        """List the sends there were, each with its number among those of its kind."""
        found: list[Send] = []
        for call, text in _LINE.findall(self.file.read_text(errors="replace")):
            found.append(Send(call, 1 + sum(one.call == call for one in found), text))
        return found


@contextmanager
def attached(thread: int, folder: Path, *, kill_at: tuple[str, int] | None = None) -> Iterator[Trace]:
    """Watch a thread for the length of the block, and kill its process at the n-th send of a kind."""
    file = folder / "trace"
    watched = kill_at[0] if kill_at else f"{SENDTO},{WRITE}"
    fate = ("-e", f"inject={watched}:signal=SIGKILL:when={kill_at[1]}") if kill_at else ()
    command = ("strace", "-p", str(thread), "-o", str(file), "-e", f"trace={watched}", *fate)
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as missing:
        raise CannotTraceError("strace is not installed") from missing
    with process:
        assert process.stderr
        if "attached" not in (said := process.stderr.readline()):
            raise CannotTraceError(said.strip())
        try:
            yield Trace(process, file)
        finally:
            process.send_signal(signal.SIGTERM)  # what it watched goes on
            process.wait()
