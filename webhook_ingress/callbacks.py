"""The merchant's way back from Meta's login dialog: finish the login, then send the browser home, or show how it ended.

The only authority here is the `state`: whatever else the address says is handed on, and shown escaped or not at all.
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web

from connector.business_extension import actions as business_extension
from connector.connections.model import Landing
from connector.errors import Throttled, Unavailable
from webhook_ingress.keys import RUNTIME
from webhook_ingress.pages import PAGE_HEADERS, page

_LONGEST = 4096


async def finish_login(request: web.Request) -> web.Response:
    """Finish a login and send the browser on."""
    # https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow (read 2026-11-21): state, code, error.
    state, code, error = (request.query.get(name, "")[:_LONGEST] for name in ("state", "code", "error"))
    try:
        landing = await business_extension.finish_login(request.app[RUNTIME], state=state, code=code, error=error)
    except (Throttled, Unavailable):
        return page("Facebook does not answer", "Load this page again in a minute.", status=503)
    if landing.return_url:
        return web.Response(status=303, headers=PAGE_HEADERS | {"Location": _home(landing)})
    if landing.error:
        return page("Not connected", landing.error.message, status=400)
    if landing.outcome == "CONNECTED":
        return page("Connected", "You can close this window.")
    return page("Almost there", "Go back to your store and choose the Page and catalog to connect.")


def _home(landing: Landing) -> str:
    """Add `connection_id` and `outcome` to where the caller wanted the browser, keeping its own parameters."""
    parts = urlsplit(landing.return_url)
    ours = {"connection_id": str(landing.connection.id) if landing.connection else "", "outcome": landing.outcome}
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in ours]
    return urlunsplit(parts._replace(query=urlencode([*kept, *ours.items()])))
