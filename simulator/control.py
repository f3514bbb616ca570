"""The control API under `/_simulator`: build a world, let people act, break things, move time, look inside.

JSON in, JSON out; a wrong request answers 400 with a sentence naming the member. `GET /_simulator` lists everything.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import orjson
from aiohttp import web

from simulator import business_extension, happenings, inspection, pixels, seeds, standing_control
from simulator.accounts import deauthorize
from simulator.errors import TOKEN_DEATHS
from simulator.happenings import DEFAULT_FIELDS
from simulator.keys import WORLD
from simulator.messaging import answer_in_inbox, receive
from simulator.orders import control as orders_control
from simulator.orders import steering as orders_steering
from simulator.recording import mask
from simulator.settings_page import change_permission, make_system_user
from simulator.state import Application, Page, Subscription, User
from simulator.world import World

Document = dict[str, Any]
MAX_ADVANCE = timedelta(days=3_650)
Action = Callable[[World, web.Request, Document], Any]


def reset(world: World, _request: web.Request, _document: Document) -> Document:
    """Forget everything but the apps and switches given at the start."""
    world.reset()
    return {"time": world.clock.now()}


def put_app(world: World, _request: web.Request, document: Document) -> Document:
    """Create or change an app; a new one needs secrets. webhook: {callback_url, verify_token, fields?}."""
    app_id = _digits(document, "app_id")
    app = world.apps.get(app_id) or Application(app_id, _texts(document, "secrets"))
    changes = {name: _app_member(app, document, name) for name in document.keys() & APP_MEMBERS}
    webhook = _webhook(document)
    # Nothing changes before all of it is known to be right.
    world.apps[app_id] = world.add(app)
    for name, value in changes.items():
        setattr(app, name, value)
    if webhook:
        subscribe(app, *webhook)
    return inspection.app_document(app)


def _app_member(app: Application, document: Document, name: str) -> Any:
    value, kind = document[name], type(getattr(app, name))
    if kind is list:
        return _texts(document, name, least=name == "secrets")
    if type(value) is not kind:
        raise ValueError(f"{name}: expected {kind.__name__}, got {value!r}")
    return value


def _webhook(document: Document) -> tuple[str, str, list[str] | None] | None:
    webhook = _object(document, "webhook")
    if not webhook:
        return None
    url = _text(webhook, "callback_url")
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"webhook.callback_url: expected an http or https URL, got {url!r}")
    return url, _text(webhook, "verify_token"), _texts(webhook, "fields") if "fields" in webhook else None


APP_MEMBERS = set(Application.__slots__) - {"id", "subscriptions"}


def subscribe(app: Application, url: str, verify_token: str, fields: list[str] | None = None) -> None:
    """Set an app's page webhook without the handshake, as if it had been set in the dashboard before."""
    app.subscriptions["page"] = Subscription("page", url, list(fields or DEFAULT_FIELDS), verify_token)
    app.subscriptions["instagram"] = Subscription("instagram", url, list(fields or DEFAULT_FIELDS), verify_token)
    app.subscriptions["permissions"] = Subscription("permissions", url, list(seeds.SCOPES), verify_token)
    app.subscriptions["user"] = Subscription("user", url, ["fbe_install"], verify_token)


def seed(world: World, _request: web.Request, document: Document) -> Document:
    """Create users, businesses, Pages, people, catalogs (see seeds.py); an empty body makes the default world."""
    return seeds.seed(world, document)


