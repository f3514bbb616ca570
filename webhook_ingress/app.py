"""Receives webhooks: the handshake, and deliveries, each answered with 200 only after its commit.

What is too large, wrongly typed, encoded, or not signed by Meta is refused before anything is stored; what is signed is stored
even if nobody can read it. Answers 503 when it cannot store, so that Meta sends again; never 500.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable
from uuid import uuid4

from aiohttp import web
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from connector import log, metrics, tracing
from connector.errors import Unavailable
from connector.runtime import Runtime
from connector.webhooks import actions as webhooks
from connector.webhooks.model import Arrival
from webhook_ingress import feeds
from webhook_ingress.callbacks import finish_login
from webhook_ingress.inbox import Inbox
from webhook_ingress.keys import RUNTIME, WORK, Work

# https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21): up to 1,000 updates in one POST.
# Our own figure: 4 KiB each, twice what an escaped text of 2,000 characters and its frame usually take.
LARGEST_BODY_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 6.0
_READY_SECONDS = 3.0
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_INBOX = web.AppKey("inbox", Inbox)

_stored = metrics.deliveries.labels("stored")

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(runtime: Runtime) -> web.Application:
    """Make the application around an open runtime."""
    app = web.Application(client_max_size=LARGEST_BODY_BYTES, middlewares=[guard])
    app[RUNTIME], app[WORK] = runtime, Work()
    app[_INBOX] = Inbox(lambda: webhooks.keeping(runtime))
    app.on_cleanup.append(_close)
    app.router.add_get("/webhooks/facebook", shake_hands, allow_head=False)
    app.router.add_post("/webhooks/facebook", receive)
    app.router.add_get("/oauth/callback", finish_login, allow_head=False)
    app.router.add_get(feeds.ROUTE, feeds.serve_file)
    app.router.add_get("/healthz", tell_alive)
    app.router.add_get("/readyz", tell_ready)
    return app


async def _close(app: web.Application) -> None:
    await app[_INBOX].close()


@web.middleware
async def guard(request: web.Request, handler: Respond) -> web.StreamResponse:
    """Turn whatever went wrong into an answer, without a word about it; a connection that went wrong is not used again."""
    response: web.StreamResponse
    try:
        with request.app[WORK].one(), tracing.span(f"http {request.method}", path=_shown(request)):
            response = await handler(request)
    except web.HTTPException as refusal:
        response = web.Response(status=refusal.status, text=refusal.reason, headers=_allowed(refusal))
    except Unavailable as error:
        metrics.deliveries.labels("unavailable").inc()
        log.warn("request.unavailable", path=_shown(request), reason=error.reason)
        response = web.Response(status=503, text="Try again later", headers={"Retry-After": "1"})
    except ConnectionError:
        return web.Response(status=400)  # the caller is gone: nobody reads this
    except Exception as error:  # noqa: BLE001 – the top of a request
        error_id = uuid4().hex
        log.failed("request.failed", error, path=_shown(request), error_id=error_id)
        response = web.Response(status=503, text=f"Failed; tell the operators the id {error_id}")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.status >= 400:
        response.force_close()
    return response


def _shown(request: web.Request) -> str:
    """Tell the path as logs may know it: a file's address is a secret."""
    return "/feeds/***" if request.path.startswith("/feeds/") else request.path[:100]


async def shake_hands(request: web.Request) -> web.Response:
    """Answer Meta's question whether we are who it subscribed."""
    # https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21)
    mode, token, challenge = (request.query.getall(f"hub.{name}", []) for name in ("mode", "verify_token", "challenge"))
    given = token[0].encode(errors="surrogateescape") if len(token) == 1 else b""
    tokens = [app.verify_token.reveal().encode() for app in request.app[RUNTIME].apps.values()]
    known = any([hmac.compare_digest(given, ours) for ours in tokens])  # noqa: C419 – no early exit: constant time
    if not known or mode != ["subscribe"] or len(challenge) != 1 or not _CHALLENGE.fullmatch(challenge[0]):
        raise web.HTTPForbidden
    return web.Response(text=challenge[0])


async def receive(request: web.Request) -> web.Response:
    """Keep a delivery: refuse by size, type, encoding and signature, in this order; then commit; then 200."""
    if (request.content_length or 0) > LARGEST_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(LARGEST_BODY_BYTES, request.content_length or 0)
    kind, encoding = request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", "identity")
    if kind.partition(";")[0].strip().lower() != "application/json" or encoding != "identity":
        raise web.HTTPUnsupportedMediaType
    runtime, signature = request.app[RUNTIME], _signature(request)
    body = await _read(request) if signature else b""
    environment = webhooks.sign_of(runtime.apps, body, signature) if signature else None
    if environment is None:
        metrics.deliveries.labels("forged").inc()
        raise web.HTTPForbidden
    await request.app[_INBOX].put(Arrival(environment, body, signature))
    _stored.inc()
    return web.Response()


def _signature(request: web.Request) -> str:
    """Tell the one signature; empty when it is missing or anything is said twice. The older SHA-1 header decides nothing."""
    given = request.headers.getall("X-Hub-Signature-256", [])
    doubled = len(request.headers.getall("X-Hub-Signature", [])) > 1 or len(given) != 1
    return "" if doubled else given[0]


async def _read(request: web.Request) -> bytes:
    if request.content.is_eof():  # it came with its headers, as most do
        return await request.read()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None


def _allowed(refusal: web.HTTPException) -> dict[str, str]:
    return {"Allow": refusal.headers["Allow"]} if "Allow" in refusal.headers else {}


async def tell_alive(_request: web.Request) -> web.Response:
    """Tell that the process serves; looks at nothing else."""
    return web.Response(text="ok")


async def tell_ready(request: web.Request) -> web.Response:
    """Tell whether deliveries can be stored."""
    try:
        async with asyncio.timeout(_READY_SECONDS), request.app[RUNTIME].db.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (TimeoutError, OSError, SQLAlchemyError):
        return web.Response(status=503, text="the database cannot be reached")
    return web.Response(text="ok")
