"""Asks Meta what tokens are. No transaction is open meanwhile; in the background the caller has asked for room before."""

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections import graph as connections_graph
from connector.connections.actions.granting import LONGEST_LIST_PAGES
from connector.connections.model import Connection, Page
from connector.connections.model.reach import TokenKind
from connector.errors import MetaRefused
from connector.graph.client import Access
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.tokens import graph
from connector.tokens.model import Inspection, Kind, Look
from connector.vault import Secret


def app_access(app: AppProfile) -> Access:
    """Speak as the app itself."""
    secret = app.secrets[0]
    return Access(connections_graph.app_token(app.app_id, secret), secret, app.app_id)


def user_access(app: AppProfile, token: Secret) -> Access:
    """Speak for a person or a system user."""
    return Access(token, app.secrets[0], app.app_id)


async def find(runtime: Runtime, store_id: str, connection_id: str) -> Connection:
    """Find a connection whose tokens are to be asked about while a person waits.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`.
        Throttled: Meta wants a pause of our app.

    """
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        await connections.require_open(runtime, tx, connection.environment)
        return connection


async def ask(runtime: Runtime, connection: Connection, token: Secret, kind: Kind) -> Inspection:
    """Ask Meta what a token is."""
    app = runtime.app(connection.environment)
    return await runtime.graph.send(graph.inspect(token, kind, at=runtime.now()), app_access(app))


async def look_at(runtime: Runtime, connection: Connection) -> Look:
    """Ask Meta what both tokens are. A Page's dead one is derived anew if the user's is alive.

    Raises:
        FailedPrecondition: META_TOKEN_INVALID, when there are no tokens or they cannot be opened.

    """
    user_token = await connections.open_token(runtime, connection, connection.user_token, "user")
    page_token = await connections.open_token(runtime, connection, connection.page_token, "page")
    user = await ask(runtime, connection, user_token, Kind.USER)
    page = await ask(runtime, connection, page_token, Kind.PAGE)
    if not user.valid:
        return Look(user, page)
    access = user_access(runtime.app(connection.environment), user_token)
    seen = await find_page(runtime, connection, access, user)
    if page.valid:
        return Look(user, page, seen)
    derived = await derive(runtime, connection, access)
    if derived is None or not (renewed := await ask(runtime, connection, derived, Kind.PAGE)).valid:
        return Look(user, page, seen)
    sealed = await runtime.vault.seal(derived, connections.binding(connection, "page"))
    return Look(user, renewed, seen, sealed)


async def derive(runtime: Runtime, connection: Connection, access: Access) -> Secret | None:
    """Derive the Page's token; None when Meta refuses it."""
    try:
        return (await runtime.graph.send(connections_graph.page_token(connection.page_id), access)).token
    except MetaRefused:
        return None


async def find_page(runtime: Runtime, connection: Connection, access: Access, user: Inspection) -> Page | None:
    """Read what may be done on the Page, and its Instagram account where we may see it; None when Meta does not list the Page."""
    system = user.meta_type == TokenKind.SYSTEM_USER
    after, pages = "", connections_graph.assigned_pages if system else connections_graph.pages
    for _ in range(LONGEST_LIST_PAGES):
        try:
            listed = await runtime.graph.send(
                pages(after, instagram=connections_graph.INSTAGRAM in user.scopes), access
            )
        except MetaRefused:
            return None
        for page in map(connections_graph.read_page, listed.entries):
            if page.id == connection.page_id:
                return page
        if not (after := listed.after):
            break
    return None
