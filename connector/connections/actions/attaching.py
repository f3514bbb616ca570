"""Connects by a token that was made elsewhere, without a dialog: a system user's, or one of Login for Business."""

from dataclasses import dataclass

from connector.connections import db
from connector.connections.actions.granting import examine
from connector.connections.actions.keeping import keep_grant, link_granted
from connector.connections.actions.linking import pick
from connector.connections.actions.login import connection_to_link
from connector.connections.actions.news import problem_of
from connector.connections.model import Connection, Loss
from connector.errors import ConnectorError, Throttled, Unavailable
from connector.runtime import Runtime
from connector.values import Environment
from connector.vault import Secret


@dataclass(frozen=True, slots=True)
class _Wish:
    """A token, and what to link with it; an empty Page opens the choice."""

    token: Secret
    page_id: str
    catalog_id: str


async def attach(
    runtime: Runtime,
    store_id: str,
    *,
    token: Secret,
    connection_id: str = "",
    environment: Environment,
    page_id: str = "",
    catalog_id: str = "",
) -> tuple[Connection, tuple[Loss, ...]]:
    """Check a token with Meta, keep it, and link the named Page (and catalog) with it; without one, the choice is open. Tells what live connections lose by it.

    Nothing is kept of a token that cannot be used, and nothing changes on a connection that was named with it.

    Raises:
        NotFound: CONNECTION_NOT_FOUND.
        InvalidInput: the named connection lives in the other environment.
        FailedPrecondition: as `examine` and `choose`.
        AlreadyExists: PAGE_TAKEN.
        Throttled, Unavailable: Meta failed for the moment; nothing was kept.

    """
    if connection_id:
        async with runtime.db.begin() as tx:
            await connection_to_link(runtime, tx, store_id, connection_id, environment, step="attach")
    try:
        return await _attach(runtime, store_id, connection_id, environment, _Wish(token, page_id, catalog_id))
    except (Throttled, Unavailable):
        raise
    except ConnectorError as failure:
        if connection_id:
            await _note(runtime, store_id, connection_id, failure)
        raise


async def _attach(
    runtime: Runtime, store_id: str, connection_id: str, environment: Environment, wish: _Wish
) -> tuple[Connection, tuple[Loss, ...]]:
    grant = await examine(runtime, environment, wish.token)
    if wish.page_id:
        pick(grant.offer, wish.page_id, wish.catalog_id)
    async with runtime.db.begin() as tx:
        had = None
        if wish.page_id and not connection_id:
            had = await db.of_page(tx, store_id, environment, wish.page_id)
        target = had or await connection_to_link(runtime, tx, store_id, connection_id, environment, step="attach")
    kept = await keep_grant(runtime, store_id, target.id, grant)
    page_id = wish.page_id or kept.connection.page_id
    return await link_granted(runtime, kept, page_id=page_id, catalog_id=wish.catalog_id), kept.losses


async def _note(runtime: Runtime, store_id: str, connection_id: str, failure: ConnectorError) -> None:
    async with runtime.db.begin() as tx:
        named = await db.require(tx, store_id, connection_id)
        await db.note_problem(tx, named.id, problem_of(failure, at=runtime.now()))
