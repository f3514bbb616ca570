"""Repairs and uninstalls, at a caller's wish."""

from connector.business_extension import db, graph
from connector.business_extension.actions.watching import ask, conclude_end, lock_both, look, require
from connector.business_extension.model import Installation, State
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.errors import FailedPrecondition, MetaRefused
from connector.runtime import Runtime
from connector.values import Environment


async def repair(runtime: Runtime, store_id: str, environment: Environment) -> tuple[Connection, Installation]:
    """Have Meta repair the commerce integration, then read the installation back.

    Raises:
        NotFound: INSTALLATION_NOT_FOUND.
        FailedPrecondition: STORE_NOT_CONNECTED, META_TOKEN_INVALID, or Meta's refusal.
        Throttled, Unavailable: Meta failed for the moment.

    """
    async with runtime.db.begin() as tx:
        installation, connection = await require(tx, store_id, environment)
        await connections.require_open(runtime, tx, environment)
    if connection is None:
        raise connections_db.not_connected()
    call = graph.repair(installation.external_business_id, domain=installation.domain, admin_url=installation.admin_url)
    access = await connections.access(runtime, connection, kind="user")
    try:
        await runtime.graph.send(call, access)
    except MetaRefused as refusal:
        await connections.note_refusal(runtime, connection, refusal)
        raise
    return await look(runtime, installation, connection)


async def uninstall(runtime: Runtime, store_id: str, environment: Environment) -> Installation:
    """Uninstall at Meta, then end the connection. Repeating it changes nothing.

    The wish is kept before Meta is asked: when the answer, or we, get lost, what follows knows that the end was meant.

    Raises:
        NotFound: INSTALLATION_NOT_FOUND.
        FailedPrecondition: STORE_NOT_CONNECTED, META_TOKEN_INVALID, or Meta's refusal.
        Throttled, Unavailable: Meta failed for the moment.

    """
    async with runtime.db.begin() as tx:
        before, connection = await require(tx, store_id, environment)
        if before.state is State.UNINSTALLED:
            return before
        if connection is None:
            raise connections_db.not_connected()
        if before.notice_time is None:
            connections_db.require_connected(connection)
        await connections.require_open(runtime, tx, environment)
        installation = await db.note_notice(tx, before, at=runtime.now())
    await _delete(runtime, before, installation, connection)
    async with runtime.db.begin() as tx:
        both = await lock_both(tx, installation, connection)
        if both is None:
            return (await require(tx, store_id, environment))[0]
        return await conclude_end(runtime, tx, *both, reason="")


async def _delete(runtime: Runtime, before: Installation, wished: Installation, connection: Connection) -> None:
    """Uninstall at Meta, unless it shows nothing any more. A definite no takes the wish back."""
    try:
        if await ask(runtime, before, connection) is not None:
            await _send(runtime, wished, connection)
    except FailedPrecondition as refusal:
        async with runtime.db.begin() as tx:
            await db.take_notice_back(tx, wished, before=before.notice_time)
        if isinstance(refusal, MetaRefused):
            await connections.note_refusal(runtime, connection, refusal)
        raise


async def _send(runtime: Runtime, wished: Installation, connection: Connection) -> None:
    """Send the wish. A refused token was alive a moment ago: our own call killed it, whose first answer was lost."""
    access = await connections.access(runtime, connection, kind="user")
    try:
        await runtime.graph.send(graph.delete_installs(wished.external_business_id), access)
    except MetaRefused:
        if await ask(runtime, wished, connection) is not None:
            raise