def write_message(world: World, request: web.Request, document: Document) -> Document:
    """Let a person write to a Page."""
    page = _page(world, request)
    psid = _digits(document, "psid", next(iter(page.profiles), None) or world.new_id())
    attachments = document.get("attachments", [])
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise ValueError("attachments: expected a list of objects")
    content: Document = {name: _text(document, name, "") for name in ("text", "reply_to")}
    if not content["text"] and not attachments:
        raise ValueError("text: give a text or attachments")
    if quick_reply := _object(document, "quick_reply"):
        content["quick_replies"] = [quick_reply]
    platform = _text(document, "platform", "MESSENGER")
    if platform not in {"MESSENGER", "INSTAGRAM"}:
        raise ValueError("platform: expected MESSENGER or INSTAGRAM")
    if platform == "INSTAGRAM" and not page.instagram_id:
        raise ValueError("platform: this Page has no Instagram account")
    name = _text(document, "name", "")
    message = receive(world, page, psid, name=name, platform=platform, attachments=attachments, **content)
    return {
        "mid": message.id,
        "psid": psid,
        "conversation_id": message.conversation_id,
        "sent_time": int(message.time * 1_000),
    }


def write_inbox_message(world: World, request: web.Request, document: Document) -> Document:
    """Let a human answer in Meta's inbox."""
    page = _page(world, request)
    message = answer_in_inbox(world, page, _digits(document, "psid"), _text(document, "text"))
    return {"mid": message.id, "sent_time": int(message.time * 1_000)}


def send_event(world: World, request: web.Request, document: Document) -> Document:
    """Send something raw to the Page's apps.

    {messaging|standby|change: {…}} in an envelope of ours, or
    {body: "…"} | {body_base64: "…"} as the whole POST; with `signature` instead of the true one.
    """
    page = _page(world, request)
    keys = {"messaging": "messaging", "standby": "standby", "change": "changes"}
    body, sent = _raw_body(document), 0
    signature = _text(document, "signature", "") or None
    updates = {keys[name]: _object(document, name) for name in document.keys() & keys}
    if body is None and not updates:
        raise ValueError("messaging, standby, change, body, body_base64: give one of them")
    if "changes" in updates:
        _text(updates["changes"], "field")
    for app in world.apps.values():
        subscription = app.subscriptions.get("page")
        if subscription is None:
            continue
        for key, update in updates.items():
            world.outbox.tell(app, "page", page.id, key, update)
        if body is not None:
            world.outbox.post(app, subscription.callback_url, body, signature=signature)
        sent += 1
    return {"apps": sent}


def _raw_body(document: Document) -> bytes | None:
    if "body" in document:
        return _text(document, "body").encode()
    if "body_base64" not in document:
        return None
    try:
        return base64.b64decode(_text(document, "body_base64"), validate=True)
    except binascii.Error as problem:
        raise ValueError(f"body_base64: {problem}") from problem


def revoke_tokens(world: World, _request: web.Request, document: Document) -> Document:
    """Kill the tokens of one Page, of one user, or one token, with that 190 subcode."""
    names = {"token": "value", "page_id": "page_id", "user_id": "user_id"}
    given = [name for name in names if name in document]
    if len(given) != 1:
        raise ValueError("token, page_id, user_id: give exactly one of them")
    wanted, subcode = document[given[0]], document.get("subcode") or 0
    if subcode and (type(subcode) is not int or subcode not in TOKEN_DEATHS):
        raise ValueError(f"subcode: expected one of {sorted(filter(None, TOKEN_DEATHS))} or none, got {subcode!r}")
    dead = [token for token in world.tokens.values() if getattr(token, names[given[0]]) == wanted]
    if not dead:
        raise ValueError(f"{given[0]}: no token was ever issued for that")
    for token in dead:
        token.death = subcode
    return {"revoked": [mask(token.value) for token in dead]}


def remove_app(world: World, request: web.Request, document: Document) -> Document:
    """Let a user remove an app (tokens die, deauthorize callback)."""
    user = world.require(User, request.match_info["user_id"], name="user_id")
    deauthorize(world, _app(world, document), user)
    return {"user_id": user.id}


def ask_deletion(world: World, request: web.Request, document: Document) -> Document:
    """Let a user ask for the deletion of their data."""
    user, app = world.require(User, request.match_info["user_id"], name="user_id"), _app(world, document)
    if not app.data_deletion_url:
        raise ValueError("data_deletion_url: the app has none; set it with POST /_simulator/apps")
    return {"delivery": world.outbox.post_callback(app, app.data_deletion_url, user_id=user.id).id}


