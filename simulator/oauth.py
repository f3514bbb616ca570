"""The login's server half: codes, tokens, their exchange, inspection and revocation. The dialog page is `dialog.py`.

It promises the shapes and subcodes of Facebook Login, single use of codes and byte-for-byte redirect URIs.
"""

from collections.abc import Iterable
from typing import Any

from simulator.call import SUCCESS, Call, Json, Route
from simulator.errors import TOKEN_DEATHS, GraphError, invalid_parameter
from simulator.state import Application, Code, Token, User
from simulator.token_care import data_access_end, renew
from simulator.tokens import catalogs_of, check_secret, death_of, find_token, granted_scopes, grants
from simulator.world import World

NODES: dict[str, Any] = {}


def authorize(
    world: World,
    app: Application,
    user: User,
    redirect_uri: str,
    *,
    scopes: dict[str, str],
    withheld: Iterable[str] = (),
    kind: str = "USER",
) -> Code:
    """Note what the user granted, declined and left out, and issue a code for it.

    What is granted last replaces what was granted before: a Page left out now is out of reach of the older tokens too.
    """
    grantor = _system_user(world, app, user) if kind == "SYSTEM_USER" else user
    grantor.grants.setdefault(app.id, {}).update(scopes | {"public_profile": "granted"})
    grantor.withheld[app.id] = sorted(withheld)
    code = Code(world.new_text_id("AQ", size=60), app.id, grantor.id, redirect_uri, world.clock.now(), kind)
    world.codes[code.value] = code
    return code


def _system_user(world: World, app: Application, user: User) -> User:
    """Return the system user that Login for Business makes in the person's first business, with the person's Pages."""
    name, businesses = f"{app.name} System User", user.businesses[:1]
    known = (one for one in world.all(User) if (one.role, one.name, one.businesses) == ("EMPLOYEE", name, businesses))
    found = next(known, None) or world.add(User(world.new_id(), name, businesses, role="EMPLOYEE"))
    found.page_tasks = {page: list(tasks) for page, tasks in user.page_tasks.items()}
    return found


def exchange(call: Call) -> Json:
    """Serve `GET|POST /oauth/access_token` in its three forms."""
    app = check_secret(call.world, call.text("client_id"), call.text("client_secret"))
    match call.text("grant_type", "authorization_code"):
        case "authorization_code":
            return _exchange_code(call, app)
        case "fb_exchange_token":
            return _lengthen(call, app)
        case "client_credentials":
            return {"access_token": f"{app.id}|{app.secrets[0]}", "token_type": "bearer"}
        case unknown:
            raise invalid_parameter(f"Param grant_type has an unknown value {unknown!r}")


def _exchange_code(call: Call, app: Application) -> Json:
    world = call.world
    code = world.codes.get(call.text("code"))
    # Unverified: the three subcodes are recalled.
    if code is None or code.app_id != app.id:
        raise GraphError("Invalid verification code format.", code=100)
    if code.used:
        raise GraphError("This authorization code has been used.", code=100, subcode=36009)
    if world.clock.now() - code.issue_time > world.switches.code_seconds:
        raise GraphError("This authorization code has expired.", code=100, subcode=36007)
    if call.text("redirect_uri") != code.redirect_uri:
        raise GraphError(
            "Error validating verification code. Please make sure your redirect_uri is identical to the one you used "
            "in the OAuth dialog request",
            code=100,
            subcode=36008,
        )
    code.used = True
    if code.kind == "SYSTEM_USER":
        return _issue(call, app, code.user_id, 0, long_lived=True, kind=code.kind)
    return _issue(call, app, code.user_id, world.switches.short_token_seconds, long_lived=False)


