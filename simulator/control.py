"""The control API under `/_simulator`: build a world, let people act, break things, move time, look inside.

JSON in, JSON out; a wrong request answers 400 with a sentence naming the member. `GET /_simulator` lists everything.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from simulator import inspection, seeds
from simulator.accounts import deauthorize
from simulator.keys import WORLD
from simulator.messaging import answer_in_inbox, receive
from simulator.recording import mask
from simulator.state import Application, Page, Subscription, User
from simulator.world import World

Document = dict[str, Any]
Action = Callable[[World, web.Request, Document], Any]


def reset(world: World, _request: web.Request, _document: Document) -> Document:
    """Forget everything but the apps and switches given at the start."""
    world.reset()
    return {"time": world.clock.now()}


def put_app(world: World, _request: web.Request, document: Document) -> Document:
    """Create or change an app.

    {app_id, secrets, name?, redirect_uris?, require_proof?, development?, human_agent?,
    deauthorize_url?, data_deletion_url?, webhook: {callback_url, verify_token, fields?}?}
    """
    app_id = _text(document, "app_id")
    app = world.apps.get(app_id)
    if app is None:
        app = Application(app_id, _texts(document, "secrets"))
        world.apps[app_id] = world.add(app)
    for name, value in document.items():
        if name in APP_MEMBERS and type(value) is type(getattr(app, name)):
            setattr(app, name, value)
        elif name not in {"app_id", "webhook"}:
            raise ValueError(f"{name}: no such member of an app, or not of its type; known are {sorted(APP_MEMBERS)}")
    webhook = document.get("webhook", {})
    if not isinstance(webhook, dict):
        raise ValueError("webhook: expected an object")
    if webhook:
        fields = _texts(webhook, "fields") if "fields" in webhook else None
        subscribe(app, _text(webhook, "callback_url"), _text(webhook, "verify_token"), fields)
    return inspection.app_document(app)


APP_MEMBERS = set(Application.__slots__) - {"id", "subscriptions"}
# What a messaging app subscribes to unless told otherwise.
DEFAULT_FIELDS = (
    "messages", "message_deliveries", "message_reads", "message_echoes", "message_reactions", "message_edits",
    "messaging_postbacks", "messaging_optins", "messaging_referrals", "messaging_handovers", "standby",
    "messaging_policy_enforcement", "send_cart", "feed", "merchant_review",
)  # fmt: skip


def subscribe(app: Application, url: str, verify_token: str, fields: list[str] | None = None) -> None:
    """Set an app's page webhook without the handshake, as if it had been set in the dashboard before."""
    app.subscriptions["page"] = Subscription("page", url, list(fields or DEFAULT_FIELDS), verify_token)
    app.subscriptions["permissions"] = Subscription("permissions", url, list(seeds.SCOPES), verify_token)


def seed(world: World, _request: web.Request, document: Document) -> Document:
    """Create users, businesses, Pages, people, catalogs (see seeds.py); an empty body makes the default world."""
    return seeds.seed(world, document)


def write_message(world: World, request: web.Request, document: Document) -> Document:
    """Let a person write to a Page.

    {psid?, name?, text?, attachments?, quick_reply?, reply_to?}
    """
    page = _page(world, request)
    psid = str(document.get("psid") or next(iter(page.profiles), None) or world.new_id())
    attachments = document.get("attachments", [])
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise ValueError("attachments: expected a list of objects")
    content: Document = {"text": str(document.get("text", "")), "attachments": attachments}
    if not content["text"] and not content["attachments"]:
        raise ValueError("text: give a text or attachments")
    if quick_reply := document.get("quick_reply"):
        content["quick_replies"] = [quick_reply]
    content["reply_to"] = str(document.get("reply_to", ""))
    message = receive(world, page, psid, name=str(document.get("name", "")), **content)
    return {
        "mid": message.id,
        "psid": psid,
        "conversation_id": message.conversation_id,
        "sent_time": int(message.time * 1_000),
    }


def write_inbox_message(world: World, request: web.Request, document: Document) -> Document:
    """Let a human answer in Meta's inbox.

    {psid, text}
    """
    page = _page(world, request)
    message = answer_in_inbox(world, page, _text(document, "psid"), _text(document, "text"))
    return {"mid": message.id, "sent_time": int(message.time * 1_000)}


