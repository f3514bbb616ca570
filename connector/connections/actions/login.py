"""The login: Meta's dialog, what it returns, and what that is checked for before it is kept.

A `state` is kept only as a digest; it counts once, for ten minutes, for one connection and one redirect URI.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from connector.connections import db, graph
from connector.connections.actions.linking import choose, followed
from connector.connections.actions.news import problem_of, tell
from connector.connections.actions.tokens import require_open
from connector.connections.model import LOGIN_TIME, Catalog, Connection, Landing, Login, Offer, State, Way
from connector.db.schema import Tx
from connector.errors import ConnectorError, FailedPrecondition, InvalidInput, MetaRefused, Throttled, Unavailable
from connector.graph.client import Access
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.values import ConnectionId, Environment
from connector.vault import Binding, Secret

_LONGEST_LIST_PAGES = 50
_STATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code was good for: a long-lived token that was checked, what it grants, and what was chosen at Meta already."""

    token: Secret
    offer: Offer
    page_id: str = ""
    catalog_id: str = ""


Redeem = Callable[[Runtime, Login, str], Awaitable[Grant]]
"""Turns a code into what it grants; each way to connect has its own."""

WriteDialog = Callable[[str, str, str], str]
"""Writes the dialog's URL from the app's id, the redirect URI and the state."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that waits for the merchant at `url`."""

    connection: Connection
    url: str
    expire_time: datetime


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
    way: Way = Way.PAGE_LOGIN,
    write_dialog: WriteDialog | None = None,
) -> Begun:
    """Begin a login for a new connection, or for the named one again; another `way` writes a dialog of its own.

    Raises:
        NotFound: CONNECTION_NOT_FOUND.
        FailedPrecondition: ENVIRONMENT_NOT_CONFIGURED.
        InvalidInput: the named connection lives in the other environment.

    """
    app, now, state = runtime.app(environment), runtime.now(), secrets.token_urlsafe(_STATE_BYTES)
    redirect_uri = redirect_uri or own_callback(runtime)
    async with runtime.db.begin() as tx:
        connection = await _connection_to_link(runtime, tx, store_id, connection_id, environment)
        login = Login(connection.id, store_id, environment, way, redirect_uri, return_url, now + LOGIN_TIME, used=False)
        await db.begin_login(tx, _digest(state), login)
        if not connection.live:
            connection = await db.change(tx, connection.id, at=now, state=State.AWAITING_LOGIN, reason="")
    url = (write_dialog or partial(graph.dialog, runtime.dialog(environment)))(app.app_id, redirect_uri, state)
    return Begun(connection, url, login.expire_time)


async def _connection_to_link(
    runtime: Runtime, tx: Tx, store_id: str, connection_id: str, environment: Environment
) -> Connection:
    if not connection_id:
        return await db.create(tx, ConnectionId(runtime.new_id()), store_id, environment, at=runtime.now())
    connection = await followed(tx, store_id, connection_id)
    if connection.environment is not environment:
        message = f"this connection lives in {connection.environment}; the two never mix"
        raise InvalidInput.of("begin.environment", "FIELD_INVALID", message)
    return connection


async def complete_login(
    runtime: Runtime,
    *,
    state: str,
    code: str = "",
    error: str = "",
    store_id: str | None = None,
    connection_id: str = "",
    ways: Mapping[Way, Redeem] | None = None,
) -> Landing:
    """Finish what Meta's dialog returned: exchange the code, check what was granted, keep it.

    The ingress knows only the state; an RPC also knows the store, and the state of another store's login is as good as
    none. A failed login is told by the landing's `outcome` and `error`, and stands on the connection.
    The state is used up, except when Meta failed for the moment: then it may be handed in again.
    `ways` says what else but the Page login may end here: the state of another way is as good as none.

    Raises:
        Throttled, Unavailable: Meta failed for the moment.

    """
    digest = _digest(state)
    async with runtime.db.begin() as tx:
        login = await db.use_login(tx, digest, store_id=store_id, connection_id=connection_id, at=runtime.now())
    callback_mixed_up = store_id is None and login is not None and login.redirect_uri != own_callback(runtime)
    redeem = {Way.PAGE_LOGIN: _redeem, **(ways or {})}.get(login.way) if login else None
    if login is None or redeem is None or login.used or callback_mixed_up:
        return Landing("LOGIN_STATE_INVALID", None, Offer(), "", error=_state_invalid())
    try:
        connection, offer = await _finish(runtime, login, redeem, code="" if error else code)
    except (Throttled, Unavailable):
        async with runtime.db.begin() as tx:
            await db.return_login(tx, digest)
        raise
    except ConnectorError as failure:
        failed = await _note_failed_login(runtime, login, failure)
        return Landing(failure.reason, failed, Offer(), login.return_url, error=failure)
    outcome = "CONNECTED" if connection.state is State.CONNECTED else "AWAITING_CHOICE"
    return Landing(outcome, connection, offer, login.return_url)


async def _finish(runtime: Runtime, login: Login, redeem: Redeem, *, code: str) -> tuple[Connection, Offer]:
    """Keep what a code grants; no code is a no. A connection whose Page is granted again is linked at once."""
    if runtime.now() >= login.expire_time:
        raise _expired("The login took longer than 10 minutes: begin again")
    if not code:
        message = "The merchant did not allow access in Meta's dialog: begin again and allow it"
        raise FailedPrecondition("LOGIN_DENIED", message, fix="Connect.begin")
    grant = await redeem(runtime, login, code)
    connection = await _keep_grant(runtime, login, grant.token, grant.offer)
    page_id = connection.page_id or grant.page_id
    if page_id and grant.offer.page(page_id):
        catalog_id = "" if connection.catalog_id else grant.catalog_id
        connection = await choose(runtime, login.store_id, str(connection.id), page_id=page_id, catalog_id=catalog_id)
    return connection, grant.offer


