"""Reads a request's body to its end, in time and no further than allowed."""

import asyncio

from aiohttp import web

BODY_SECONDS = 6.0


async def read_body(request: web.Request) -> bytes:
    """Read all of a body.

    Raises:
        HTTPRequestTimeout, HTTPBadRequest, HTTPRequestEntityTooLarge: it comes too slowly, breaks off, or is too large.

    """
    try:
        if request.content.is_eof():  # it came with its headers, as most do
            return await request.read()
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
