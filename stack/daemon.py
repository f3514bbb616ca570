"""One embedded server as a process: started or adopted, probed until ready, stopped, killed, started again.

Whoever holds the folder's lock owns the server and ends it; a second process of the checkout is a guest and only uses
it. A server left behind by a killed owner is adopted. Refuses to guess: a server that does not get ready is an error
that ends with the last lines of its log.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stack.folders import Account, claim
from stack.problems import StackError

LEASH = Path(__file__).with_name("leash.py")
READY_TIMEOUT = timedelta(seconds=90)  # seconds at most, unless the machine is busy with others
STOP_TIMEOUT = timedelta(seconds=6)
POLL = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to know it: `answering` returns the server's process id once it answers, else None."""

    name: str
    command: tuple[str, ...]
    folder: Path
    home: Path  # working folder; `folder` may be closed to the account
    log: Path
    account: Account | None
    stop_signal: signal.Signals
    answering: Callable[[], int | None]
    instead: str
    prepare: Callable[[], None] = lambda: None  # what its owner does before it runs
    transient: tuple[str, ...] = ()  # last words after which starting again helps


def leashed(command: tuple[str, ...], *, farewell: signal.Signals, account: Account | None = None) -> list[str]:
    """Wrap `command` so that it gets `farewell` when this process dies."""
    identity = f"{account.uid}:{account.gid}" if account else ""
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(farewell)), identity, *command]


def alive(pid: int) -> bool:
    """Say whether `pid` runs; a zombie nobody has collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):  # no /proc here, or it ended while we looked
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


class Daemon:
    """The running (or not running) process of a program."""

    def __init__(self, program: Program) -> None:
        """Describe; nothing starts yet."""
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self.pid: int | None = None

    @property
    def owned(self) -> bool:
        """Whether ending this server is our business."""
        return self._lock is not None

    def start(self) -> None:
        """Make the server answer: find it running, or run it. Returns when it answers."""
        with ExitStack() as undo:
            undo.callback(self.stop)
            if self._lock is None:
                self._lock = claim(self._program.folder)
            self.pid = self._program.answering()
            if self.owned and self.pid is None:
                self._program.prepare()
            self._wait_until_ready()
            undo.pop_all()

    def stop_leftover(self) -> None:
        """End a server that a killed owner left behind; one that somebody owns goes on."""
        self._lock = claim(self._program.folder)
        self.pid = self._program.answering()
        self.stop()

    def stop(self) -> None:
        """End the server and wait until it is gone; a guest only forgets it."""
        if self._lock is not None:
            self._end(self._program.stop_signal)
            os.close(self._lock)
        self._lock = self.pid = None

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Take the server away from its users, as a crash would; `start` brings it back."""
        if not self.owned:
            raise StackError(
                f"{self._program.name} belongs to another process of this checkout; it cannot be killed here."
            )
        self._end(how)
        self.pid = None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT.total_seconds()
        while self.pid is None:
            if self.owned and (self._child is None or self._child.poll() is not None):
                self._run_again()
            if time.monotonic() > deadline:
                raise self._failure("did not answer in time")
            time.sleep(POLL.total_seconds())
            self.pid = self._program.answering()

    def _run_again(self) -> None:
        if self._child is not None and not any(words in self._last_words() for words in self._program.transient):
            raise self._failure(f"ended at start with code {self._child.returncode}")
        if self._child is not None:
            time.sleep(5 * POLL.total_seconds())
        with self._program.log.open("wb") as log:
            self._child = subprocess.Popen(
                leashed(self._program.command, farewell=self._program.stop_signal, account=self._program.account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._program.home,
                env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops us in order
            )

    def _end(self, how: signal.Signals) -> None:
        """Send `how`, and SIGKILL to what does not listen; return when the process is gone."""
        pid = self.pid or (self._child.pid if self._child else None)
        if pid is not None and not self._gone_after(how, pid):
            self._gone_after(signal.SIGKILL, pid)
        self._child = None

    def _gone_after(self, how: signal.Signals, pid: int) -> bool:
        deadline = time.monotonic() + STOP_TIMEOUT.total_seconds()
        if alive(pid):
            os.kill(pid, how)
        while self._runs(pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL.total_seconds())
        return True

    def _runs(self, pid: int) -> bool:
        return self._child.poll() is None if self._child and self._child.pid == pid else alive(pid)

    def _last_words(self) -> str:
        log = self._program.log
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""

    def _failure(self, what: str) -> StackError:
        program = self._program
        return StackError(
            f"{program.name} {what}: {self._last_words()}\nSet {program.instead} to use a server of your own."
        )
