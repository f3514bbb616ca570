"""Verifies a live connection with Meta, as soon as the same person granted something anew: that may have taken it away."""

from connector.budgets.model import Urgency
from connector.connections import db, graph
from connector.connections.actions.news import problem_of, tell
from connector.connections.actions.standing import plan_check
from connector.connections.actions.tokens import access, require_room
from connector.connections.model import CapabilityKind, Connection, State
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, MetaRefused
from connector.graph.client import Access
from connector.graph.faults import REASONS, Kind
from connector.runtime import Runtime

_TOKEN_REFUSED = 190
_OF_CATALOG = (CapabilityKind.CATALOG_SYNC, CapabilityKind.INVENTORY)


async def verify(runtime: Runtime, task: Taken) -> None:
    """See whether the token lives and still reaches the Page; have what needs the catalog tried.

    A dead token rises, and stops the connection like any refusal. A Page that is no longer granted stops it too.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await db.of_task(tx, task)
        await require_room(runtime, tx, connection, "app", urgency=Urgency.URGENT)
    reached = await _reaches_page(runtime, connection)
    now = runtime.now()
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        current = await db.by_id(tx, connection.id, lock=True)
        if current is not None and _same(current, connection):
            if not reached:
                await _lose_page(runtime, tx, current)
            elif current.catalog_id:
                for kind in _OF_CATALOG:
                    await plan_check(runtime, tx, current, kind)
        await outbox.done(tx, task, at=now)


async def _reaches_page(runtime: Runtime, connection: Connection) -> bool:
    """Ask Meta whether the person's token lives, and whether it and the Page's own still reach the Page."""
    app, user = runtime.app(connection.environment), await access(runtime, connection, kind="user")
    secret = app.secrets[0]
    inspection = await runtime.graph.send(
        graph.inspect(user.token), Access(graph.app_token(app.app_id, secret), secret, app.app_id)
    )
    if not inspection.valid:
        message = "Meta does not accept the token any more: the merchant connects again"
        raise MetaRefused(REASONS[Kind.TOKEN], message, code=_TOKEN_REFUSED, subcode=inspection.subcode)
    if inspection.reach.scopes_without_page(graph.SCOPES, connection.page_id):
        return False
    try:
        await runtime.graph.send(graph.touch(connection.page_id), user)
        await runtime.graph.send(graph.touch(connection.page_id), await access(runtime, connection))
    except MetaRefused:  # whatever it says: the token is alive, and the Page is out of its reach
        return False
    return True


async def _lose_page(runtime: Runtime, tx: Tx, connection: Connection) -> None:
    """Stop a connection whose Page the person granted no more."""
    now, message = runtime.now(), "A later login of the same person did not grant this Page: connect again and tick it"
    problem = problem_of(FailedPrecondition("PAGE_NOT_GRANTED", message), at=now)
    await db.note_problem(tx, connection.id, problem)
    stopped = await db.change(tx, connection.id, at=now, state=State.NEEDS_LOGIN, reason="PAGE_NOT_GRANTED")
    await tell(tx, stopped, at=now)


def _same(current: Connection, seen: Connection) -> bool:
    tokens = (current.user_token, current.page_token) == (seen.user_token, seen.page_token)
    return current.state is State.CONNECTED and tokens
