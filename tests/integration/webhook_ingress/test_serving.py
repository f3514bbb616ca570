"""Connections that are too many, and a stop in the middle of work."""

import asyncio
import os
import subprocess
import sys

from connector.runtime import Runtime
from tests.integration.webhook_ingress.conftest import sign
from webhook_ingress.app import create_app
from webhook_ingress.callers import Callers
from webhook_ingress.doorway import Limits
from webhook_ingress.serving import serving

PATH = b"POST /webhooks/facebook HTTP/1.1\r\nHost: x\r\n"


async def test_one_connection_too_many_is_closed_at_once(runtime: Runtime) -> None:
    """Beyond the limit connections are closed; those within it are served."""
    async with serving(create_app(runtime), "127.0.0.1", 0, limits=Limits(Callers(), connections=3)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert b"" == await asyncio.wait_for(reader.read(), 2)
        writer.close()
        held[0][1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await held[0][0].read()).startswith(b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()


async def test_a_stop_finishes_what_is_at_work(runtime: Runtime) -> None:
    """A request whose body is under way when the server stops is still kept and answered."""
    body = b'{"object":"page","entry":[]}'
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Hub-Signature-256: {sign(body)}\r\n\r\n"
        writer.write(PATH + head.encode() + body[:5])
        await asyncio.sleep(0.1)
        rest = asyncio.create_task(_finish(writer, body[5:]))
    await rest
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


async def _finish(writer: asyncio.StreamWriter, rest: bytes) -> None:
    await asyncio.sleep(0.5)
    writer.write(rest)


def test_without_the_c_parser_nothing_is_served() -> None:
    """Where only aiohttp's Python parser is there, which has let malformed requests through, the ingress refuses to serve."""
    command = [sys.executable, "-c", "from webhook_ingress.serving import require_c_parser; require_c_parser()"]
    ended = subprocess.run(command, check=False, capture_output=True, env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"})
    assert (1, True) == (ended.returncode, b"unset AIOHTTP_NO_EXTENSIONS" in ended.stderr)
