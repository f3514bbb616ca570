"""Serves the application on a socket that slow, idle or countless callers cannot exhaust: behind a doorway for each connection.

A proxy in front must close its idle connections sooner than `IDLE_SECONDS`. Behind a prefix of PUBLIC_URL both forms of a path
are served, as some proxies take the prefix off and some do not.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp.http_parser
from aiohttp import web

from webhook_ingress.doorway import Doorway, Limits
from webhook_ingress.keys import CALLERS, WORK

IDLE_SECONDS = 8.0
_GRACE_SECONDS = 8.0
_LONGEST_LINE_BYTES = 8190
_MOST_HEADERS = 64


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int, *, limits: Limits | None = None) -> AsyncIterator[int]:
    """Serve for the length of the block, and tell the port; at its end, requests at work are finished first."""
    require_c_parser()
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,  # signatures cover the bytes on the wire
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=1.0,
        shutdown_timeout=1.0,
        max_line_size=_LONGEST_LINE_BYTES,
        max_field_size=_LONGEST_LINE_BYTES,
        max_headers=_MOST_HEADERS,
    )
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 – setup made it; for the type checker
    bounds = limits or Limits(app[CALLERS])
    listener = await asyncio.get_running_loop().create_server(lambda: Doorway(server, bounds), host, port, backlog=512)
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
