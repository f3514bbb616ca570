"""Serves feed files to Meta, as a stream of their pieces: `GET /feeds/{token}.{suffix}`, and HEAD.

Whoever knows the address may fetch the file, and nobody can guess it. Whatever is wrong – no such token, another suffix, too
early, too late – is the same 404. A file that goes away while it is sent breaks the connection, so that no part is taken for all.
"""

import asyncio

from aiohttp import web

from connector.feeds import actions as feeds
from connector.feeds.model.files import FORMS
from connector.feeds.model.values import File
from connector.runtime import Runtime
from webhook_ingress.doorway import linger
from webhook_ingress.keys import RUNTIME
from webhook_ingress.pages import HEADERS

ROUTE = "/feeds/{token:[^/.]+}.{suffix:[a-z.]+}"
SEND_SECONDS = 1_800.0


async def serve_file(request: web.Request) -> web.StreamResponse:
    """Send a file, or its headers."""
    runtime = request.app[RUNTIME]
    file = await feeds.find_file(runtime, request.match_info["token"], request.match_info["suffix"])
    if file is None:
        raise web.HTTPNotFound
    if f'"{file.etag}"' in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=_headers(file))
    response = web.StreamResponse(headers=_headers(file))
    response.content_length = file.size_bytes
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    linger(request)
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await _send(runtime, file, response)
        await feeds.note_fetched(runtime, file)
    except BaseException:  # whatever it is: another answer behind half a file would look like its rest
        if request.transport is not None:
            request.transport.abort()
        raise
    return response


async def _send(runtime: Runtime, file: File, response: web.StreamResponse) -> None:
    for number in range(file.piece_count):
        piece = await feeds.read_piece(runtime, file, number)
        if piece is None:
            raise ConnectionResetError
        await response.write(piece)
    await response.write_eof()


def _headers(file: File) -> dict[str, str]:
    return HEADERS | {
        "Content-Type": FORMS[file.kind].content_type,
        "ETag": f'"{file.etag}"',
        "Accept-Ranges": "none",
        "Cache-Control": "private, no-store",
    }