def list_installs(world: World, _request: web.Request, _document: Document) -> Document:
    """List what is installed by Meta Business Extension."""
    return {"installations": world.all(business_extension.FbeInstall)}


def change_install(world: World, request: web.Request, document: Document) -> Document:
    """Change an installation as the merchant does in the business settings: ids by their names, empty takes away."""
    found = _install(world, request)
    for name, value in document.items():
        if type(value) is not type(getattr(found, name)):
            raise ValueError(f"{name}: expected {type(getattr(found, name)).__name__}, got {value!r}")
    business_extension.change(world, found, document)
    return asdict(found)


def end_install(world: World, request: web.Request, _document: Document) -> Document:
    """Uninstall as the merchant does in the business settings."""
    found = _install(world, request)
    business_extension.uninstall(world, found)
    return asdict(found)


def _install(world: World, request: web.Request) -> business_extension.FbeInstall:
    name = request.match_info["external_business_id"]
    found = next((one for one in world.all(business_extension.FbeInstall) if one.external_business_id == name), None)
    if found is None:
        raise ValueError(f"external_business_id: nothing is installed for {name!r}")
    return found


def order_fault(world: World, _request: web.Request, document: Document) -> Document:
    """Break the next calls.

    {match: {method?, path?}, times?, action: {kind, …}} (see faults.py)
    """
    return {"id": world.faults.order(document).id}


def clear_faults(world: World, _request: web.Request, _document: Document) -> Document:
    """Take back all ordered faults."""
    return {"cleared": world.faults.clear()}


def list_faults(world: World, _request: web.Request, _document: Document) -> Document:
    """List the ordered faults still waiting."""
    return {"faults": world.faults.listed()}


def advance_clock(world: World, _request: web.Request, document: Document) -> Document:
    """Move time forward."""
    seconds = document.get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds > MAX_ADVANCE.total_seconds():
        raise ValueError(f"seconds: expected a number, at most {MAX_ADVANCE.days} days")
    return {"time": world.clock.advance(seconds)}


def change_switches(world: World, _request: web.Request, document: Document) -> Document:
    """Set switches.

    {name: value, …}
    """
    world.switches.change(**document)
    return world.switches.listed()


def list_switches(world: World, _request: web.Request, _document: Document) -> Document:
    """List all switches."""
    return world.switches.listed()


def read_help(_world: World, _request: web.Request, _document: Document) -> Document:
    """List what this API can do."""
    return {
        "routes": [
            f"{method} {path}: {' '.join((action.__doc__ or '').split())}"
            + (f" Members: {members}." if members else "")
            for method, path, action, members in ROUTES
        ]
    }


def _page(world: World, request: web.Request) -> Page:
    return world.require(Page, request.match_info["page_id"], name="page_id")


def _app(world: World, document: Document) -> Application:
    app = world.apps.get(_digits(document, "app_id", next(iter(world.apps), "0")))
    if app is None:
        raise ValueError("app_id: there is no such app")
    return app


def _text(document: Document, name: str, default: str | None = None) -> str:
    """Read a string; without a default it must be there and hold something."""
    value = document.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise ValueError(f"{name}: expected a string")
    return value


def _digits(document: Document, name: str, default: str | None = None) -> str:
    value = _text(document, name, default)
    if not (value.isascii() and value.isdecimal()):
        raise ValueError(f"{name}: expected an id, a string of digits; got {value!r}")
    return value


def _texts(document: Document, name: str, *, least: bool = True) -> list[str]:
    """Read a list of strings; `least` asks for one of them at least."""
    value = document.get(name)
    if not isinstance(value, list) or (least and not value) or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f"{name}: expected a list of strings")
    return value


def _object(document: Document, name: str) -> Document:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected an object")
    return value


