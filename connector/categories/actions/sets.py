"""Brings product sets to Meta: one call after the other, each outcome kept before the next.

    PENDING ──create, update──▶ CONFIRMED ──not listed any more──▶ PENDING
      │  ▲                          │ not wanted
      ▼  │ set again                ▼
    REJECTED ◀─────────── REMOVAL_PENDING ──delete──▶ REMOVED

Before a set is sent it counts as one that may stand at Meta; from then on it is looked up by its retailer_id before it is created,
since neither a lost answer nor an error proves that it was not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.categories import graph
from connector.categories.db import sets as db
from connector.categories.model.sets import COUNTED_AFTER, LOOKED_UP_EVERY, Due, ProductSet
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.graph.client import Access
from connector.registry.db import catalogue
from connector.registry.graph import catalog_bucket
from connector.runtime import Runtime

_A_TURN = 20
"""So many sets a turn sends at most: some seconds' worth of calls."""
# Unverified: how Meta refuses to delete a set that is shown in a shop; the parameter that allows it is the SDK's.
_LIVE_WORD = "live"


async def plan(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Ask that Meta be brought up to date with the sets; nothing before the go."""
    if connection.catalog_go_time is not None and await db.any_due(tx, connection.id):
        key = f"{Task.SYNC_SETS}:{connection.id}"
        await outbox.add(tx, Task.SYNC_SETS, due=at, connection_id=connection.id, key=key)


async def sync_sets(runtime: Runtime, task: Taken) -> None:
    """Send some sets, and come back for the rest. What Meta refuses of one holds up no other."""
    for _ in range(_A_TURN):
        if not await _sync_next(runtime, task):
            return
    async with runtime.db.begin() as tx:
        await outbox.again(tx, task, runtime.now())


async def _sync_next(runtime: Runtime, task: Taken) -> bool:
    """Send the next set. When there is none the turn is over, and Meta will be asked what it counts in them."""
    async with runtime.db.begin() as tx:
        connection, at = await _connection(runtime, tx, task), runtime.now()
        due = await db.take(tx, connection.id) if connection.catalog_go_time else None
        if due is None:
            await outbox.done(tx, task, at=at)
            await _plan_check(tx, connection, due=at + COUNTED_AFTER)
            return False
        # Last, here as below: whoever changes sets wants the task's row too, after the sets.
        await outbox.hold(tx, task)
    access = await connections.access(runtime, connection, kind="user")
    done = await _bring(runtime, access, connection.catalog_id, due)
    async with runtime.db.begin() as tx:
        await _keep(tx, connection, due, done, at=runtime.now())
        await outbox.hold(tx, task)
    return True


async def _plan_check(tx: Tx, connection: Connection, *, due: datetime) -> None:
    if await db.any_standing(tx, connection.id):
        key = f"{Task.CHECK_SETS}:{connection.id}"
        await outbox.add(tx, Task.CHECK_SETS, due=due, connection_id=connection.id, key=key)


async def _connection(runtime: Runtime, tx: Tx, task: Taken) -> Connection:
    """Find the connection, if its sets can be worked on now."""
    connection = await connections_db.of_task(tx, task)
    connections.require_capability(connection, CapabilityKind.CATALOG_SYNC)
    await connections.require_room(runtime, tx, connection, catalog_bucket(connection.catalog_id))
    return connection


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a set: Meta's id, empty when there is none, and its refusal."""

    set_id: str
    refusal: MetaRefused | None = None


async def _bring(runtime: Runtime, access: Access, catalog_id: str, due: Due) -> _Done:
    """Make Meta have a set as wanted.

    What Meta refuses is looked up: a set that is another one than we thought, or none, gets a second try.
    """
    set_id = due.set_id
    if not set_id and due.stands:
        set_id = await runtime.graph.send(graph.find_set(catalog_id, due.retailer_id), access)
    try:
        return await _send(runtime, access, catalog_id, due, set_id)
    except MetaRefused as refusal:
        found = await _found(runtime, access, catalog_id, due, refusal)
        if found == set_id:
            return _Done(found, refusal)
    try:
        return await _send(runtime, access, catalog_id, due, found)
    except MetaRefused as refusal:
        return _Done(await _found(runtime, access, catalog_id, due, refusal), refusal)


async def _found(runtime: Runtime, access: Access, catalog_id: str, due: Due, refusal: MetaRefused) -> str:
    """Look up what stands after a refusal; one that is about more than this set rises."""
    if refusal.reason != "META_REJECTED":
        raise refusal
    return await runtime.graph.send(graph.find_set(catalog_id, due.retailer_id), access)


async def _send(runtime: Runtime, access: Access, catalog_id: str, due: Due, set_id: str) -> _Done:
    if not due.wanted:
        if set_id:
            await runtime.graph.send(graph.delete_set(catalog_id, set_id, allow_live=due.allow_live), access)
        return _Done("")
    if not set_id:
        return _Done(await runtime.graph.send(graph.create_set(catalog_id, due.retailer_id, due.fields), access))
    await runtime.graph.send(graph.update_set(catalog_id, set_id, due.fields), access)
    return _Done(set_id)


async def _keep(tx: Tx, connection: Connection, due: Due, done: _Done, *, at: datetime) -> None:
    if done.refusal is None:
        await (
            db.confirm(tx, connection.id, due, done.set_id, at=at) if due.wanted else db.gone(tx, connection.id, due)
        )
    elif not due.wanted and not done.set_id:
        await db.gone(tx, connection.id, due)
    else:
        reason, message = _words(due, done.refusal)
        await db.refuse(tx, connection.id, due, done.set_id, reason=reason, message=message)


def _words(due: Due, refusal: MetaRefused) -> tuple[str, str]:
    """Say why a set is refused, and what mends it."""
    words = refusal.metadata.get("meta_message", refusal.message)
    if not due.wanted and not due.allow_live and _LIVE_WORD in words.casefold():
        fix = "The set is shown in the shop: repeat the call with allow_live_product_set_deletion, or take it out of the shop"
        return "PRODUCT_SET_LIVE", f"{fix} ({words})"
    return (
        "META_REJECTED",
        f"Meta refuses the set; mend what its words name and set the category again, changed or not: {words}",
    )


async def check_sets(runtime: Runtime, task: Taken) -> None:
    """Look at a page of Meta's sets: count their items, and create again what is gone. Comes back every day.

    Sets that are not ours are never touched.
    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await _connection(runtime, tx, task)
        if not await db.any_standing(tx, connection.id):
            await outbox.done(tx, task, at=at)
            return
    began = datetime.fromisoformat(task.arguments["began"]) if "began" in task.arguments else at
    access = await connections.access(runtime, connection, kind="user")
    listed = await runtime.graph.send(graph.list_sets(connection.catalog_id, task.arguments.get("after", "")), access)
    async with runtime.db.begin() as tx:
        # Many rows: not while whoever sets categories changes them too.
        await catalogue.lock_connection(tx, connection.id)
        await db.note_seen(tx, connection.id, listed.entries, at=runtime.now())
        if listed.after:
            await outbox.keep(tx, task, {"began": began.isoformat(), "after": listed.after})
            await outbox.again(tx, task, runtime.now())
            return
        await db.note_missing(tx, connection.id, before=began)
        await plan(tx, connection, at=runtime.now())
        await outbox.keep(tx, task, {})
        await outbox.again(tx, task, began + LOOKED_UP_EVERY)


async def list_sets(
    runtime: Runtime, store_id: str, connection_id: str, *, after: str, limit: int
) -> Sequence[ProductSet]:
    """List sets by their categories' ids."""
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        return await db.page(tx, connection.id, after=after, limit=limit)
