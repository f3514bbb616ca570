"""The login: Meta's dialog, what it returns, and what is kept of it.

A `state` is kept only as a digest; it counts once, for ten minutes, for one store, connection, caller and redirect URI,
and no longer than the connection stands.
"""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from connector.connections import db, graph
from connector.connections.actions.granting import Grant, examine, exchange
from connector.connections.actions.keeping import keep_grant, link_granted, note_failed, withdrawn
from connector.connections.actions.linking import followed
from connector.connections.model import LOGIN_TIME, Connection, Landing, Login, Offer, Page, State, Way
from connector.connections.model.needs import scopes_for
from connector.db import audit
from connector.db.audit import Deed
from connector.db.schema import Tx
from connector.errors import ConnectorError, FailedPrecondition, InvalidInput, Throttled, Unavailable
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.values import ConnectionId, Environment

_STATE_BYTES = 32
_WORD = re.compile(r"[A-Za-z_]{1,64}")


Redeem = Callable[[Runtime, Login, str], Awaitable[Grant]]
"""Turns a code into what it grants; each way to connect has its own."""

WriteDialog = Callable[[str, str, str], str]
"""Writes the dialog's URL from the app's id, the redirect URI and the state."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that waits for the merchant at `url`; who connects leaves the store's Pages of `keep` ticked there."""

    connection: Connection
    url: str
    expire_time: datetime
    keep: tuple[Page, ...] = ()
    state: str = field(default="", repr=False)


def own_callback(runtime: Runtime) -> str:
    """Tell where Meta's dialog returns to when StormCom names no address of its own."""
    return f"{runtime.public_url}/oauth/callback"


async def begin(
    runtime: Runtime,
    store_id: str,
    *,
    connection_id: str = "",
    environment: Environment,
    redirect_uri: str = "",
    return_url: str = "",
    way: Way | None = None,
    write_dialog: WriteDialog | None = None,
    actor: str = "",
) -> Begun:
    """Begin a login for a new connection, or for the named one again; another `way` writes a dialog of its own.

    Without a `way` it is Login for Business where the app has a configuration for it, otherwise the Page login.

    Raises:
        NotFound: CONNECTION_NOT_FOUND.
        FailedPrecondition: ENVIRONMENT_NOT_CONFIGURED, LOGIN_CONFIG_MISSING.
        InvalidInput: the named connection lives in the other environment.

    """
    app, now, state = runtime.app(environment), runtime.now(), secrets.token_urlsafe(_STATE_BYTES)
    way = way or (Way.BUSINESS_LOGIN if app.login_config_id else Way.PAGE_LOGIN)
    write = write_dialog or partial(_dialog(app, way), runtime.dialog(environment))
    redirect_uri = redirect_uri or own_callback(runtime)
    async with runtime.db.begin() as tx:
        connection = await connection_to_link(runtime, tx, store_id, connection_id, environment)
        login = Login(connection.id, store_id, actor, environment, way, redirect_uri, return_url, now + LOGIN_TIME)
        await db.begin_login(tx, _digest(state), login)
        if not connection.live:
            begun = {"state": State.AWAITING_LOGIN, "reason": "", **db.NOTHING_WAITS}
            connection = await db.change(tx, connection.id, at=now, **begun)
        linked = await db.of_store(tx, store_id, environment)
    keep = tuple(one.page for one in linked if one.page)
    return Begun(connection, write(app.app_id, redirect_uri, state), login.expire_time, keep, state)


def _dialog(app: AppProfile, way: Way) -> Callable[..., str]:
    """Choose what writes the dialog's URL."""
    if way is Way.PAGE_LOGIN:
        return partial(graph.dialog, scopes=scopes_for(app.capabilities))
    if not app.login_config_id:
        message = (
            f"The app has no configuration of Facebook Login for Business: operators set META_{app.environment}_LOGIN_CONFIG_ID, "
            "or begin with WAY_PAGE_LOGIN"
        )
        raise FailedPrecondition("LOGIN_CONFIG_MISSING", message)
    return partial(graph.business_dialog, config_id=app.login_config_id)


async def connection_to_link(
    runtime: Runtime, tx: Tx, store_id: str, connection_id: str, environment: Environment, *, step: str = "begin"
) -> Connection:
    """Find the connection a login is for; a new one when none is named."""
    if not connection_id:
        return await db.create(tx, ConnectionId(runtime.new_id()), store_id, environment, at=runtime.now())
    connection = await followed(tx, store_id, connection_id)
    if connection.environment is not environment:
        message = f"this connection lives in {connection.environment}; the two never mix"
        raise InvalidInput.of(f"{step}.environment", "FIELD_INVALID", message)
    return connection


