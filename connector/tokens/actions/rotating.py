"""Replaces a connection's tokens without a gap: the new ones are verified and stored before the old ones are killed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.alerts import db as alerts
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections import graph as connections_graph
from connector.connections.actions import standing
from connector.connections.model import Connection, State
from connector.connections.model.reach import TokenKind
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, MetaRefused
from connector.runtime import Runtime
from connector.tokens import db, graph
from connector.tokens.actions.asking import app_access, ask, derive, find_page, user_access
from connector.tokens.actions.judging import facts, same_tokens
from connector.tokens.model import (
    GRACE,
    Care,
    Inspection,
    Kind,
    Look,
    catalog_not_granted,
    check_kept,
    check_new,
    check_tasks,
    foreign,
    page_not_granted,
)
from connector.vault import Secret

_SHORT_LIVED = timedelta(days=1)
_INVALID_PARAMETER = 100
_ALERTS = "TOKEN_EXPIRES_SOON", "DATA_ACCESS_EXPIRES_SOON"


@dataclass(frozen=True, slots=True)
class _Fresh:
    """New tokens, sealed, and what Meta says of them; `replaced` are the kinds that are truly new."""

    user_token: bytes
    page_token: bytes
    look: Look
    replaced: tuple[Kind, ...]


async def rotate(
    runtime: Runtime, store_id: str, connection_id: str, token: Secret | None, *, allow_fewer_scopes: bool
) -> tuple[Connection, Look]:
    """Replace a connection's tokens by one handed in, or (None) by renewing the present one.

    One transaction switches; two minutes later the old ones are killed. Handing in the present token changes nothing.
    When the tokens are replaced or ended meanwhile, this call comes after that: it begins again with what is then there.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`; what is wrong with the new token; TOKEN_NOT_REFRESHABLE.
        Throttled, Unavailable: Meta does not answer now; nothing is changed.

    """
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        _require_rotatable(connection)
        await connections.require_open(runtime, tx, connection.environment)
    fresh = await _verify(
        runtime,
        connection,
        await _lengthened(runtime, connection, token) if token else await _renew(runtime, connection),
        scopes=() if allow_fewer_scopes else connection.granted_scopes,
    )
    changed = await _switch(runtime, connection, fresh, renewed=token is None)
    if changed is None:
        return await rotate(runtime, store_id, connection_id, token, allow_fewer_scopes=allow_fewer_scopes)
    return changed, fresh.look


async def renew(runtime: Runtime, connection: Connection) -> tuple[Connection, Look] | None:
    """Renew a system user's token, in the background; None when the tokens were replaced or ended meanwhile. Raises as `rotate`."""
    token = await _renew(runtime, connection)
    fresh = await _verify(runtime, connection, token, scopes=connection.granted_scopes)
    changed = await _switch(runtime, connection, fresh, renewed=True)
    return (changed, fresh.look) if changed else None


def _require_rotatable(connection: Connection) -> None:
    if connection.state not in {State.CONNECTED, State.NEEDS_LOGIN}:
        raise connections_db.not_connected()


async def _renew(runtime: Runtime, connection: Connection) -> Secret:
    app = runtime.app(connection.environment)
    token = await connections.open_token(runtime, connection, connection.user_token, "user")
    user = await ask(runtime, connection, token, Kind.USER)
    if not user.renewable:
        message = "Meta renews living tokens of system users only, and only those that have an end: the merchant connects again"
        raise FailedPrecondition("TOKEN_NOT_REFRESHABLE", message, fix="Connect.begin", kind=user.meta_type)
    return await runtime.graph.send(graph.renew(app.app_id, app.secrets[0], token), app_access(app))


async def _lengthened(runtime: Runtime, connection: Connection, token: Secret) -> Secret:
    """Turn a person's token of an hour into one of sixty days; any other stays as it is."""
    app, user = runtime.app(connection.environment), await _ask_new(runtime, connection, token)
    ours = user.valid and user.app_id == app.app_id and user.meta_type == TokenKind.USER
    if not ours or user.expire_time is None or user.expire_time - runtime.now() > _SHORT_LIVED:
        return token
    return (await runtime.graph.send(connections_graph.lengthen(app.app_id, app.secrets[0], token), None)).token


async def _ask_new(runtime: Runtime, connection: Connection, token: Secret) -> Inspection:
    """Ask Meta what a token is that is not ours yet, and may be anybody's."""
    try:
        return await ask(runtime, connection, token, Kind.USER)
    except MetaRefused as refusal:
        # Unverified: how Meta refuses to tell one app of another's token.
        if refusal.code != _INVALID_PARAMETER:
            raise
        raise foreign() from refusal


async def _verify(runtime: Runtime, connection: Connection, token: Secret, *, scopes: tuple[str, ...]) -> _Fresh:
    """Make sure that a token can do all of the connection's work, and derive the Page's from it."""
    app, page_id, catalog_id = runtime.app(connection.environment), connection.page_id, connection.catalog_id
    user, assets = await _ask_new(runtime, connection, token), (page_id, catalog_id, connection.business_id)
    named = dict(zip(("page_id", "catalog_id", "business_id"), assets, strict=True))
    check_new(user, app_id=app.app_id, at=runtime.now(), **named)
    check_kept(scopes, user.scopes)
    access = user_access(app, token)
    if user.meta_type == TokenKind.SYSTEM_USER:
        await connections.refuse_admin(runtime, access, user.user_id)
    if catalog_id:
        await _require_catalog(runtime, catalog_id, token, connection)
    seen = await find_page(runtime, connection, access, user)
    check_tasks(seen.tasks if seen else None, page_id)
    page_token = await derive(runtime, connection, access)
    page = page_token and await ask(runtime, connection, page_token, Kind.PAGE)
    if not page_token or not page or not page.valid or page.page_id not in {"", page_id}:
        raise page_not_granted(page_id)
    return await _sealed(runtime, connection, {Kind.USER: token, Kind.PAGE: page_token}, Look(user, page, seen))


async def _require_catalog(runtime: Runtime, catalog_id: str, token: Secret, connection: Connection) -> None:
    try:
        await runtime.graph.send(graph.catalog(catalog_id), user_access(runtime.app(connection.environment), token))
    except MetaRefused as refusal:
        raise catalog_not_granted(catalog_id) from refusal


async def _sealed(runtime: Runtime, connection: Connection, tokens: dict[Kind, Secret], look: Look) -> _Fresh:
    """Seal new tokens; those that are the present ones, and stand sealed already, count as no replacement."""
    present = {Kind.USER: connection.user_token, Kind.PAGE: connection.page_token}
    sealed, replaced = {}, []
    for kind, token in tokens.items():
        old = present[kind]
        if old is not None and await _opens_to(runtime, connection, old, kind, token):
            sealed[kind] = old
        else:
            sealed[kind] = await runtime.vault.seal(token, connections.binding(connection, kind.lower()))
            replaced.append(kind)
    return _Fresh(sealed[Kind.USER], sealed[Kind.PAGE], look, tuple(replaced))


async def _opens_to(runtime: Runtime, connection: Connection, sealed: bytes, kind: Kind, token: Secret) -> bool:
    try:
        return await connections.open_token(runtime, connection, sealed, kind.lower()) == token
    except FailedPrecondition:  # it cannot be opened any more: a reason to replace it
        return False


async def _switch(runtime: Runtime, connection: Connection, fresh: _Fresh, *, renewed: bool) -> Connection | None:
    """Store new tokens in one transaction, have what waited resume, and the old ones killed once nobody needs them.

    None when the tokens are not those any more that the new ones were to replace: who ended them is not overruled. What Meta
    made of them is killed then, where nobody handed it in.
    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        current = await connections_db.by_id(tx, connection.id, lock=True) or connection
        if not same_tokens(current, connection):
            if renewed:
                made = replace(current, user_token=fresh.user_token, page_token=None)
                await db.retire(tx, made, None, [Kind.USER], at=at)
                await _plan_killing(tx, current, at=at)
            return None
        _require_rotatable(current)
        if not fresh.replaced and current.state is State.CONNECTED:
            await db.note(tx, current.id, fresh.look.user, fresh.look.page)
            return current
        await db.retire(tx, current, None, fresh.replaced, at=at)
        state = {} if current.state is State.CONNECTED else {"state": State.CONNECTED, "reason": ""}
        tokens = {"user_token": fresh.user_token, "page_token": fresh.page_token, "token_time": at}
        values = state | tokens | facts(fresh.look) | {"user_id": fresh.look.user.user_id, "blocks": {}}
        changed = await connections_db.change(tx, current.id, at=at, **values)
        changed = await standing.weigh_anew(runtime, tx, changed)
        await _resume(tx, changed, fresh.look, was=current)
    return changed


async def _plan_killing(tx: Tx, connection: Connection, *, at: datetime) -> None:
    key = f"{Task.KILL_TOKENS}:{connection.id}"
    await outbox.add(tx, Task.KILL_TOKENS, due=at + GRACE, connection_id=connection.id, key=key)


async def _resume(tx: Tx, connection: Connection, look: Look, *, was: Connection) -> None:
    """Let go on what waited for the new tokens, say that nothing ends soon, and have the old tokens killed a little later."""
    at = connection.update_time
    await db.note(tx, connection.id, look.user, look.page)
    await db.keep_care(tx, connection.id, Care())
    for reason in _ALERTS:
        await alerts.close_alert(tx, connection.store_id, connection.id, reason, at=at)
    await outbox.revive(tx, connection.id, at=at)
    await _plan_killing(tx, connection, at=at)
    if was.state is State.NEEDS_LOGIN:
        key = f"subscribe:{connection.id}"
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=at, connection_id=connection.id, key=key)
    await standing.plan_inspection(tx, connection, at=at)
    await standing.plan_examination(tx, connection, at=at)
    await connections.tell(tx, connection, at=at)
