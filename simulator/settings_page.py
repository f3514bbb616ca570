"""What a merchant does in Meta's settings, for the control API: permissions declined or granted again, system users with their tokens.

Only members that are strings, or lists of strings, come here; a wrong one is refused by its name.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from simulator.seeds import SCOPES
from simulator.state import Application, Business, Page, User
from simulator.token_care import RENEWED_SECONDS, set_permission
from simulator.world import World

Document = Mapping[str, Any]


def change_permission(world: World, request: web.Request, document: Document) -> Document:
    """Let a user decline a permission in Meta's settings, or grant it again."""
    user = world.require(User, request.match_info["user_id"], name="user_id")
    scope, status = str(document.get("permission", "")), str(document.get("status", ""))
    set_permission(world, _app(world, document), user, scope, status)
    return {"user_id": user.id, "permission": scope, "status": status}


def make_system_user(world: World, _request: web.Request, document: Document) -> Document:
    """Create a system user of a business, with its Pages and catalogs, and a token: of 60 days, or without end."""
    app = _app(world, document)
    business = world.require(Business, str(document.get("business_id", _first(world))), name="business_id")
    scopes = tuple(_texts(document, "scopes", list(SCOPES)))
    role = str(document.get("role", "EMPLOYEE"))
    user = world.add(User(world.new_id(), str(document.get("name", "System User")), [business.id], role=role))
    for page_id in _texts(document, "pages", business.pages):
        tasks = {task for one in world.all(User) for task in one.page_tasks.get(page_id, ())}
        user.page_tasks[world.require(Page, page_id, name="pages").id] = sorted(tasks)
    user.grants[app.id] = dict.fromkeys(scopes, "granted")
    ends = document.get("expires", "in 60 days") != "never"
    token = world.issue_token(
        "SYSTEM_USER",
        app.id,
        user_id=user.id,
        scopes=scopes,
        expire_time=world.clock.now() + RENEWED_SECONDS if ends else None,
        long_lived=True,
    )
    return {"user_id": user.id, "token": token.value}


def _first(world: World) -> str:
    return next((business.id for business in world.all(Business)), "")


def _app(world: World, document: Document) -> Application:
    app = world.apps.get(str(document.get("app_id", next(iter(world.apps), ""))))
    if app is None:
        raise ValueError("app_id: there is no such app")
    return app


def _texts(document: Document, name: str, default: list[str]) -> list[str]:
    value = document.get(name, default)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name}: expected a list of strings")
    return value
