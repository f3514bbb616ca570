"""What a token grants, learned from Meta and checked before anything of it is kept.

A token that is another app's, dead, of the wrong kind, an admin's, or without a permission we need goes no further than
this file; each ends in its own reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from connector import log
from connector.connections import db, graph
from connector.connections.actions.tokens import require_open
from connector.connections.graph import Inspection
from connector.connections.model import Business, Catalog, Login, Offer, Page, TokenKind
from connector.errors import ConnectorError, FailedPrecondition, MetaRefused
from connector.graph.client import Access
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.values import Environment
from connector.vault import Binding, Secret, Unsealable

LONGEST_LIST_PAGES = 50
"""Pages of a list of Meta's that are read at most."""
_GRANTED, _EXPIRED = "granted", "expired"
_INVALID_PARAMETER = 100


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was checked, what it grants, and what was chosen at Meta already.

    `consent` is all that the person granted, where the token is another's or `offer` a part of it.
    """

    token: Secret
    offer: Offer
    page_id: str = ""
    catalog_id: str = ""
    consent: Offer | None = None


async def exchange(runtime: Runtime, login: Login, code: str) -> Secret:
    """Turn a dialog's code into a token, which nothing has checked yet.

    A code works once, so the token stands sealed at the login from then on: who comes back because Meta failed later has it.

    Raises:
        FailedPrecondition: LOGIN_CODE_EXPIRED, LOGIN_CODE_USED, REDIRECT_URI_MISMATCH, APP_MISMATCH; META_TOKEN_INVALID, when
            what was exchanged before is damaged.
        Throttled, Unavailable: Meta, or a key service, failed for the moment.

    """
    bound = Binding(login.store_id, str(login.connection_id), "code")
    if login.token is not None:
        return await _exchanged(runtime, login.token, bound)
    app = runtime.app(login.environment)
    async with runtime.db.begin() as tx:
        await require_open(runtime, tx, login.environment)
    call = graph.exchange_code(app.app_id, app.secrets[0], redirect_uri=login.redirect_uri, code=code)
    try:
        token = (await runtime.graph.send(call, None)).token
    except MetaRefused as refusal:
        raise _code_refused(refusal) from refusal
    sealed = await runtime.vault.seal(token, bound)
    async with runtime.db.begin() as tx:
        await db.keep_exchanged(tx, login.digest, sealed)
    return token


async def _exchanged(runtime: Runtime, sealed: bytes, bound: Binding) -> Secret:
    try:
        return await runtime.vault.open(sealed, bound)
    except Unsealable as damage:
        message = "What Meta gave for the code cannot be read any more: begin again"
        raise FailedPrecondition("META_TOKEN_INVALID", message, fix="Connect.begin") from damage


async def examine(runtime: Runtime, environment: Environment, token: Secret) -> Grant:
    """Check a token with Meta, make a person's a long-lived one, and read what it grants.

    Raises:
        FailedPrecondition: APP_MISMATCH, META_TOKEN_INVALID, DATA_ACCESS_EXPIRED, TOKEN_KIND_UNSUITABLE,
            ADMIN_TOKEN_REFUSED, SCOPES_MISSING, SCOPES_EXPIRED.
        Throttled, Unavailable: Meta failed for the moment.

    """
    app = runtime.app(environment)
    async with runtime.db.begin() as tx:
        await require_open(runtime, tx, environment)
    inspection = await _inspect(runtime, app, token)
    if inspection.kind == TokenKind.USER:
        lengthened = await runtime.graph.send(graph.lengthen(app.app_id, app.secrets[0], token), None)
        token = lengthened.token
        inspection = await _inspect(runtime, app, token)
    access = Access(token, app.secrets[0], app.app_id)
    if inspection.kind == TokenKind.SYSTEM_USER:
        await refuse_admin(runtime, access, inspection.user_id)
    scopes = await _scopes(runtime, access, inspection)
    pages = await _pages(runtime, access, inspection, instagram=graph.INSTAGRAM in scopes)
    businesses, catalogs = await list_catalogs(runtime, access, inspection.kind)
    offer = Offer(
        pages=pages,
        businesses=businesses,
        catalogs=catalogs,
        user_id=inspection.user_id,
        scopes=tuple(sorted(scopes)),
        token_expire_time=inspection.expire_time,
        data_access_expire_time=inspection.data_access_expire_time,
        token_kind=inspection.kind,
        reach=inspection.reach,
    )
    return Grant(token, offer)


async def _inspect(runtime: Runtime, app: AppProfile, token: Secret) -> Inspection:
    """Ask Meta what a token is; tells only of one that is ours, alive, and of a kind we work with."""
    secret = app.secrets[0]
    try:
        inspection = await runtime.graph.send(
            graph.inspect(token), Access(graph.app_token(app.app_id, secret), secret, app.app_id)
        )
    except MetaRefused as refusal:
        # Unverified: how Meta refuses to tell one app of another's token.
        if refusal.code != _INVALID_PARAMETER:
            raise
        raise _foreign() from refusal
    _check(inspection, app.app_id, at=runtime.now())
    return inspection


def _check(inspection: Inspection, app_id: str, *, at: datetime) -> None:
    """Refuse a token that is not ours, not alive, cut off from data, or of a kind that links nothing."""
    # Of a token that Meta never heard of it does not tell an app.
    if inspection.app_id != app_id and (inspection.app_id or inspection.valid):
        raise _foreign()
    if not inspection.valid:
        message = "Meta does not accept the token: begin again, or hand in one that is alive"
        raise FailedPrecondition(
            "META_TOKEN_INVALID", message, fix="Connect.begin", meta_code=190, meta_subcode=inspection.subcode
        )
    if inspection.data_access_expire_time and inspection.data_access_expire_time <= at:
        message = "The person has not used the app for 90 days, so Meta keeps their data back: begin again"
        raise FailedPrecondition("DATA_ACCESS_EXPIRED", message, fix="Connect.begin")
    if inspection.kind not in set(TokenKind):
        message = "Only a system user's or a person's token links a Page and a catalog: hand in one of these"
        raise FailedPrecondition("TOKEN_KIND_UNSUITABLE", message, kind=inspection.kind)


async def refuse_admin(runtime: Runtime, access: Access, user_id: str) -> None:
    """Refuse an admin system user's token, as far as Meta lets us know that it is one.

    Raises:
        FailedPrecondition: ADMIN_TOKEN_REFUSED.

    """
    try:
        role = await runtime.graph.send(graph.system_role(user_id), access)
    except MetaRefused as refusal:
        if refusal.code != _INVALID_PARAMETER:
            raise
        return
    # SDK 26.0.3, systemuser.py, SystemUser.Role
    if role == "ADMIN":
        message = "An admin system user's token is not taken: hand in one of a system user with the role employee"
        raise FailedPrecondition("ADMIN_TOKEN_REFUSED", message)


async def _scopes(runtime: Runtime, access: Access, inspection: Inspection) -> frozenset[str]:
    """Tell which permissions count: the token's own, and, of a person, those not declined or expired since."""
    statuses: dict[str, str] = dict.fromkeys(inspection.scopes, _GRANTED)
    if inspection.kind == TokenKind.USER:
        statuses = await runtime.graph.send(graph.permissions(), access)
    granted = frozenset(scope for scope in inspection.scopes if statuses.get(scope) == _GRANTED)
    missing = sorted(graph.SCOPES.keys() - granted)
    if not missing:
        return granted
    named = " ".join(missing)
    if all(statuses.get(scope) == _EXPIRED for scope in missing):
        message = f"{named} was granted once and has expired: begin again and leave every permission ticked"
        raise FailedPrecondition("SCOPES_EXPIRED", message, fix="Connect.begin", scopes=named)
    message = f"The merchant did not grant {named}: begin again and leave every permission ticked"
    raise FailedPrecondition("SCOPES_MISSING", message, fix="Connect.begin", scopes=named)