def send_event(world: World, request: web.Request, document: Document) -> Document:
    """Send something raw to the Page's apps.

    {messaging|standby|change: {…}} in an envelope of ours, or
    {body: "…"} | {body_base64: "…"} as the whole POST; with `signature` instead of the true one.
    """
    page = _page(world, request)
    keys = {"messaging": "messaging", "standby": "standby", "change": "changes"}
    body, sent = _raw_body(document), 0
    if body is None and not document.keys() & keys:
        raise ValueError("messaging, standby, change, body, body_base64: give one of them")
    for app in world.apps.values():
        subscription = app.subscriptions.get("page")
        if subscription is None:
            continue
        for name in document.keys() & keys:
            world.outbox.tell(app, "page", page.id, keys[name], document[name])
        if body is not None:
            world.outbox.post(app, subscription.callback_url, body, signature=document.get("signature"))
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
    """Kill tokens.

    {page_id | user_id | token, subcode?}
    """
    names = {"token": "value", "page_id": "page_id", "user_id": "user_id"}
    given = [name for name in names if name in document]
    if len(given) != 1:
        raise ValueError("token, page_id, user_id: give exactly one of them")
    wanted, subcode = document[given[0]], document.get("subcode") or 0
    dead = [token for token in world.tokens.values() if getattr(token, names[given[0]]) == wanted]
    for token in dead:
        token.death = int(subcode)
    return {"revoked": [mask(token.value) for token in dead]}


def remove_app(world: World, request: web.Request, document: Document) -> Document:
    """Let a user remove an app (tokens die, deauthorize callback).

    {app_id?}
    """
    user = world.require(User, request.match_info["user_id"], name="user_id")
    deauthorize(world, _app(world, document), user)
    return {"user_id": user.id}


def ask_deletion(world: World, request: web.Request, document: Document) -> Document:
    """Let a user ask for the deletion of their data.

    {app_id?}
    """
    user, app = world.require(User, request.match_info["user_id"], name="user_id"), _app(world, document)
    if not app.data_deletion_url:
        raise ValueError("data_deletion_url: the app has none; set it with POST /_simulator/apps")
    return {"delivery": world.outbox.post_callback(app, app.data_deletion_url, user_id=user.id).id}


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
    """Move time forward.

    {seconds}
    """
    seconds = document.get("seconds")
    if not isinstance(seconds, int | float):
        raise ValueError("seconds: expected a number")
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
        "routes": [f"{method} {path}: {' '.join((action.__doc__ or '').split())}" for method, path, action in ROUTES]
    }


def _page(world: World, request: web.Request) -> Page:
    return world.require(Page, request.match_info["page_id"], name="page_id")


def _app(world: World, document: Document) -> Application:
    app = world.apps.get(document.get("app_id") or next(iter(world.apps), ""))
    if app is None:
        raise ValueError("app_id: there is no such app")
    return app


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: expected a string")
    return value


def _texts(document: Document, name: str) -> list[str]:
    value = document.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f"{name}: expected a list of strings")
    return value


ROUTES: tuple[tuple[str, str, Action], ...] = (
    ("GET", "/_simulator", read_help),
    ("POST", "/_simulator/reset", reset),
    ("POST", "/_simulator/apps", put_app),
    ("POST", "/_simulator/seed", seed),
    ("POST", "/_simulator/pages/{page_id}/messages", write_message),
    ("POST", "/_simulator/pages/{page_id}/inbox-messages", write_inbox_message),
    ("POST", "/_simulator/pages/{page_id}/events", send_event),
    ("POST", "/_simulator/tokens/revoke", revoke_tokens),
    ("POST", "/_simulator/users/{user_id}/remove-app", remove_app),
    ("POST", "/_simulator/users/{user_id}/ask-deletion", ask_deletion),
    ("POST", "/_simulator/faults", order_fault),
    ("DELETE", "/_simulator/faults", clear_faults),
    ("GET", "/_simulator/faults", list_faults),
    ("POST", "/_simulator/clock/advance", advance_clock),
    ("PATCH", "/_simulator/switches", change_switches),
    ("GET", "/_simulator/switches", list_switches),
    ("GET", "/_simulator/state", inspection.read_state),
    ("GET", "/_simulator/state/catalogs/{catalog_id}/items", inspection.list_items),
    ("GET", "/_simulator/calls", inspection.list_calls),
    ("GET", "/_simulator/deliveries", inspection.list_deliveries),
    ("GET", "/_simulator/messages", inspection.list_messages),
)


def add_routes(app: web.Application) -> None:
    """Bind the table to the application."""
    for method, path, action in ROUTES:
        app.router.add_route(method, path, _bind(action))
    app.router.add_route("*", r"/_simulator{rest:/.*}", _not_found)


def _bind(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            result = action(request.app[WORLD], request, _read_object(await request.read()))
        except ValueError as problem:
            return _json({"error": {"message": str(problem)}}, status=400)
        return _json(result)

    return answer


def _read_object(raw: bytes) -> Document:
    document = orjson.loads(raw) if raw else {}
    if not isinstance(document, dict):
        raise ValueError("body: expected a JSON object")
    return document


async def _not_found(request: web.Request) -> web.Response:
    message = f"{request.method} {request.path}: no such route; GET /_simulator lists them"
    return _json({"error": {"message": message}}, status=404)


def _json(document: Any, *, status: int = 200) -> web.Response:
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_DATACLASS, default=asdict)
    return web.Response(body=body, status=status, content_type="application/json")
