"""The login dialog: a page with a form for people, and the same walked by plain HTTP when the switch says so.

It refuses unknown apps and redirect URIs that are not on the app's list, on a page of its own, never by redirecting there.
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web

from simulator.business_extension import SCOPE as EXTENSION_SCOPE
from simulator.business_extension import install, read_extras
from simulator.oauth import authorize
from simulator.state import Application, User
from simulator.world import World

HIDDEN = ("client_id", "redirect_uri", "state", "scope", "response_type", "config_id", "auth_type", "extras")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
STYLE = """body{font:16px/1.5 system-ui,sans-serif;background:#f0f2f5;margin:0}
main{max-width:26rem;margin:10vh auto;background:#fff;border-radius:12px;padding:2rem;box-shadow:0 2px 12px #0002}
h1{font-size:1.25rem;margin:0 0 .5rem}label{display:block;margin:.25rem 0}select{width:100%;padding:.4rem}
button{font:inherit;border:0;border-radius:8px;padding:.6rem 1.4rem;margin:1rem .5rem 0 0;cursor:pointer}
.yes{background:#0866ff;color:#fff}.no{background:#e4e6eb}small{color:#65676b}"""


def open_dialog(world: World, query: Mapping[str, str]) -> web.Response:
    """Serve `GET /dialog/oauth`."""
    app, problem = _check(world, query)
    if app is None:
        return _page("Something went wrong", f"<p>{escape(problem)}</p>", status=400)
    if world.switches.dialog == "page":
        return _page(f"{app.name} wants to use your account", _form(world, query))
    users = world.all(User)
    allows = world.switches.dialog == "allow" and bool(users)
    scopes = dict.fromkeys(read_scopes(query), "granted")
    return _allow(world, app, users[0], query, scopes=scopes) if allows else _deny(query)


def answer_dialog(world: World, form: Mapping[str, str], granted: list[str]) -> web.Response:
    """Serve the form's POST: Allow or Deny."""
    app, problem = _check(world, form)
    user = world.find(User, form.get("user_id", ""))
    if app is None or (user is None and form.get("answer") == "allow"):
        return _page("Something went wrong", f"<p>{escape(problem or 'Unknown user')}</p>", status=400)
    if form.get("answer") != "allow" or user is None:
        return _deny(form)
    scopes = {scope: "granted" if scope in granted else "declined" for scope in read_scopes(form)}
    return _allow(world, app, user, form, scopes=scopes)


def read_scopes(query: Mapping[str, str]) -> list[str]:
    """Read the scope list, separated by commas or spaces."""
    return list(dict.fromkeys(query.get("scope", "").replace(",", " ").split()))


def _check(world: World, query: Mapping[str, str]) -> tuple[Application | None, str]:
    app = world.apps.get(query.get("client_id", ""))
    if app is None:
        return None, "Invalid App ID: the provided app ID does not look like a valid app ID."
    uri = query.get("redirect_uri", "")
    if not allows_redirect(app, uri):
        return None, "URL blocked: the redirect URI is not white-listed in the app's client OAuth settings."
    if query.get("response_type", "code") != "code":
        return None, "Only response_type=code is simulated."
    try:
        read_extras(query["extras"]) if "extras" in query else None
    except ValueError as problem:
        return None, str(problem)
    return app, ""


def allows_redirect(app: Application, uri: str) -> bool:
    """Return whether the URI is on the list, byte for byte, or loopback for an app in development."""
    if uri in app.redirect_uris:
        return True
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    # Unverified: apps in development mode may redirect to localhost without listing it.
    return (
        app.development and not app.redirect_uris and parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK
    )


def _allow(
    world: World, app: Application, user: User, query: Mapping[str, str], *, scopes: Mapping[str, str]
) -> web.Response:
    code = authorize(world, app, user, query["redirect_uri"], scopes=dict(scopes))
    if "extras" in query:
        granted = scopes.get(EXTENSION_SCOPE) == "granted"
        install(world, app, user, read_extras(query["extras"]), granted=granted)
    return _redirect(query, {"code": code.value}, fragment="_=_")


def _deny(query: Mapping[str, str]) -> web.Response:
    # Unverified: the members of a denial are recalled.
    refusal = {
        "error": "access_denied",
        "error_code": "200",
        "error_description": "Permissions error",
        "error_reason": "user_denied",
    }
    return _redirect(query, refusal, fragment="_=_")


def _redirect(query: Mapping[str, str], answer: Mapping[str, str], *, fragment: str) -> web.Response:
    parts = urlsplit(query["redirect_uri"])
    state = {"state": query["state"]} if "state" in query else {}
    joined = "&".join(filter(None, (parts.query, urlencode({**answer, **state}))))
    location = urlunsplit((parts.scheme, parts.netloc, parts.path, joined, fragment))
    return web.Response(status=302, headers={"Location": location})


def _form(world: World, query: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(query[name])}">' for name in HIDDEN if name in query
    )
    users = "".join(f'<option value="{escape(user.id)}">{escape(user.name)}</option>' for user in world.all(User))
    scopes = "".join(
        f'<label><input type="checkbox" name="granted" value="{escape(scope)}" checked> {escape(scope)}</label>'
        for scope in read_scopes(query)
    )
    return (
        f'<form method="post"><label>Continue as <select name="user_id">{users}</select></label>{hidden}{scopes}'
        '<button class="yes" name="answer" value="allow">Allow</button>'
        '<button class="no" name="answer" value="deny">Deny</button></form>'
    )


def _page(title: str, content: str, *, status: int = 200) -> web.Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><main><h1>{escape(title)}</h1>{content}"
        "<p><small>This is the Graph API simulator, not Facebook.</small></p></main></html>"
    )
    return web.Response(text=text, content_type="text/html", status=status)
