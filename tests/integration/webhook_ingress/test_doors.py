"""The ingress against slow, many, malformed and disguised callers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from connector.runtime import Runtime
from connector.settings.forms import networks
from tests.integration.webhook_ingress.conftest import sign
from webhook_ingress.app import create_app
from webhook_ingress.callers import Callers
from webhook_ingress.doorway import Limits
from webhook_ingress.serving import serving

POST = b"POST /webhooks/facebook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
MALFORMED = [
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5 5\r\n\r\nhello"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\nhello"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nhello"),
    (400, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
    (400, b"GET /healthz HTTP/1.1\r\n\r\n"),
    (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
    (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nX\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nX(y): x\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nX: 1\r\n folded: 2\r\n\r\n"),
    (404, b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n"),
    (400, b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n"),
    (400, b"GET / HTTP/11.1\r\nHost: x\r\n\r\n"),
    (400, b"GET / HTP/1.1\r\nHost: x\r\n\r\n"),
    (400, b"GET\r\n\r\n"),
    (400, b"G\0T / HTTP/1.1\r\nHost: x\r\n\r\n"),
    (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    (400, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 200 + b"\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n"),
    (400, b"GET / HTTP/1.1\nHost: x\n\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n"),
    (400, b"GET / HTTP/1.1\rHost: x\r\r"),
    (400, b"GET /\r\n\r\n"),
    (400, b"GET http://other.example/healthz HTTP/1.1\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nX: \x7f\x01\r\n\r\n"),
    (404, b"CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    (404, b"GET http://other.example/nowhere HTTP/1.1\r\nHost: x\r\n\r\n"),
    (404, b"GET /nowhere HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
    (405, b"PATCH /webhooks/facebook HTTP/1.1\r\nHost: x\r\n\r\n"),
]


@asynccontextmanager
async def impatient(runtime: Runtime, seconds: float) -> AsyncIterator[int]:
    """Serve with little patience; tells the port."""
    limits = Limits(Callers(), first_byte_seconds=seconds, request_seconds=seconds)
    async with serving(create_app(runtime), "127.0.0.1", 0, limits=limits) as port:
        yield port


async def talk(port: int, sent: bytes, *, drip: bytes = b"") -> tuple[bytes, float]:
    """Send bytes, then perhaps drip more of them; tells what came back until the server hung up, and after how long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(sent)
    end = asyncio.create_task(_read(reader))
    while not end.done():
        await asyncio.wait([end], timeout=0.05)
        if drip and not end.done():
            writer.write(drip)
    writer.close()
    return end.result(), time.monotonic() - began