def _lengthen(call: Call, app: Application) -> Json:
    token = find_token(call.world, call.text("fb_exchange_token"))
    if token.kind not in {"USER", "SYSTEM_USER"}:
        raise invalid_parameter("Param fb_exchange_token must be the access token of a user")
    if token.app_id != app.id or death_of(call.world, token) is not None:
        raise GraphError(
            "Error validating access token: it is expired, revoked or another app's.", code=190, status=401
        )
    if token.kind == "SYSTEM_USER":
        return renew(call, app, token)
    return _issue(call, app, token.user_id, call.world.switches.long_token_seconds, long_lived=True)


def _issue(call: Call, app: Application, user_id: str, seconds: float, *, long_lived: bool, kind: str = "USER") -> Json:
    user = call.world.require(User, user_id, name="user_id")
    scopes = tuple(scope for scope, status in user.grants.get(app.id, {}).items() if status == "granted")
    expire_time = call.world.clock.now() + seconds if seconds else None
    token = call.world.issue_token(
        kind, app.id, user_id=user_id, scopes=scopes, expire_time=expire_time, long_lived=long_lived
    )
    document = {"access_token": token.value, "token_type": "bearer"}
    if token.expire_time is not None:
        return document | {"expires_in": round(token.expire_time - call.world.clock.now())}
    return document


def revoke(call: Call) -> Json:
    """Serve `GET /oauth/revoke`: kill one token."""
    app = check_secret(call.world, call.text("client_id"), call.text("client_secret"))
    token = find_token(call.world, call.text("revoke_token"))
    if token.app_id != app.id:
        raise invalid_parameter("The token to revoke belongs to another app")
    token.death = 0
    return SUCCESS


def debug_token(call: Call) -> Json:
    """Serve `GET /debug_token`: what a token is, dead or alive."""
    world = call.world
    try:
        token = find_token(world, call.text("input_token"))
    except GraphError as error:
        return {"data": _invalid(error.message, subcode=None) | {"scopes": []}}
    if call.app is None or token.app_id != call.app.id:
        # Unverified: the code for a foreign token.
        raise invalid_parameter(
            "You must provide an app access token, or a user token of an owner or developer of the app"
        )
    user = world.find(User, token.user_id)
    data: dict[str, Json] = {
        "app_id": token.app_id,
        "type": token.kind,
        "application": call.app.name,
        "data_access_expires_at": int(data_access_end(world, token) or 0) if token.kind == "USER" else 0,
        "expires_at": int(token.expire_time or 0),
        "is_valid": True,
        "issued_at": int(token.issue_time),
        "scopes": sorted(granted_scopes(world, token)),
        "granular_scopes": _granular_scopes(world, token, user),
    }
    data |= {name: value for name, value in (("user_id", token.user_id), ("profile_id", token.page_id)) if value}
    death = death_of(world, token)
    if death is not None:
        data |= _invalid(TOKEN_DEATHS.get(death, TOKEN_DEATHS[None]), subcode=death or None)
    return {"data": data}


def _invalid(message: str, *, subcode: int | None) -> dict[str, Json]:
    error: dict[str, Json] = {"code": 190, "message": message}
    return {"is_valid": False, "error": error | ({"subcode": subcode} if subcode else {})}


def _granular_scopes(world: World, token: Token, user: User | None) -> list[Json]:
    """Tell the assets each scope is good for: Pages always, catalogs when something was left out."""
    pages = [page for page in user.page_tasks if grants(token, user, page)] if user else []
    some = user is not None and bool(user.withheld.get(token.app_id))
    catalogs = [one for one in catalogs_of(world, user) if grants(token, user, one)] if user and some else []
    return [
        {"scope": scope, "target_ids": pages}
        if scope.startswith("pages_")
        else {"scope": scope, "target_ids": catalogs}
        if some and scope == "catalog_management"
        else {"scope": scope}
        for scope in sorted(granted_scopes(world, token))
    ]


ROUTES = {
    ("", "GET", "oauth/access_token"): Route(exchange, open=True),
    ("", "POST", "oauth/access_token"): Route(exchange, open=True),
    ("", "GET", "oauth/revoke"): Route(revoke, open=True),
    ("", "GET", "debug_token"): Route(debug_token),
}
