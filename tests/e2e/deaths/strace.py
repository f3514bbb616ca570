"""Kills a process at its n-th send, by strace: the kernel never gets to do it.

strace counts per thread and per system call, from its attaching on. libpq and Redis' client use `sendto`, gRPC `sendmsg`, uvloop, and
so whatever goes to Meta, `write`. Log lines are writes as well, unless their level drops them.
"""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SENDTO, SENDMSG, WRITE = "sendto", "sendmsg", "write"
_FORBIDDEN = ("not permitted", "not implemented")  # by the kernel's settings, or by a sandbox's kernel
_LINE = re.compile(r"^(?:(\d+) +)?(sendto|sendmsg|write)\((.*)", re.MULTILINE)


class CannotTraceError(Exception):
    """There is no strace here, or nobody may look at other processes."""


class Send(NamedTuple):
    """A send as strace saw it: whose, when there are several threads; which of its kind; and how it begins."""

    thread: str
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
        """List the sends there were, each with its number among those of its kind and thread."""
        found, numbers = [], Counter[tuple[str, str]]()
        for thread, call, text in _LINE.findall(self.file.read_text(errors="replace")):
            numbers[thread, call] += 1
            found.append(Send(thread, call, numbers[thread, call], text))
        return found


@contextmanager
def attached(
    thread: int, folder: Path, *, kill_at: tuple[str, int] | None = None, others: bool = False
) -> Iterator[Trace]:
    """Watch a thread, and others of its process if wanted, for the length of the block; kill at the n-th send of a kind."""
    file = folder / "trace"
    watched = kill_at[0] if kill_at else f"{SENDTO},{WRITE}"
    fate = ("-e", f"inject={watched}:signal=SIGKILL:when={kill_at[1]}") if kill_at else ()
    whole = ("-f",) if others else ()
    command = ("strace", *whole, "-p", str(thread), "-o", str(file), "-e", f"trace={watched}", *fate)
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as missing:
        raise CannotTraceError("strace is not installed") from missing
    with process:
        assert process.stderr
        said = process.stderr.readline().strip()
        if any(word in said for word in _FORBIDDEN):
            raise CannotTraceError(said)
        if "attached" not in said:
            raise RuntimeError(said)
        try:
            yield Trace(process, file)
        finally:
            process.send_signal(signal.SIGTERM)  # what it watched goes on
            process.wait()