# What a body may hold is checked by name before the action looks at it; ANY leaves that to the action.
ANY = "any"
INSTALL_MEMBERS = "pages catalog_id pixel_id ad_account_id instagram_profiles commerce_merchant_settings_id onsite_eligible shop_status"
ROUTES: tuple[tuple[str, str, Action, str], ...] = (
    ("GET", "/_simulator", read_help, ""),
    ("POST", "/_simulator/reset", reset, ""),
    ("POST", "/_simulator/apps", put_app, f"app_id {' '.join(sorted(APP_MEMBERS))} webhook"),
    ("POST", "/_simulator/seed", seed, ANY),
    (
        "POST",
        "/_simulator/pages/{page_id}/messages",
        write_message,
        "psid name platform text attachments quick_reply reply_to",
    ),
    ("POST", "/_simulator/pages/{page_id}/inbox-messages", write_inbox_message, "psid text"),
    ("POST", "/_simulator/pages/{page_id}/events", send_event, "messaging standby change body body_base64 signature"),
    ("POST", "/_simulator/tokens/revoke", revoke_tokens, "page_id user_id token subcode"),
    ("POST", "/_simulator/users/{user_id}/remove-app", remove_app, "app_id"),
    ("POST", "/_simulator/users/{user_id}/permissions", change_permission, "app_id permission status"),
    ("POST", "/_simulator/system-users", make_system_user, "app_id business_id name role pages scopes expires"),
    ("POST", "/_simulator/users/{user_id}/ask-deletion", ask_deletion, "app_id"),
    ("GET", "/_simulator/installations", list_installs, ""),
    ("PATCH", "/_simulator/installations/{external_business_id}", change_install, INSTALL_MEMBERS),
    ("DELETE", "/_simulator/installations/{external_business_id}", end_install, ""),
    ("POST", "/_simulator/faults", order_fault, ANY),
    ("DELETE", "/_simulator/faults", clear_faults, ""),
    ("GET", "/_simulator/faults", list_faults, ""),
    ("POST", "/_simulator/clock/advance", advance_clock, "seconds"),
    ("PATCH", "/_simulator/switches", change_switches, ANY),
    ("GET", "/_simulator/switches", list_switches, ""),
    *standing_control.ROUTES,
    *happenings.ROUTES,
    *pixels.CONTROL,
    *orders_control.ROUTES,
    *orders_steering.ROUTES,
    ("GET", "/_simulator/state", inspection.read_state, ""),
    ("GET", "/_simulator/state/catalogs/{catalog_id}/items", inspection.list_items, ""),
    ("GET", "/_simulator/calls", inspection.list_calls, ""),
    ("GET", "/_simulator/deliveries", inspection.list_deliveries, ""),
    ("GET", "/_simulator/messages", inspection.list_messages, ""),
)


def add_routes(app: web.Application) -> None:
    """Bind the table to the application."""
    for method, path, action, members in ROUTES:
        app.router.add_route(method, path, _bind(action, members))
    app.router.add_route("*", r"/_simulator{rest:/.*}", _not_found)


def _bind(action: Action, members: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            document = _read_object(await request.read(), members)
            result = action(request.app[WORLD], request, document)
        except ValueError as problem:
            return _json({"error": {"message": str(problem)}}, status=400)
        return _json(result)

    return answer


def _read_object(raw: bytes, members: str) -> Document:
    try:
        document = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as problem:
        raise ValueError(f"body: no JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise ValueError("body: expected a JSON object")
    if members != ANY and (unknown := document.keys() - members.split()):
        raise ValueError(f"{min(unknown)}: no such member here; known are: {members or 'none'}")
    return document


async def _not_found(request: web.Request) -> web.Response:
    message = f"{request.method} {request.path}: no such route; GET /_simulator lists them"
    return _json({"error": {"message": message}}, status=404)


def _json(document: Any, *, status: int = 200) -> web.Response:
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_DATACLASS, default=asdict)
    return web.Response(body=body, status=status, content_type="application/json")
