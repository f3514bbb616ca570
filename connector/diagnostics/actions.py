"""Asks Meta every hour what is wrong with a catalog and its items, and tells it together with what we know ourselves.

How far a round has come stands in the task, so that it can be interrupted anywhere. What a whole round did not tell again
is forgotten at its end.
"""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db import observations, outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.diagnostics import db, graph
from connector.diagnostics.model.rounds import CATALOG, Round
from connector.diagnostics.model.values import PULLED_EVERY, ItemTrouble, Severity, Source, Trouble
from connector.errors import MetaRefused
from connector.graph.call import Listed
from connector.registry.graph import catalog_bucket
from connector.runtime import Runtime

_PIECE = 5_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a connection's catalog, and when Meta was last asked."""

    connection: Connection
    troubles: list[Trouble]
    pull_time: datetime | None


async def list_diagnostics(
    runtime: Runtime, store_id: str, connection_id: str, *, source: Source | None, severity: Severity | None
) -> Findings:
    """List what is wrong, the worst first, from our own memory."""
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        found = await db.found(tx, connection.id)
        pull_time = await observations.time_of(tx, _pulled(connection))
    wanted = [one for one in found if source in {None, one.source} and severity in {None, one.severity}]
    return Findings(connection, sorted(wanted, key=attrgetter("rank")), pull_time)


async def pull(runtime: Runtime, task: Taken) -> None:
    """Ask Meta one question of a round; comes back until the round is over, then an hour later for the next.

    Two transactions with the call between them. Repeating a turn changes nothing.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection, at = await connections_db.of_task(tx, task), runtime.now()
        await connections.require_room(runtime, tx, connection, catalog_bucket(connection.catalog_id))
    now = Round.of(task.arguments, at=at)
    answer = await _ask(runtime, connection, now)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        following = (
            now.smaller() if answer is None else now.following(answer.after if isinstance(answer, Listed) else "")
        )
        if isinstance(answer, Listed):
            await db.keep_items(tx, connection.id, answer.entries, at=at)
        elif answer is not None:
            await db.keep_catalog(tx, connection.id, answer, at=at)
        if following is None:
            await _conclude(tx, connection, now)
        await outbox.keep(tx, task, following.document() if following else {})
        await outbox.again(tx, task, runtime.now() if following else max(at, now.begin_time + PULLED_EVERY))


async def _ask(runtime: Runtime, connection: Connection, now: Round) -> list[Trouble] | Listed[ItemTrouble] | None:
    """Ask what the round asks; None when Meta finds the question too large."""
    access = await connections.access(runtime, connection, kind="user")
    if now.asks == CATALOG:
        return await runtime.graph.send(graph.catalog_trouble(connection.catalog_id), access)
    call = graph.item_trouble(connection.catalog_id, priority=now.asks, after=now.after, limit=now.page_size)
    try:
        return await runtime.graph.send(call, access)
    except MetaRefused as refusal:
        if not refusal.too_large or now.page_size == 1:
            raise
        return None


async def _conclude(tx: Tx, connection: Connection, now: Round) -> None:
    while await db.forget_items(tx, connection.id, before=now.begin_time, limit=_PIECE) == _PIECE:
        pass
    await observations.note(tx, _pulled(connection), "", at=now.begin_time)


def _pulled(connection: Connection) -> str:
    return f"diagnostics_pulled:{connection.id}"
