"""What becomes of tokens later: system users' are renewed, all of somebody's killed; a merchant declines a permission, or grants it again.

Renewing makes a second token beside the first (switch `renewal_kills_old`). What a merchant changes in Meta's settings counts at
once, and is told by the webhook of object `permissions`.
"""

from typing import Any

from simulator.call import SUCCESS, Call, Json, Route
from simulator.errors import GraphError, invalid_parameter
from simulator.state import Application, Token, User
from simulator.world import World

NODES: dict[str, Any] = {}
# graph-api.md 2.6, Unverified: the length is in the parameter's name.
RENEWED_SECONDS = 60 * 86_400.0
STATUSES = ("granted", "declined")


def renew(call: Call, app: Application, token: Token) -> Json:
    """Serve the renewal of a system user's token: `grant_type=fb_exchange_token` with `set_token_expires_in_60_days`."""
    if not call.flag("set_token_expires_in_60_days"):
        # Unverified: what a renewal without it comes to.
        raise invalid_parameter("Param set_token_expires_in_60_days must be true for the token of a system user")
    world = call.world
    renewed = world.issue_token(
        "SYSTEM_USER",
        app.id,
        user_id=token.user_id,
        scopes=token.scopes,
        expire_time=world.clock.now() + RENEWED_SECONDS,
        long_lived=True,
    )
    if world.switches.renewal_kills_old:
        token.death = 0
    return {"access_token": renewed.value, "token_type": "bearer", "expires_in": round(RENEWED_SECONDS)}


def kill_all(call: Call) -> Json:
    """Serve `DELETE /{user}/access_tokens`: every token of theirs for this app dies, the Pages' too."""
    if call.token is None or call.token.kind != "SYSTEM_USER":
        # Unverified: whether a person may do it too.
        raise GraphError("(#10) Only the tokens of a system user can be invalidated", code=10, status=403)
    for token in call.world.tokens.values():
        if (token.app_id, token.user_id) == (call.token.app_id, call.node.id) and token.death is None:
            token.death = 0
    return SUCCESS


def set_permission(world: World, app: Application, user: User, scope: str, status: str) -> None:
    """Let a merchant decline one permission in Meta's settings, or grant it again; the app is told."""
    if status not in STATUSES:
        raise ValueError(f"status: expected one of {STATUSES}, got {status!r}")
    grants = user.grants.get(app.id)
    if grants is None or scope not in grants:
        raise ValueError(f"permission: {scope!r} was never asked for")
    grants[scope] = status
    tell(world, app, user, scope, "granted" if status == "granted" else "revoked")


def tell(world: World, app: Application, user: User, scope: str, verb: str) -> None:
    """Tell the app by the webhook of object `permissions`, if it wants it."""
    subscription = app.subscriptions.get("permissions")
    if subscription is not None and scope in subscription.fields:
        # Unverified: the payload is recalled.
        value = {"verb": verb, "target_ids": list(user.page_tasks)}
        world.outbox.tell(app, "permissions", user.id, "changes", {"field": scope, "value": value})


def data_access_end(world: World, token: Token) -> float | None:
    """Tell when the app loses access to a person's data; system users have no such end."""
    # Unverified: it ends 90 days after the login; a Page's token is as old as what it was derived from.
    seconds = world.switches.data_access_seconds
    return token.issue_time + seconds if token.kind in {"USER", "PAGE"} and seconds else None


def data_access_ended(world: World, token: Token) -> bool:
    """Tell whether a token is dead because data access has ended."""
    end = data_access_end(world, token) if world.switches.data_access_end_kills else None
    return end is not None and end <= world.clock.now()


ROUTES = {("User", "DELETE", "access_tokens"): Route(kill_all)}