async def _read(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    try:
        while chunk := await reader.read(65_536):
            answer += chunk
    except ConnectionResetError:  # it was cut off
        pass
    return answer


@pytest.mark.parametrize(
    ("sent", "drip"),
    [
        (b"", b""),
        (b"POST", b""),
        (POST, b"X-Slow: 1\r\n"),
        (POST + b"Content-Length: 900\r\nX-Hub-Signature-256: sha256=0\r\n\r\n", b"x"),
        (POST + b"Transfer-Encoding: chunked\r\nX-Hub-Signature-256: sha256=0\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["silent", "half a word", "headers", "body", "chunks"],
)
async def test_whoever_is_slow_is_cut_off(runtime: Runtime, sent: bytes, drip: bytes) -> None:
    """The clock runs from the first byte to the answer, however busily a caller drips, and while nothing is said at all."""
    async with impatient(runtime, 0.3) as port:
        answer, seconds = await talk(port, sent, drip=drip)
    assert (b"", True) == (answer, seconds < 5)


async def test_good_callers_are_quick_among_slow_ones(runtime: Runtime) -> None:
    """While dozens drip headers and bodies a delivery is answered at once, and all the slow ones go."""
    body = b'{"object":"page","entry":[]}'
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body)}
    dripping = [(POST, b"X: 1\r\n"), (POST + b"Content-Length: 900\r\nX-Hub-Signature-256: x\r\n\r\n", b"x")] * 20
    async with impatient(runtime, 2) as port, aiohttp.ClientSession() as http:
        slow = [asyncio.create_task(talk(port, sent, drip=drip)) for sent, drip in dripping]
        for _ in range(20):
            async with http.post(f"http://127.0.0.1:{port}/webhooks/facebook", data=body, headers=headers) as response:
                assert 200 == response.status
        assert 40 == len(await asyncio.gather(*slow))


async def test_a_kept_connection_gets_a_new_clock_for_each_request(runtime: Runtime) -> None:
    """A connection may be used for longer than a request may take, as long as each request is quick."""
    async with impatient(runtime, 1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(4):
            writer.write(ALIVE)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.3)
        writer.close()


@pytest.mark.parametrize(("proxies", "served"), [("", 2), ("127.0.0.0/8", 4)])
async def test_one_address_gets_so_many_connections(runtime: Runtime, proxies: str, served: int) -> None:
    """An address beyond its share is turned away at once; a proxy stands for many callers and is not."""
    callers = Callers(networks(proxies) if proxies else ())
    async with serving(create_app(runtime), "127.0.0.1", 0, limits=Limits(callers, per_address=2)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for _, writer in held:
            writer.write(ALIVE)
        answers = [await _first(reader) for reader, _ in held]
        for _, writer in held:
            writer.close()
    assert served == sum(answer.startswith(b"HTTP/1.1 200") for answer in answers)


async def _first(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(("status", "request_bytes"), MALFORMED, ids=range(len(MALFORMED)))
async def test_nothing_is_smuggled_behind_a_refusal(ingress: str, status: int, request_bytes: bytes) -> None:
    """What two parsers could read in two ways is refused with exactly one status, and the connection closed: what follows is never served."""
    answer, _ = await talk(int(ingress.rpartition(":")[2]), request_bytes + ALIVE)
    assert (str(status).encode(), 1) == (answer.split(b" ")[1], answer.count(b"HTTP/1."))
    assert b"\r\nServer: connector\r\n" in answer


async def test_every_answer_has_its_headers(ingress: str) -> None:
    """Whatever is asked, nothing is kept, framed, sniffed or told to others, and nobody learns what serves it."""
    async with aiohttp.ClientSession() as http:
        for path in ("/healthz", "/nowhere", "/oauth/callback", f"/deletions/{'0' * 32}", "/feeds/none.csv"):
            async with http.get(ingress + path) as response:
                told = {
                    name: response.headers.get(name, "")
                    for name in ("Cache-Control", "Referrer-Policy", "X-Frame-Options")
                }
                assert {
                    "Cache-Control": "no-store",
                    "Referrer-Policy": "no-referrer",
                    "X-Frame-Options": "DENY",
                } == told
                assert ("nosniff", "connector") == (
                    response.headers["X-Content-Type-Options"],
                    response.headers["Server"],
                )
                assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                assert "Strict-Transport-Security" not in response.headers


@pytest.mark.parametrize(("proxies", "told"), [("127.0.0.1/32", True), ("10.0.0.0/8", False), ("", False)])
async def test_only_a_trusted_proxy_tells_the_scheme(runtime: Runtime, proxies: str, told: bool) -> None:  # noqa: FBT001 – a table
    """`X-Forwarded-Proto` counts when our own proxy says it, and from nobody else."""
    app = create_app(runtime, proxies=networks(proxies) if proxies else ())
    async with serving(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:
        url, headers = f"http://127.0.0.1:{port}/healthz", {"X-Forwarded-Proto": "https"}
        async with http.get(url, headers=headers) as response:
            assert told == ("Strict-Transport-Security" in response.headers)


async def test_behind_a_prefix_both_forms_are_served(runtime: Runtime) -> None:
    """A proxy may leave the prefix of PUBLIC_URL on the path, or take it off."""
    app = create_app(replace(runtime, public_url="https://stormcom.example/facebook"))
    async with serving(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:
        statuses = []
        for path in ("/facebook/healthz", "/healthz", "/other/healthz"):
            async with http.get(f"http://127.0.0.1:{port}{path}") as response:
                statuses.append(response.status)
    assert [200, 200, 404] == statuses