async def complete_login(
    runtime: Runtime,
    *,
    state: str,
    code: str = "",
    error: str = "",
    store_id: str | None = None,
    connection_id: str = "",
    actor: str | None = None,
    ways: Mapping[Way, Redeem] | None = None,
) -> Landing:
    """Finish what Meta's dialog returned: exchange the code, check what was granted, keep it.

    The ingress knows only the state; an RPC also knows the store and the caller, and the state of another's login is as
    good as none. A failed login is told by the landing's `outcome` and `error`, and stands on the connection.
    The state is used up, except when Meta failed for the moment: then it may be handed in again.
    `ways` says what may end here, by default our own logins: the state of another way is as good as none.

    Raises:
        Throttled, Unavailable: Meta failed for the moment.

    """
    digest = _digest(state)
    async with runtime.db.begin() as tx:
        login = await db.use_login(
            tx, digest, store_id=store_id, connection_id=connection_id, actor=actor, at=runtime.now()
        )
    callback_mixed_up = store_id is None and login is not None and login.redirect_uri != own_callback(runtime)
    redeem = (ways or OWN_WAYS).get(login.way) if login else None
    if login is None or redeem is None or login.used or callback_mixed_up:
        return Landing("LOGIN_STATE_INVALID", None, Offer(), "", error=_state_invalid())
    try:
        landing = await _finish(runtime, login, digest, redeem, code="" if error else code, error=error)
    except (Throttled, Unavailable):
        async with runtime.db.begin() as tx:
            await db.return_login(tx, digest)
        raise
    except ConnectorError as failure:
        failed = await note_failed(runtime, login.store_id, login.connection_id, failure)
        landing = Landing(failure.reason, failed, Offer(), login.return_url, error=failure)
    async with runtime.db.begin() as tx:
        await db.forget_exchanged(tx, digest)
        await _record(tx, login, landing, at=runtime.now())
    return landing


async def _record(tx: Tx, login: Login, landing: Landing, *, at: datetime) -> None:
    """Let the audit tell how a login ended, and who had begun it. That a token was kept it tells in that transaction already."""
    ended = Deed(
        login.store_id,
        "LoginEnded",
        *audit.META,
        connection_id=str(landing.connection.id if landing.connection else login.connection_id),
        objects=audit.named(way=login.way, outcome=landing.outcome, begun_by=login.actor),
    )
    result = landing.error.reason if landing.error else audit.OK
    await audit.append(tx, ended, result=result, at=at)


async def _finish(runtime: Runtime, login: Login, digest: bytes, redeem: Redeem, *, code: str, error: str) -> Landing:
    """Keep what a code grants; no code is a no. A connection whose Page is granted again is linked at once."""
    if login.withdrawn:
        raise withdrawn()
    if runtime.now() >= login.expire_time:
        message = "The login took longer than 10 minutes: begin again"
        raise FailedPrecondition("LOGIN_EXPIRED", message, fix="Connect.begin")
    if not code:
        raise _declined(error)
    grant = await redeem(runtime, login, code)
    kept = await keep_grant(runtime, login.store_id, login.connection_id, grant, digest=digest)
    page_id = kept.connection.page_id or grant.page_id
    catalog_id = "" if kept.connection.catalog_id else grant.catalog_id
    connection = await link_granted(runtime, kept, page_id=page_id, catalog_id=catalog_id)
    # A connection may be linked as before and yet await the choice: this login granted other Pages.
    outcome = "AWAITING_CHOICE" if connection is kept.connection else "CONNECTED"
    return Landing(outcome, connection, grant.offer, login.return_url, losses=kept.losses)


async def _redeem(runtime: Runtime, login: Login, code: str) -> Grant:
    """Turn the code of one of our own logins into what it grants."""
    token = await exchange(runtime, login, code)
    return await examine(runtime, login.environment, token)


OWN_WAYS: Mapping[Way, Redeem] = {Way.PAGE_LOGIN: _redeem, Way.BUSINESS_LOGIN: _redeem}


def _declined(error: str) -> FailedPrecondition:
    """Say what a dialog without a code means."""
    if not error:
        message = "The merchant closed Meta's dialog without an answer: begin again"
        return FailedPrecondition("LOGIN_CANCELLED", message, fix="Connect.begin")
    # Unverified: the word for a merchant's no.
    if error == "access_denied":
        message = "The merchant did not allow access in Meta's dialog: begin again and allow it"
        return FailedPrecondition("LOGIN_DENIED", message, fix="Connect.begin")
    message = "Meta's dialog ended with an error: begin again; if it stays, check the app's login settings at Meta"
    word = error if _WORD.fullmatch(error) else "unknown"
    return FailedPrecondition("LOGIN_FAILED", message, fix="Connect.begin", meta_error=word)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()


def _state_invalid() -> FailedPrecondition:
    message = "The login's state is unknown, was used, or belongs to another login: begin again"
    return FailedPrecondition("LOGIN_STATE_INVALID", message, fix="Connect.begin")
