"""Several ingress processes on one address."""

import asyncio
import os
import signal
import sys
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
async def crew(environ: dict[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the ingress; tells its process, and where it answers once both members do."""
    command = (sys.executable, "-m", "webhook_ingress")
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(30):
            yield process, await _ready(process, members=2)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _ready(process: asyncio.subprocess.Process, *, members: int) -> str:
    assert process.stdout is not None
    address = ""
    while members:
        line = await process.stdout.readline()
        assert line, "the ingress ended"
        if b'"ingress.ready"' in line:
            members -= 1
            address = line.partition(b'"address": "')[2].partition(b'"')[0].decode()
    return f"http://{address}"


def members_of(process: asyncio.subprocess.Process) -> set[int]:
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
    """While members are killed the others answer, a new one takes each place, and every 200 is a row; SIGTERM ends all of them."""
    async with crew(environ) as (process, url):
        acknowledged: set[bytes] = set()
        for turn in range(2):
            before = members_of(process)
            os.kill(min(before), signal.SIGKILL)
            statuses = await asyncio.gather(*(_post(url, turn * 100 + number) for number in range(40)))
            acknowledged |= {b"%d" % (turn * 100 + n) for n, status in enumerate(statuses) if status == 200}
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


async def test_members_do_not_outlive_their_parent(environ: dict[str, str]) -> None:
    """When the parent is killed its members finish what is at work and end."""
    async with crew(environ) as (process, _):
        left = members_of(process)
        process.kill()
        await process.wait()
        while any(alive(pid) for pid in left):  # noqa: ASYNC110 – processes of others can only be asked
            await asyncio.sleep(0.05)


async def test_a_taken_address_is_one_sentence(environ: dict[str, str]) -> None:
    """An address that somebody listens on is refused at the start, with a sentence and exit code 1."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = (sys.executable, "-m", "webhook_ingress")
    told = {**environ, "WEBHOOK_ADDRESS": f"127.0.0.1:{port}"}
    process = await asyncio.create_subprocess_exec(*command, env=told, stderr=asyncio.subprocess.PIPE)
    _, words = await process.communicate()
    server.close()
    assert (1, b"WEBHOOK_ADDRESS cannot be listened on: Address already in use\n") == (process.returncode, words)
