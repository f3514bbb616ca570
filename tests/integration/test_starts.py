"""How processes start, or say in one sentence why they do not."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connector.settings import Settings
from stack import databases
from stack.environment import inherited
from stack.folders import CHECKOUT

PROCESSES = ["connector", "webhook_ingress", "jobs.relay", "jobs.worker fast", "jobs.worker default bulk"]


@pytest.fixture
def environment(settings: Settings, redis_url: str, database_url: str) -> dict[str, str]:
    """Tell a process where this test's servers are; every address is a free one."""
    return {
        **inherited(os.environ),
        "PROFILE": "development",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "GRPC_ADDRESS": "127.0.0.1:0",
        "WEBHOOK_ADDRESS": "127.0.0.1:0",
        "METRICS_ADDRESS": "",
        "PUBLIC_URL": settings.public_url,
        "META_TEST_APP_ID": "1",
        "META_TEST_APP_SECRETS": "secret",
        "META_TEST_VERIFY_TOKEN": "verify",
        "VAULT_KEYS": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "DEVELOPMENT_TOKEN": "development",
    }


@pytest.fixture
def bare_database(database_url: str) -> Iterator[str]:
    """A database without tables."""
    name = f"{urlsplit(database_url).path[1:]}_bare"
    databases.drop(database_url, name)
    databases.create(database_url, name)
    yield databases.sibling(database_url, name)
    databases.drop(database_url, name)


@pytest.fixture
def taken() -> Iterator[str]:
    """An address that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def last_words(process: str, environment: dict[str, str]) -> str:
    """Run a process that cannot start, and return what it says on stderr."""
    command = [sys.executable, "-m", *process.split()]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("process", [*PROCESSES, "connector migrate"])
def test_without_a_database_a_process_ends_with_one_sentence(process: str, environment: dict[str, str]) -> None:
    """A PostgreSQL that does not answer is told in one line, without the password."""
    url = "postgresql://who:hidden@127.0.0.1:1/x"
    words = last_words(process, {**environment, "DATABASE_URL": url})
    assert words.startswith("The database at DATABASE_URL cannot be reached: ")
    assert 1 == len(words.splitlines())
    assert "hidden" not in words


@pytest.mark.parametrize("process", PROCESSES[2:])
def test_without_redis_background_work_ends_with_one_sentence(process: str, environment: dict[str, str]) -> None:
    """A Redis that does not answer at the start is told in one line."""
    words = last_words(process, {**environment, "REDIS_URL": "redis://:hidden@127.0.0.1:1/0"})
    assert words.startswith("The Redis at REDIS_URL cannot be reached: ")
    assert 1 == len(words.splitlines())
    assert "hidden" not in words


@pytest.mark.parametrize("process", PROCESSES)
def test_another_schema_is_refused_by_every_process(
    process: str, environment: dict[str, str], bare_database: str
) -> None:
    """No process works on a database that was not migrated to this version."""
    words = last_words(process, {**environment, "DATABASE_URL": bare_database})
    assert words == "The database has another schema than this version needs: run `python -m connector migrate`."


@pytest.mark.parametrize("process", PROCESSES)
def test_a_taken_metrics_address_is_named(process: str, environment: dict[str, str], taken: str) -> None:
    """A port that somebody else has is a wrong setting."""
    words = last_words(process, {**environment, "METRICS_ADDRESS": taken})
    assert words == "METRICS_ADDRESS cannot be listened on: Address already in use"


@pytest.mark.parametrize(
    ("process", "variable"), [("connector", "GRPC_ADDRESS"), ("webhook_ingress", "WEBHOOK_ADDRESS")]
)
def test_a_taken_address_is_named(process: str, variable: str, environment: dict[str, str], taken: str) -> None:
    """The variable to change stands in the last line."""
    words = last_words(process, {**environment, variable: taken})
    assert words.splitlines()[-1].startswith(f"{variable} cannot be listened on: ")


@pytest.mark.parametrize("process", ["connector", "connector migrate", "jobs.worker fast"])
def test_nothing_starts_on_a_dependency_with_a_known_hole(
    environment: dict[str, str], tmp_path: Path, process: str
) -> None:
    """A dependency below its floor is named, with the version that would do."""
    older = tmp_path / "aiohttp-3.14.2.dist-info"
    older.mkdir()
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: aiohttp\nVersion: 3.14.2\n")
    told = last_words(process, {**environment, "PYTHONPATH": str(tmp_path)})
    assert "aiohttp 3.14.2 is below 3.14.3" in told
