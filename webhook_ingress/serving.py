"""Serves the application on a socket that slow, idle or countless callers cannot exhaust.

aiohttp closes a connection that is idle or stuck in its headers after `IDLE_SECONDS`; the handler bounds the body; here the
number of connections is bounded. A proxy in front must close its idle connections sooner than that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp.http_parser
from aiohttp import web

from webhook_ingress.keys import WORK

IDLE_SECONDS = 8.0
MOST_CONNECTIONS = 1000
_GRACE_SECONDS = 8.0


class _Turned(asyncio.Protocol):
    """Closes a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@asynccontextmanager
async def serving(
    app: web.Application, host: str, port: int, *, most_connections: int = MOST_CONNECTIONS
) -> AsyncIterator[int]:
    """Serve for the length of the block, and tell the port; at its end, requests at work are finished first."""
    require_c_parser()
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,  # signatures cover the bytes on the wire
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=1.0,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 – setup made it; for the type checker

    def connect() -> asyncio.Protocol:
        return server() if len(server.connections) < most_connections else _Turned()

    listener = await asyncio.get_running_loop().create_server(connect, host, port, backlog=512)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await app[WORK].end(seconds=_GRACE_SECONDS)  # before aiohttp, which stops reading bodies when it cleans up
        await runner.cleanup()


def require_c_parser() -> None:
    """Refuse to serve with aiohttp's Python parser: it has let more malformed requests through.

    Raises:
        RuntimeError: the C parser is not there.

    """
    if aiohttp.http_parser.HttpRequestParser is aiohttp.http_parser.HttpRequestParserPy:
        raise RuntimeError("aiohttp's C parser is missing: unset AIOHTTP_NO_EXTENSIONS or install a binary wheel")
