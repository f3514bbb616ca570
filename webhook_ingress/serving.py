"""Serves the application on a socket that slow, idle or countless callers cannot exhaust: behind a doorway for each connection.

A proxy in front must close its idle connections sooner than `IDLE_SECONDS`. Behind a prefix of PUBLIC_URL both forms of a path
are served, as some proxies take the prefix off and some do not.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp.http_parser
from aiohttp import web

from connector import log, metrics
from webhook_ingress.doorway import Doorway, Limits
from webhook_ingress.keys import CALLERS, WORK
from webhook_ingress.pages import HEADERS

IDLE_SECONDS = 8.0
_GRACE_SECONDS = 8.0
_LONGEST_LINE_BYTES = 8190
_MOST_HEADERS = 64


_OPTIONS: Mapping[str, Any] = {
    "access_log": None,
    "auto_decompress": False,  # signatures cover the bytes on the wire
    "keepalive_timeout": IDLE_SECONDS,
    "lingering_time": 1.0,
    "max_line_size": _LONGEST_LINE_BYTES,
    "max_field_size": _LONGEST_LINE_BYTES,
    "max_headers": _MOST_HEADERS,
}


class _Protocol(web.RequestHandler):
    """Aiohttp's protocol, which says nothing of a malformed request: neither back to its sender nor into a log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 – it quotes the request
    ) -> web.StreamResponse:
        """Answer a request that nobody could read, or (503) that we failed to answer, and close the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        if status >= 500 and exc is not None:
            log.failed("request.failed", exc)
            response = web.Response(status=503, text="Try again later", headers=HEADERS)
        else:
            metrics.turned_away.labels("malformed").inc()
            response = web.Response(status=status, text="Bad Request", headers=HEADERS)
        response.force_close()
        return response


@asynccontextmanager
async def serving(
    app: web.Application, host: str, port: int, *, limits: Limits | None = None, shared: bool = False
) -> AsyncIterator[int]:
    """Serve for the length of the block, and tell the port; at its end, requests at work are finished first.

    A `shared` address is listened on by several processes; otherwise a second one is refused it.
    """
    require_c_parser()
    runner = web.AppRunner(app, shutdown_timeout=1.0, **_OPTIONS)
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 – setup made it; for the type checker
    loop = asyncio.get_running_loop()
    bounds = limits or Limits(app[CALLERS])
    make = partial(_Protocol, server, loop=loop, **_OPTIONS)
    listener = await loop.create_server(
        lambda: Doorway(make, bounds), host, port, backlog=512, reuse_port=shared or None
    )
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
