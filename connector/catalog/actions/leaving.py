"""Leaves a catalog: what is ours there is hidden or deleted before the connection ends, as an operation that can be watched.

    DISCONNECTING ─▶ batches under way are judged ─▶ our items are marked ─▶ sent, judged ─▶ DISCONNECTED
          └── a new login: CONNECTED, the operation CANCELLED   └── a day over, or Meta refuses us: DISCONNECTED, FAILED

The connection keeps its sealed tokens until then, and takes no other work. What StormCom wants of its products stays as it is.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import CapabilityKind, Connection, State
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.operations import db as operations
from connector.operations.model import Draft, Kind, Operation
from connector.pieces import TURN
from connector.registry import actions as registry
from connector.registry.db import catalogue, leaving
from connector.runtime import Runtime

LONGEST = timedelta(days=1)
"""How long the leaving of a catalog may take; then the connection ends without it."""
_WAIT = timedelta(seconds=15)
_PIECE = 5_000


class Choice(StrEnum):
    """What becomes of our items in the catalog."""

    KEEP = "KEEP"
    HIDE = "HIDE"
    DELETE = "DELETE"


async def disconnect(
    runtime: Runtime, store_id: str, connection_id: str, *, choice: Choice, dry_run: bool, request_id: str
) -> tuple[Connection, Operation | None, int]:
    """Unlink a connection, after hiding or deleting what is ours in its catalog; tells how many items that is about.

    One transaction; the operation does the rest. Repeating it changes nothing. A dry run changes nothing either.

    Raises:
        NotFound: CONNECTION_NOT_FOUND.
        FailedPrecondition: OPERATION_RUNNING, when it leaves already in another way; STORE_NOT_CONNECTED,
            META_TOKEN_INVALID, or what Meta took away, unless the items are kept.

    """
    if choice is Choice.KEEP and not dry_run:
        return await connections.disconnect(runtime, store_id, connection_id), None, 0
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id, lock=True)
        count = 0 if choice is Choice.KEEP else await leaving.count_standing(tx, connection.id)
        under_way = await _under_way(tx, connection)
        if dry_run:
            return connection, under_way, count
        await connections_db.withdraw_logins(tx, connection.id, at=at)
        if connection.state is State.DISCONNECTED:
            return connection, None, count
        if under_way is not None:
            return connection, await _the_same(tx, under_way, choice), count
        _require_working(connection)
        if not count:
            return await connections.unlink(tx, connection, at=at), None, 0
        return *await _begin(tx, connection, choice, count, request_id, at=at), count


async def _under_way(tx: Tx, connection: Connection) -> Operation | None:
    """Find the operation that leaves the catalog."""
    running = await operations.running(tx, connection.id) if connection.state is State.DISCONNECTING else []
    return next((one for one in running if one.kind is Kind.LEAVE_CATALOG), None)


async def _the_same(tx: Tx, under_way: Operation, choice: Choice) -> Operation:
    if (await operations.arguments(tx, under_way.id))["choice"] != choice:
        message = "The connection leaves its catalog in another way already: watch that, or keep the rest (KEEP)"
        raise FailedPrecondition("OPERATION_RUNNING", message, operation_id=str(under_way.id))
    return under_way


def _require_working(connection: Connection) -> None:
    if connection.state is not State.DISCONNECTING:
        connections_db.require_connected(connection)
    if connection.catalog_id:
        connections.require_capability(connection, CapabilityKind.CATALOG_SYNC)


async def _begin(
    tx: Tx, connection: Connection, choice: Choice, count: int, request_id: str, *, at: datetime
) -> tuple[Connection, Operation]:
    """Stop all other work, and begin to leave."""
    await connections.stop_work(tx, connection, at=at)
    named = connection.store_id, connection.id
    draft = Draft(Kind.LEAVE_CATALOG, *named, request_id or None, removal_count=count, arguments={"choice": choice})
    operation = await operations.create(tx, draft, at=at, planned=False)
    out = {"state": State.DISCONNECTING, "reason": "", **connections_db.NOTHING_WAITS}
    connection = await connections_db.change(tx, connection.id, at=at, **out)
    await connections.tell(tx, connection, at=at)
    await registry.plan_leaving(tx, connection, at=at)
    key, mine = f"{Task.END_LEAVING}:{operation.id}", {"operation": str(operation.id)}
    await outbox.add(tx, Task.END_LEAVING, due=at + LONGEST, connection_id=connection.id, key=key, arguments=mine)
    return connection, operation


async def leave_catalog(runtime: Runtime, task: Taken) -> None:
    """Take the next step out of a catalog; ends the connection when nothing of ours is left to hide or delete.

    What Meta judges asks for the next step. When it refuses us there is none: the connection ends, and the operation says why.
    """
    async with runtime.db.begin() as tx:
        connection = await _leaving(tx, task)
        await outbox.hold(tx, task)
        under_way = await _under_way(tx, connection) if connection else None
        if connection is None or under_way is None:
            await _over(tx, connection, at=runtime.now())
            await outbox.done(tx, task, at=runtime.now())
            return
        if await _busy(runtime, tx, connection, under_way):
            await outbox.again(tx, task, runtime.now() + _WAIT)
            return
    if not under_way.total_count:
        await _mark(runtime, task, connection, under_way)
        return
    try:
        await registry.send(runtime, task, registry.LEAVING)
    except FailedPrecondition as refusal:
        await _surrender(runtime, task, refusal.reason)


async def check_leaving(runtime: Runtime, task: Taken) -> None:
    """Settle a batch of hidden or deleted items when Meta has its verdicts."""
    try:
        await registry.check(runtime, task)
    except FailedPrecondition as refusal:
        await _surrender(runtime, task, refusal.reason)


async def end_leaving(runtime: Runtime, task: Taken) -> None:
    """End a connection that has been on its way out for too long; what is left in the catalog stays there.

    One that came back meanwhile, and is on its way out anew, has a day of its own.
    """
    async with runtime.db.begin() as tx:
        connection = await _leaving(tx, task)
        await outbox.hold(tx, task)
        under_way = await _under_way(tx, connection) if connection else None
        if under_way is not None and str(under_way.id) != task.arguments["operation"]:
            await outbox.done(tx, task, at=runtime.now())
            return
    await _surrender(runtime, task, "LEAVING_UNFINISHED")


async def _leaving(tx: Tx, task: Taken) -> Connection | None:
    """Read the connection a task is about, locked, while it is on its way out."""
    connection = task.connection_id and await connections_db.by_id(tx, task.connection_id, lock=True)
    return connection if connection and connection.state is State.DISCONNECTING else None


async def _busy(runtime: Runtime, tx: Tx, connection: Connection, operation: Operation) -> bool:
    """Tell whether Meta may be at work on batches that were sent before, of an earlier leaving too: no item is ever in two at once."""
    roads = [registry.CONTENT, registry.STOCK] + [registry.LEAVING] * (not operation.total_count)
    return any([await registry.under_way(runtime, tx, connection, road) for road in roads])


async def _mark(runtime: Runtime, task: Taken, connection: Connection, operation: Operation) -> None:
    """Mark what is to be hidden or deleted, piece by piece for the length of a turn; the next one, or one after a death, goes on."""
    end, after = runtime.now() + TURN, task.arguments.get("after", "")
    while True:
        async with runtime.db.begin() as tx:
            await catalogue.lock_connection(tx, connection.id)
            choice = (await operations.arguments(tx, operation.id))["choice"]
            after = await leaving.mark(tx, connection.id, operation.id, choice, after=after, limit=_PIECE)
            await outbox.hold(tx, task)  # after the products, as whoever changes them asks for this task
            await outbox.keep(tx, task, {"after": after} if after else {})
            if after and runtime.now() >= end:
                await outbox.again(tx, task, runtime.now())
                return
        if not after:
            break
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        count, at = await leaving.count_marked(tx, connection.id, operation.id), runtime.now()
        await operations.plan(tx, operation.id, total=count, removal_count=count, at=at)
        await outbox.again(tx, task, at)


async def _surrender(runtime: Runtime, task: Taken, reason: str) -> None:
    """End the connection although items of ours are left; the operation tells why, and how many were settled."""
    async with runtime.db.begin() as tx:
        connection = await _leaving(tx, task)
        await outbox.hold(tx, task)
        if connection is not None and (under_way := await _under_way(tx, connection)):
            await operations.fail(tx, under_way.id, reason, at=runtime.now())
        await _over(tx, connection, at=runtime.now())
        await outbox.done(tx, task, at=runtime.now())


async def _over(tx: Tx, connection: Connection | None, *, at: datetime) -> None:
    if connection is not None:
        await connections.unlink(tx, connection, at=at)
