"""Connections that are slow, idle or too many, and a stop in the middle of work."""

import asyncio
import time

import pytest

from connector.runtime import Runtime
from tests.integration.webhook_ingress.conftest import sign
from webhook_ingress.app import create_app
from webhook_ingress.callers import Callers
from webhook_ingress.doorway import Limits
from webhook_ingress.serving import serving

PATH = b"POST /webhooks/facebook HTTP/1.1\r\nHost: x\r\n"


async def closed_after(port: int, *parts: bytes, every_seconds: float = 0.5) -> float:
    """Send parts slowly, then keep adding to them; tells after how long the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    for part in parts:
        writer.write(part)
    end = asyncio.create_task(reader.read())
    while not end.done():
        await asyncio.wait([end], timeout=every_seconds)
        if not end.done() and parts:
            writer.write(b"x")
    writer.close()
    return time.monotonic() - began


async def test_slow_callers_are_hung_up_on(runtime: Runtime) -> None:
    """A connection that says nothing, and one that trickles its headers or its body, is closed within 15 s."""
    body = PATH + b"Content-Type: application/json\r\nContent-Length: 1000\r\nX-Hub-Signature-256: sha256=0\r\n\r\n"
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        taken = await asyncio.gather(
            closed_after(port),
            closed_after(port, PATH),
            closed_after(port, PATH + b"X-Slow: "),
            closed_after(port, body),
        )
    assert max(taken) < 15


async def test_one_connection_too_many_is_closed_at_once(runtime: Runtime) -> None:
    """Beyond the limit connections are closed; those within it are served."""
    async with serving(create_app(runtime), "127.0.0.1", 0, limits=Limits(Callers(), connections=3)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert await closed_after(port) < 1
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


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \0\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["both lengths", "two lengths", "space before colon", "NUL", "long line", "TLS"],
)
async def test_what_is_no_http_ends_the_connection(runtime: Runtime, request_bytes: bytes) -> None:
    """A malformed request is answered with 400 and the connection is closed: nothing can be smuggled behind it."""
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_bytes + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert b" 400 Bad Request" in answer.splitlines()[0]
    assert b"200 OK" not in answer
