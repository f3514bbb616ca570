"""The login dialog: a page with a form for people, and the same walked by plain HTTP when the switch says so.

It refuses unknown apps and redirect URIs that are not on the app's list, on a page of its own, never by redirecting there.
"""

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web

from simulator.business_extension import SCOPE as EXTENSION_SCOPE
from simulator.business_extension import install, read_extras
from simulator.oauth import authorize
from simulator.state import Application, User
from simulator.tokens import catalogs_of
from simulator.world import World

HIDDEN = (
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "response_type",
    "config_id",
    "auth_type",
    "override_default_response_type",
    "extras",
)
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
        return _page(f"{app.name} wants to use your account", _form(world, app, query))
    users, unticked = people(world), _words(world.switches.withheld_scopes)
    allows = world.switches.dialog == "allow" and bool(users)
    scopes = {scope: "declined" if scope in unticked else "granted" for scope in read_scopes(query, app)}
    withheld = _words(world.switches.withheld_assets)
    return _allow(world, app, users[0], query, scopes=scopes, withheld=withheld) if allows else _deny(query)


def answer_dialog(
    world: World, form: Mapping[str, str], granted: list[str], assets: list[str] | None = None
) -> web.Response:
    """Serve the form's POST: Allow or Deny; `assets` are the Pages and catalogs left ticked, None for all."""
    app, problem = _check(world, form)
    user = world.find(User, form.get("user_id", ""))
    if app is None or (user is None and form.get("answer") == "allow"):
        return _page("Something went wrong", f"<p>{escape(problem or 'Unknown user')}</p>", status=400)
    if form.get("answer") != "allow" or user is None:
        return _deny(form)
    scopes = {scope: "granted" if scope in granted else "declined" for scope in read_scopes(form, app)}
    offered = [*user.page_tasks, *catalogs_of(world, user)]
    withheld = [one for one in offered if assets is not None and one not in assets]
    return _allow(world, app, user, form, scopes=scopes, withheld=withheld)


def people(world: World) -> list[User]:
    """Return who can log in: not system users."""
    return [user for user in world.all(User) if not user.role]


def read_scopes(query: Mapping[str, str], app: Application) -> list[str]:
    """Read what is asked for: by the login configuration, or else the scope list."""
    if "config_id" in query:
        return list(app.login_configs[query["config_id"]].get("scopes", ()))
    return list(dict.fromkeys(_words(query.get("scope", ""))))


def _words(text: str) -> list[str]:
    """Read words, separated by commas or spaces."""
    return text.replace(",", " ").split()


def _check(world: World, query: Mapping[str, str]) -> tuple[Application | None, str]:
    app = world.apps.get(query.get("client_id", ""))
    if app is None:
        return None, "Invalid App ID: the provided app ID does not look like a valid app ID."
    uri = query.get("redirect_uri", "")
    if not allows_redirect(app, uri):
        return None, "URL blocked: the redirect URI is not white-listed in the app's client OAuth settings."
    if query.get("response_type", "code") != "code":
        return None, "Only response_type=code is simulated."
    if problem := _check_config(app, query):
        return None, problem
    try:
        read_extras(query["extras"]) if "extras" in query else None
    except ValueError as problem:
        return None, str(problem)
    return app, ""


def _check_config(app: Application, query: Mapping[str, str]) -> str:
    """Return what is wrong with the login configuration; empty if nothing is, or none is named."""
    if "config_id" not in query:
        return ""
    if query["config_id"] not in app.login_configs:
        return "Invalid config_id: the app has no such configuration of Facebook Login for Business."
    system = app.login_configs[query["config_id"]].get("token") == "SYSTEM_USER"
    # Unverified: what becomes of a dialog for a system user's token without the override.
    if system and query.get("override_default_response_type") != "true":
        return "Only override_default_response_type=true with response_type=code is simulated for this configuration."
    return ""


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
    world: World,
    app: Application,
    user: User,
    query: Mapping[str, str],
    *,
    scopes: Mapping[str, str],
    withheld: Iterable[str],
) -> web.Response:
    kind = str(app.login_configs.get(query.get("config_id", ""), {}).get("token", "USER"))
    code = authorize(world, app, user, query["redirect_uri"], scopes=dict(scopes), withheld=withheld, kind=kind)
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


def _form(world: World, app: Application, query: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(query[name])}">' for name in HIDDEN if name in query
    )
    users = "".join(f'<option value="{escape(user.id)}">{escape(user.name)}</option>' for user in people(world))
    scopes = "".join(_tick("granted", scope, scope) for scope in read_scopes(query, app))
    offered = {one: None for user in people(world) for one in (*user.page_tasks, *catalogs_of(world, user))}
    assets = "".join(_tick("asset", one, world.nodes[one].name) for one in offered)
    scopes += f'<input type="hidden" name="asset" value="">{assets}'  # the empty one tells that there was a choice
    return (
        f'<form method="post"><label>Continue as <select name="user_id">{users}</select></label>{hidden}{scopes}'
        '<button class="yes" name="answer" value="allow">Allow</button>'
        '<button class="no" name="answer" value="deny">Deny</button></form>'
    )


def _tick(name: str, value: str, label: str) -> str:
    return f'<label><input type="checkbox" name="{name}" value="{escape(value)}" checked> {escape(label)}</label>'


def _page(title: str, content: str, *, status: int = 200) -> web.Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><main><h1>{escape(title)}</h1>{content}"
        "<p><small>This is the Graph API simulator, not Facebook.</small></p></main></html>"
    )
    return web.Response(text=text, content_type="text/html", status=status)
