"""Looks at a connection's tokens: on demand, every six hours, and at once when there is reason to."""

from datetime import timedelta

from connector.budgets.model import Urgency
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.errors import ConnectorError, Throttled, Unavailable
from connector.runtime import Runtime
from connector.tokens import db
from connector.tokens.actions.asking import find, look_at
from connector.tokens.actions.judging import judge
from connector.tokens.actions.rotating import renew
from connector.tokens.model import INSPECTED_EVERY, Look, to_renew


async def inspect(runtime: Runtime, store_id: str, connection_id: str) -> tuple[Connection, Look]:
    """Ask Meta what a connection's tokens are, and act on it; other connections of the same person follow by themselves.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`; META_TOKEN_INVALID without tokens.
        Throttled, Unavailable: Meta does not answer now; nothing is changed.

    """
    connection = await find(runtime, store_id, connection_id)
    look = await look_at(runtime, connection)
    async with runtime.db.begin() as tx:
        connection, different = await judge(runtime, tx, connection, look)
        if different:
            await db.ask(tx, connection.id, at=runtime.now(), spread=True)
    return connection, look


async def inspect_tokens(runtime: Runtime, task: Taken) -> None:
    """Look at a connection's tokens, renew what ends soon, come back in six hours; at once if somebody asked meanwhile.

    What Meta took away or gave back is looked for at every connection of the same person: a consent is one for all of them.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = task.connection_id and await connections_db.by_id(tx, task.connection_id)
        if not connection or not connection.live:
            await outbox.done(tx, task, at=runtime.now())
            return
        if connection.user_token is None or connection.page_token is None:
            await outbox.again(tx, task, runtime.now() + INSPECTED_EVERY)
            return
        await connections.require_room(runtime, tx, connection, "app", urgency=Urgency.URGENT)
    look = await look_at(runtime, connection)
    if to_renew(look.user, at=runtime.now()):
        connection, look = await _renewed(runtime, connection, look)
    async with runtime.db.begin() as tx:
        joined = (await outbox.hold(tx, task)).wishes > task.wishes
        connection, different = await judge(runtime, tx, connection, look)
        if different or task.arguments.get("spread"):
            for other in await db.of_user(tx, connection.environment, connection.user_id, but=connection.id):
                await db.ask(tx, other, at=runtime.now())
        await outbox.keep(tx, task, {})
        await outbox.again(tx, task, runtime.now() + (timedelta() if joined else INSPECTED_EVERY))


async def _renewed(runtime: Runtime, connection: Connection, look: Look) -> tuple[Connection, Look]:
    """Renew a token that ends soon; where Meta refuses, the old one goes on, and its end is announced in time."""
    try:
        return await renew(runtime, connection)
    except (Throttled, Unavailable):
        raise
    except ConnectorError as refusal:
        async with runtime.db.begin() as tx:
            problem = connections.problem_of(refusal, at=runtime.now())
            await connections_db.note_problem(tx, connection.id, problem)
        return connection, look