async def _redeem(runtime: Runtime, login: Login, code: str) -> Grant:
    """Turn a code into a long-lived token that was checked, and what it grants."""
    app = runtime.app(login.environment)
    async with runtime.db.begin() as tx:
        await require_open(runtime, tx, login.environment)
    send, secret = runtime.graph.send, app.secrets[0]
    exchange = graph.exchange_code(app.app_id, secret, redirect_uri=login.redirect_uri, code=code)
    try:
        short = await send(exchange, None)
    except MetaRefused as refusal:
        raise _code_refused(refusal) from refusal
    token = (await send(graph.lengthen(app.app_id, secret, short.token), None)).token
    inspection = await send(graph.inspect(token), Access(graph.app_token(app.app_id, secret), secret, app.app_id))
    access = Access(token, secret, app.app_id)
    _check_token(inspection, app)
    granted = await send(graph.permissions(), access)
    _check_scopes(inspection.scopes & granted)
    pages = [graph.read_page(entry) for entry in await _all(runtime, access, graph.pages)]
    businesses = [graph.read_business(entry) for entry in await _all(runtime, access, graph.businesses)]
    catalogs: list[Catalog] = []
    for business in businesses:
        listed = await _all(runtime, access, partial(graph.catalogs, business.id))
        catalogs += [graph.read_catalog(entry, business.id) for entry in listed]
    offer = Offer(
        pages=tuple(pages),
        businesses=tuple(businesses),
        catalogs=tuple(catalogs),
        user_id=inspection.user_id,
        scopes=tuple(sorted(inspection.scopes & granted)),
        token_expire_time=inspection.expire_time,
        data_access_expire_time=inspection.data_access_expire_time,
    )
    return Grant(token, offer)


async def _all(runtime: Runtime, access: Access, page_after: Callable[[str], Any]) -> list[Any]:
    """Read a list to its end."""
    entries: list[Any] = []
    after = ""
    for _ in range(_LONGEST_LIST_PAGES):
        listed = await runtime.graph.send(page_after(after), access)
        entries += listed.entries
        after = listed.after
        if not after:
            break
    return entries


def _check_token(inspection: graph.Inspection, app: AppProfile) -> None:
    if inspection.app_id != app.app_id:
        raise FailedPrecondition(
            "APP_MISMATCH", "The token belongs to another Meta app: check which app the login came from"
        )
    if not inspection.valid:
        raise FailedPrecondition(
            "META_TOKEN_INVALID", "Meta issued a token that it does not accept: begin again", fix="Connect.begin"
        )


def _check_scopes(granted: frozenset[str]) -> None:
    missing = " ".join(sorted(graph.SCOPES.keys() - granted))
    if missing:
        message = f"The merchant did not grant {missing}: begin again and leave every permission ticked"
        raise FailedPrecondition("SCOPES_MISSING", message, fix="Connect.begin", scopes=missing)


def _code_refused(refusal: MetaRefused) -> ConnectorError:
    """Say what a refused code means; any other refusal speaks for itself."""
    if refusal.code == 100 and refusal.subcode in {graph.CODE_EXPIRED, graph.CODE_USED}:
        return _expired("Meta's code has run out or was used: begin again")
    if refusal.code == 100 and not refusal.subcode:
        message = "Meta did not issue this code to our app: check which app the login came from, then begin again"
        return FailedPrecondition("APP_MISMATCH", message, fix="Connect.begin")
    return refusal


async def _keep_grant(runtime: Runtime, login: Login, token: Secret, offer: Offer) -> Connection:
    """Keep the token beside what is linked, and what it offers; a connection that is not live now awaits the choice."""
    sealed = await runtime.vault.seal(token, Binding(login.store_id, str(login.connection_id), "login"))
    async with runtime.db.begin() as tx:
        connection = await db.require(tx, login.store_id, login.connection_id, lock=True)
        state: dict[str, Any] = {} if connection.live else {"state": State.AWAITING_CHOICE, "reason": ""}
        return await db.change(tx, connection.id, at=runtime.now(), login_token=sealed, offer=offer.document(), **state)


async def _note_failed_login(runtime: Runtime, login: Login, failure: ConnectorError) -> Connection | None:
    """Let the connection show why its login failed; a live one stays as it is."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await db.by_id(tx, login.connection_id, lock=True)
        if connection is None:
            return None
        await db.note_problem(tx, connection.id, problem_of(failure, at=now))
        if connection.live:
            return connection
        connection = await db.change(tx, connection.id, at=now, state=State.DISCONNECTED, reason=failure.reason)
        await tell(tx, connection, at=now)
        return connection


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()


def _state_invalid() -> FailedPrecondition:
    message = "The login's state is unknown, was used, or belongs to another login: begin again"
    return FailedPrecondition("LOGIN_STATE_INVALID", message, fix="Connect.begin")


def _expired(message: str) -> FailedPrecondition:
    return FailedPrecondition("LOGIN_EXPIRED", message, fix="Connect.begin")
