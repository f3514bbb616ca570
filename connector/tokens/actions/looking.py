"""Looks at a connection's tokens: on demand, every six hours, and at once when there is reason to."""

from datetime import timedelta

from connector.budgets.model import Urgency
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.actions.standing import plan_inspections
from connector.connections.model import Connection
from connector.db import outbox, walls
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import ConnectorError, FailedPrecondition, MetaRefused, Throttled, Unavailable
from connector.runtime import Runtime
from connector.tokens.actions.asking import find, look_at
from connector.tokens.actions.judging import judge, judge_damage
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
    with walls.beyond():  # the same person's connections, in whichever store
        async with runtime.db.begin() as tx:
            connection, different = await judge(runtime, tx, connection, look)
            if different:
                await plan_inspections(tx, [connection, *await _siblings(tx, connection)], at=runtime.now())
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
    try:
        look = await look_at(runtime, connection)
    except MetaRefused:
        raise
    except FailedPrecondition as damage:  # a sealed token cannot be opened: as good as none
        async with runtime.db.begin() as tx:
            await judge_damage(tx, connection, damage, at=runtime.now())
            await outbox.hold(tx, task)
            await outbox.again(tx, task, runtime.now() + INSPECTED_EVERY)
        return
    if to_renew(look.user, at=runtime.now()):
        connection, look = await _renewed(runtime, connection, look)
    async with runtime.db.begin() as tx:
        connection, different = await judge(runtime, tx, connection, look)
        tell = different and not task.arguments.get("told")
        joined = await _hold_and_tell(tx, task, connection, await _siblings(tx, connection) if tell else [])
        await outbox.keep(tx, task, {})
        await outbox.again(tx, task, runtime.now() + (timedelta() if joined else INSPECTED_EVERY))


async def _siblings(tx: Tx, connection: Connection) -> list[Connection]:
    """List the other connections of the same person at Meta, whichever store's."""
    theirs = await connections_db.of_person(tx, connection.environment, connection.user_id)
    return [one for one in theirs if one.id != connection.id]


async def _hold_and_tell(tx: Tx, task: Taken, connection: Connection, siblings: list[Connection]) -> bool:
    """Make sure that the task is ours and have the siblings looked at; tells whether somebody asked for another look meanwhile.

    Siblings do this to each other at once: their tasks are locked in the order of their connections, ours among them.
    """
    at = connection.update_time
    await plan_inspections(tx, [one for one in siblings if one.id < connection.id], at=at)
    joined = (await outbox.hold(tx, task)).wishes > task.wishes
    await plan_inspections(tx, [one for one in siblings if one.id > connection.id], at=at)
    return joined


async def _renewed(runtime: Runtime, connection: Connection, look: Look) -> tuple[Connection, Look]:
    """Renew a token that ends soon; where Meta refuses, the old one goes on, and its end is announced in time."""
    try:
        return await renew(runtime, connection) or (connection, look)
    except (Throttled, Unavailable):
        raise
    except ConnectorError as refusal:
        async with runtime.db.begin() as tx:
            problem = connections.problem_of(refusal, at=runtime.now())
            await connections_db.note_problem(tx, connection.id, problem)
        return connection, look
