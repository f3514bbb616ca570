"""Meta's callbacks about people: a merchant removed the app, or wants their data deleted; and the page that shows how far a deletion is.

Nothing is believed but the signature of one of our app secrets. What is wrong is refused, counted, and stores nothing.
"""

from urllib.parse import parse_qsl

from aiohttp import web

from connector import log, metrics
from connector.privacy import actions as privacy
from connector.privacy.actions.callbacks import Stale, Wish
from connector.privacy.model.deletions import Deletion
from webhook_ingress.keys import RUNTIME
from webhook_ingress.pages import page
from webhook_ingress.reading import read_body

LARGEST_FORM_BYTES = 32 * 1024


async def deauthorize(request: web.Request) -> web.Response:
    """Wipe the tokens of a merchant who removed the app."""
    wish = await _wish(request, "deauthorize")
    count = await privacy.deauthorize(request.app[RUNTIME], wish)
    metrics.callbacks.labels("deauthorize", "done").inc()
    log.canonical("callback.deauthorized", environment=str(wish.environment), connection_count=count)
    return web.Response()


async def delete_data(request: web.Request) -> web.Response:
    """Open a deletion of a merchant's data, and tell Meta where its progress is shown."""
    runtime = request.app[RUNTIME]
    deletion = await privacy.request_deletion(runtime, await _wish(request, "data-deletion"))
    metrics.callbacks.labels("data-deletion", "done").inc()
    log.canonical("callback.deletion", deletion_id=str(deletion.id))
    # https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback (read 2026-11-21)
    answer = {"url": f"{runtime.public_url}/deletions/{deletion.code}", "confirmation_code": deletion.code}
    return web.json_response(answer)


async def show_deletion(request: web.Request) -> web.Response:
    """Show a person how far their deletion is."""
    deletion = await privacy.status_of(request.app[RUNTIME], request.match_info["code"])
    if deletion is None:
        return page("Not found", "There is no deletion with this code.", status=404)
    return page("Your data at StormCom", *_words(deletion))


def _words(deletion: Deletion) -> tuple[str, ...]:
    asked = f"You asked for the deletion of your data on {deletion.create_time:%d %B %Y, %H:%M} UTC."
    code = f"Confirmation code: {deletion.code}"
    if deletion.finish_time is None:
        return asked, f"It is under way and ends by {deletion.due_time:%d %B %Y, %H:%M} UTC.", code
    return asked, f"It was completed on {deletion.finish_time:%d %B %Y, %H:%M} UTC.", code


async def _wish(request: web.Request, kind: str) -> Wish:
    """Read a callback: size, type, signature, age, in this order."""
    if (request.content_length or 0) > LARGEST_FORM_BYTES:
        raise web.HTTPRequestEntityTooLarge(LARGEST_FORM_BYTES, request.content_length or 0)
    encoding = request.headers.get("Content-Encoding", "identity")
    if request.content_type != "application/x-www-form-urlencoded" or encoding != "identity":
        raise web.HTTPUnsupportedMediaType
    body = await read_body(request)
    if len(body) > LARGEST_FORM_BYTES:  # it did not say so
        raise web.HTTPRequestEntityTooLarge(LARGEST_FORM_BYTES, len(body))
    given = _fields(body).get("signed_request", [])
    if len(given) != 1:
        raise _refused(kind, "wrong", web.HTTPBadRequest)
    try:
        wish = privacy.read_request(request.app[RUNTIME], given[0])
    except ValueError:
        raise _refused(kind, "wrong", web.HTTPBadRequest) from None
    except Stale:
        raise _refused(kind, "stale", web.HTTPForbidden) from None
    if wish is None:
        raise _refused(kind, "forged", web.HTTPForbidden)
    return wish


def _refused(kind: str, outcome: str, refusal: type[web.HTTPException]) -> web.HTTPException:
    metrics.callbacks.labels(kind, outcome).inc()
    return refusal()


def _fields(body: bytes) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(body.decode("ascii"), max_num_fields=16, keep_blank_values=True):
            fields.setdefault(name, []).append(value)
    except ValueError:  # also what is no ASCII, or has too many fields
        return {}
    return fields