async def _pages(runtime: Runtime, access: Access, inspection: Inspection, *, instagram: bool) -> tuple[Page, ...]:
    listing = graph.pages if inspection.kind == TokenKind.USER else graph.assigned_pages
    entries = await read_all(runtime, access, partial(listing, instagram=instagram))
    return tuple(graph.read_page(entry) for entry in entries)


async def list_catalogs(
    runtime: Runtime, access: Access, token_kind: str
) -> tuple[tuple[Business, ...], tuple[Catalog, ...]]:
    """List businesses and catalogs: a person's by business, a system user's as they are assigned to it."""
    if token_kind != TokenKind.SYSTEM_USER:
        businesses = tuple(graph.read_business(entry) for entry in await read_all(runtime, access, graph.businesses))
        catalogs: list[Catalog] = []
        for business in businesses:
            listed = await read_all(runtime, access, partial(graph.catalogs, business.id))
            catalogs += [graph.read_catalog(entry, business.id) for entry in listed]
        return businesses, tuple(catalogs)
    entries = await read_all(runtime, access, graph.assigned_catalogs)
    owners = {str(entry["business"]["id"]): entry["business"] for entry in entries if entry.get("business")}
    found = (graph.read_catalog(entry, str((entry.get("business") or {}).get("id", ""))) for entry in entries)
    return tuple(graph.read_business(owner) for owner in owners.values()), tuple(found)


async def read_all(runtime: Runtime, access: Access, page_after: Callable[[str], Any]) -> list[Any]:
    """Read a list of Meta's to its end, or as far as a list of anybody's can reasonably go; operators are told of a longer one."""
    entries: list[Any] = []
    after = ""
    for _ in range(LONGEST_LIST_PAGES):
        listed = await runtime.graph.send(page_after(after), access)
        entries += listed.entries
        after = listed.after
        if not after:
            break
    else:
        log.warn("meta.list_cut", entries=len(entries), pages=LONGEST_LIST_PAGES)
    return entries


_CODE_REFUSALS = {
    graph.CODE_EXPIRED: ("LOGIN_CODE_EXPIRED", "Meta's code has run out: begin again"),
    graph.CODE_USED: ("LOGIN_CODE_USED", "Meta's code was used already: begin again"),
    graph.REDIRECT_MISMATCH: (
        "REDIRECT_URI_MISMATCH",
        "The login came back to another address than it was begun with: register the very address with the Meta app",
    ),
    0: (
        "APP_MISMATCH",
        "Meta did not issue this code to our app: check which app the login came from, then begin again",
    ),
}


def _code_refused(refusal: MetaRefused) -> ConnectorError:
    """Say what a refused code means; any other refusal speaks for itself."""
    if refusal.code != _INVALID_PARAMETER or refusal.subcode not in _CODE_REFUSALS:
        return refusal
    reason, message = _CODE_REFUSALS[refusal.subcode]
    return FailedPrecondition(reason, message, fix="Connect.begin")


def _foreign() -> FailedPrecondition:
    message = "The token belongs to another Meta app, or to the other environment's: check which app it came from"
    return FailedPrecondition("APP_MISMATCH", message)
