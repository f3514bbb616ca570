"""The routes, and the webhooks: the handshake, and deliveries, each answered with 200 only after its commit.

What is too large, wrongly typed, encoded, or not signed by Meta is refused before anything is stored; what is signed is stored
even if nobody can read it. Answers 503 when it cannot store, so that Meta sends again; never 500.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import HttpVersion11, web
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from connector import log, metrics, tracing
from connector.errors import Unavailable
from connector.runtime import Runtime
from connector.settings.forms import Network
from connector.webhooks import actions as webhooks
from connector.webhooks.model import Arrival
from webhook_ingress import feeds, privacy
from webhook_ingress.callbacks import finish_login
from webhook_ingress.callers import Callers, Rate
from webhook_ingress.doorway import doorway_of
from webhook_ingress.inbox import Inbox
from webhook_ingress.keys import CALLERS, RUNTIME, WORK, Work
from webhook_ingress.pages import HEADERS
from webhook_ingress.reading import read_body

# https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21): up to 1,000 updates in one POST.
# Our own figure: 4 KiB each, twice what an escaped text of 2,000 characters and its frame usually take.
LARGEST_BODY_BYTES = 4 * 1024 * 1024
HANDSHAKES_PER_MINUTE = 30
_READY_SECONDS = 3.0
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NO_DOORWAY = nullcontext()  # the caller is gone
_INBOX = web.AppKey("inbox", Inbox)
_HANDSHAKES = web.AppKey("handshakes", Rate)

_stored = metrics.deliveries.labels("stored")

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(
    runtime: Runtime,
    *,
    proxies: Sequence[Network] = (),
    handshakes_per_minute: int = HANDSHAKES_PER_MINUTE,
    patience: timedelta = webhooks.KEEP_LIMIT,
) -> web.Application:
    """Make the application around an open runtime; `proxies` are believed who calls, `patience` is how long a delivery waits."""
    app = web.Application(client_max_size=LARGEST_BODY_BYTES, middlewares=[guard])
    app[RUNTIME], app[WORK], app[CALLERS] = runtime, Work(), Callers(proxies)
    app[_INBOX] = Inbox(lambda: webhooks.keeping(runtime), patience=patience)
    app[_HANDSHAKES] = Rate(handshakes_per_minute)
    app.on_cleanup.append(_close)
    prefix = urlsplit(runtime.public_url).path.rstrip("/")
    for before in dict.fromkeys((prefix, "")):  # some proxies take the prefix off, some do not
        for method, path, serve in ROUTES:
            app.router.add_route(method, f"{before}{path}", serve)
    return app


async def _close(app: web.Application) -> None:
    await app[_INBOX].close()


@web.middleware
async def guard(request: web.Request, handler: Respond) -> web.StreamResponse:
    """Turn whatever went wrong into an answer, without a word about it; a connection that went wrong is not used again."""
    response: web.StreamResponse
    try:
        with (
            request.app[WORK],
            doorway_of(request) or _NO_DOORWAY,
            tracing.span(f"http {request.method}", path=_shown(request)),
        ):
            if (
                request.version >= HttpVersion11 and len(request.headers.getall("Host", [])) != 1
            ):  # RFC 9112, section 3.2
                raise web.HTTPBadRequest  # noqa: TRY301 – as below
            if (request.content_length or 0) > LARGEST_BODY_BYTES:
                raise web.HTTPRequestEntityTooLarge(LARGEST_BODY_BYTES, request.content_length or 0)  # noqa: TRY301 – every refusal is answered below
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
    _harden(request, response)
    return response


def _harden(request: web.Request, response: web.StreamResponse) -> None:
    if response.prepared:  # a file, on its way already
        return
    if response.headers:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    else:
        response.headers.extend(HEADERS)
    if request.app[CALLERS].secure(request):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if response.status >= 400:
        response.force_close()


def _shown(request: web.Request) -> str:
    """Tell the path as logs may know it: a file's address is a secret."""
    return "/feeds/***" if request.path.startswith("/feeds/") else request.path[:100]


async def shake_hands(request: web.Request) -> web.Response:
    """Answer Meta's question whether we are who it subscribed."""
    if not request.app[_HANDSHAKES].allows(request.app[CALLERS].address(request)):
        raise web.HTTPTooManyRequests
    # https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21)
    mode, token, challenge = (request.query.getall(f"hub.{name}", []) for name in ("mode", "verify_token", "challenge"))
    given = token[0].encode(errors="surrogateescape") if len(token) == 1 else b""
    tokens = [app.verify_token.reveal().encode() for app in request.app[RUNTIME].apps.values()]
    known = any([hmac.compare_digest(given, ours) for ours in tokens])  # noqa: C419 – no early exit: constant time
    if not known or mode != ["subscribe"] or len(challenge) != 1 or not _CHALLENGE.fullmatch(challenge[0]):
        raise web.HTTPForbidden
    return web.Response(text=challenge[0])


async def receive(request: web.Request) -> web.Response:
    """Keep a delivery: refuse by type, encoding and signature, in this order; then commit; then 200. `guard` looked at its size."""
    kind, encoding = request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", "identity")
    if kind.partition(";")[0].strip().lower() != "application/json" or encoding != "identity":
        raise web.HTTPUnsupportedMediaType
    runtime, signature = request.app[RUNTIME], _signature(request)
    body = await read_body(request) if signature else b""
    environment = webhooks.sign_of(runtime.apps, body, signature) if signature else None
    if environment is None:
        metrics.deliveries.labels("forged").inc()
        raise web.HTTPForbidden
    await request.app[_INBOX].put(Arrival(environment, body, signature))
    _stored.inc()
    return web.Response()


def _signature(request: web.Request) -> str:
    """Tell the signature that decides; empty when there is none, or anything is said twice.

    The SHA-256 header decides alone wherever it stands; without it the older one does, which most apps do not allow.
    """
    given, old = (request.headers.getall(f"X-Hub-Signature{end}", []) for end in ("-256", ""))
    if len(given) > 1 or len(old) > 1:
        return ""
    (scheme, (said,)) = ("sha256", given) if given else ("sha1", old or [""])
    return said if said.startswith(f"{scheme}=") else ""


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


ROUTES: Sequence[tuple[str, str, Respond]] = (
    ("GET", "/webhooks/facebook", shake_hands),
    ("POST", "/webhooks/facebook", receive),
    ("GET", "/oauth/callback", finish_login),
    ("POST", "/callbacks/deauthorize", privacy.deauthorize),
    ("POST", "/callbacks/data-deletion", privacy.delete_data),
    ("GET", "/deletions/{code:[0-9a-f]{32}}", privacy.show_deletion),
    ("GET", feeds.ROUTE, feeds.serve_file),
    ("HEAD", feeds.ROUTE, feeds.serve_file),
    ("GET", "/healthz", tell_alive),
    ("GET", "/readyz", tell_ready),
)
