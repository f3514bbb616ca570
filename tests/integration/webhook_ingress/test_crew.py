"""Several ingress processes on one address."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import psycopg
import pytest

from connector.settings import Settings
from stack.daemon import alive
from tests.integration.conftest import APP_ID, APP_SECRET, VERIFY_TOKEN
from tests.integration.webhook_ingress.conftest import sign
from webhook_ingress.crew import MEMBER

VAULT_KEYS = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture
def environ(settings: Settings) -> dict[str, str]:
    """What the processes are told."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PROFILE": "development",
        "DATABASE_URL": settings.database_url.reveal(),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PUBLIC_URL": "http://127.0.0.1:9",
        "META_TEST_APP_ID": APP_ID,
        "META_TEST_APP_SECRETS": APP_SECRET,
        "META_TEST_VERIFY_TOKEN": VERIFY_TOKEN,
        "VAULT_KEYS": VAULT_KEYS,
        "DEVELOPMENT_TOKEN": "token",
        "WEBHOOK_ADDRESS": "127.0.0.1:0",
        "WEBHOOK_PROCESSES": "2",
        "LOG_FORMAT": "json",
    }


@asynccontextmanager
async def crew(environ: dict[str, str], *, members: int = 2) -> AsyncIterator[tuple[Process, str]]:
    """Run the ingress; tells its process, and where it answers once all members do."""
    command = (sys.executable, "-m", "webhook_ingress")
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdin=PIPE, stdout=PIPE)
    try:
        async with asyncio.timeout(90):  # two starts of processes, on a machine busy with others
            yield process, await _ready(process, members=members)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _ready(process: Process, *, members: int) -> str:
    assert process.stdout is not None
    address = ""
    while members:
        line = await process.stdout.readline()
        assert line, "the ingress ended"
        if b'"ingress.ready"' in line:
            members -= 1
            address = line.partition(b'"address": "')[2].partition(b'"')[0].decode()
    return f"http://{address}"


def members_of(process: Process) -> set[int]:
    """List the processes that serve."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return {int(pid) for pid in path.read_text().split()}


async def _post(url: str, number: int) -> int:
    body = b"%d" % number
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body), "Connection": "close"}
    with suppress(aiohttp.ClientError):
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{url}/webhooks/facebook", data=body, headers=headers) as told,
        ):
            return told.status
    return 0


async def test_a_member_that_dies_is_replaced_and_nothing_acknowledged_is_lost(
    environ: dict[str, str], empty_database: str
) -> None:
    """While a member is killed the other answers, a new one takes its place, and every 200 is a row; SIGTERM ends all of them."""
    async with crew(environ) as (process, url):
        before = members_of(process)
        os.kill(min(before), signal.SIGKILL)
        statuses = await asyncio.gather(*(_post(url, number) for number in range(40)))
        acknowledged = {b"%d" % number for number, status in enumerate(statuses) if status == 200}
        await _ready(process, members=1)
        assert (2, 1) == (len(members_of(process)), len(before & members_of(process)))
        left = members_of(process)
        process.terminate()
        assert 0 == await process.wait()
        assert [] == [pid for pid in left if alive(pid)]
    with psycopg.connect(empty_database) as connection:
        kept = {bytes(row[0]) for row in connection.execute("SELECT body FROM deliveries")}
    assert acknowledged
    assert set() == acknowledged - kept


async def test_a_member_does_not_outlive_its_parent(environ: dict[str, str]) -> None:
    """A member whose parent is gone, which closes its standard input, finishes what is at work and ends."""
    told = {**environ, MEMBER: "0"}
    async with crew(told, members=1) as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert 0 == await process.wait()


async def test_a_taken_address_is_one_sentence(environ: dict[str, str]) -> None:
    """An address that somebody listens on is refused at the start, with a sentence and exit code 1."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = (sys.executable, "-m", "webhook_ingress")
    told = {**environ, "WEBHOOK_ADDRESS": f"127.0.0.1:{port}"}
    process = await asyncio.create_subprocess_exec(*command, env=told, stderr=PIPE)
    _, words = await process.communicate()
    server.close()
    assert (1, b"WEBHOOK_ADDRESS cannot be listened on: Address already in use\n") == (process.returncode, words)
