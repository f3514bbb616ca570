"""Reads a whole catalog at Meta and recognises what is ours in it. Writes nothing there.

    forget ──▶ mark ──▶ read ──▶ judge ──▶ clean        each in pieces, with a cursor in the task

`mark` writes down what our items are recognised by, `read` keeps Meta's pages, `judge` finds duplicates and plans, `forget` and `clean`
throw marks away, an earlier scan's and this one's. It can be interrupted anywhere: a page read twice is kept once.
"""

from datetime import datetime
from uuid import UUID

from connector.adoption import graph
from connector.adoption.db import scans
from connector.adoption.model import LARGEST_PAGE, MOST_MARKED, Seen
from connector.catalog.actions import syncs
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.graph.call import Listed
from connector.operations import db as operations
from connector.operations.model import Draft, Kind, Operation, State
from connector.pieces import TURN, Cursor, go_through
from connector.registry.graph import catalog_bucket
from connector.runtime import Runtime

_FORGOTTEN = 5_000
_JUDGED = 2_000
_MOST_RESTARTS = 3


async def begin_scan(runtime: Runtime, store_id: str, connection_id: str, *, request_id: str) -> Operation:
    """Begin to read the catalog. Repeating it with the same `request_id` answers with the operation it began.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED, META_TOKEN_INVALID, CATALOG_NOT_ATTACHED, OPERATION_RUNNING.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await syncs.ready(tx, store_id, connection_id)
        if begun := await operations.of_request(tx, store_id, request_id):
            return begun
        draft = Draft(Kind.SCAN_CATALOG, store_id, connection.id, request_id or None)
        operation = await syncs.begin(tx, draft, at=at)
        cursor = {"operation_id": str(operation.id), "store_id": store_id, "step": "forget"}
        await _plan(tx, operation, cursor, at=at)
    return operation


async def _plan(tx: Tx, operation: Operation, cursor: Cursor, *, at: datetime) -> None:
    key, connection_id = f"{Task.SCAN_CATALOG}:{operation.id}:{cursor['step']}", operation.connection_id
    await outbox.add(tx, Task.SCAN_CATALOG, due=at, connection_id=connection_id, key=key, arguments=cursor)


async def scan_catalog(runtime: Runtime, task: Taken) -> None:
    """Do a turn of a scan. Cancelled meanwhile: nothing more is read; what was read so far is kept, and left alone."""
    if task.arguments["step"] == "read":
        await _read(runtime, task)
    else:
        await go_through(runtime, task, _step)


async def _step(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    """Do a piece of the step the cursor stands in; behind the last one, the next step begins."""
    operation = await operations.get(tx, cursor["store_id"], UUID(cursor["operation_id"]))
    if operation.state is not State.RUNNING and cursor["step"] != "clean":
        return cursor | {"step": "clean"}
    after, connection_id = cursor.get("after", ""), operation.connection_id
    match cursor["step"]:
        case "forget":
            more = await scans.forget_marks(tx, connection_id, limit=_FORGOTTEN)
            return cursor if more else cursor | {"step": "mark"}
        case "mark":
            last = await scans.mark_items(tx, connection_id, after=after, limit=MOST_MARKED)
            if last is None:  # reading waits for Meta between its transactions: another kind of turn
                await _plan(tx, operation, cursor | {"step": "read", "after": ""}, at=at)
            return cursor | {"after": last} if last else None
        case "judge":
            last = await scans.judge(tx, connection_id, operation.id, after=after, limit=_JUDGED)
            if last is None:
                await operations.plan(tx, operation.id, total=cursor.get("found", 0), removal_count=0, at=at)
            return cursor | ({"after": last} if last else {"step": "clean"})
        case _:
            return cursor if await scans.forget_marks(tx, connection_id, limit=_FORGOTTEN) else None


async def _read(runtime: Runtime, task: Taken) -> None:
    """Read pages for a turn, each between two transactions: before it, that there is room for a call; after it, what it held."""
    cursor, end = dict(task.arguments), runtime.now() + TURN
    while cursor["step"] == "read" and runtime.now() < end:
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            connection = await _reader(runtime, tx, task)
            operation = await operations.get(tx, cursor["store_id"], UUID(cursor["operation_id"]))
        shelf = await _shelf(runtime, connection, cursor) if operation.state is State.RUNNING else None
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            cursor = await _keep(tx, operation, cursor, shelf, at=runtime.now())
            await outbox.keep(tx, task, cursor)
    async with runtime.db.begin() as tx:
        await outbox.again(tx, task, runtime.now())


async def _reader(runtime: Runtime, tx: Tx, task: Taken) -> Connection:
    """Find the connection, ready to read its catalog now."""
    connection = syncs.require_catalog(await connections_db.of_task(tx, task))
    await connections.require_room(runtime, tx, connection, catalog_bucket(connection.catalog_id))
    return connection


async def _shelf(runtime: Runtime, connection: Connection, cursor: Cursor) -> Listed[Seen] | MetaRefused:
    """Read the page behind the cursor; a refusal that is about this request, and not about our access, is told."""
    after, limit = cursor.get("after", ""), cursor.get("limit", LARGEST_PAGE)
    access = await connections.access(runtime, connection, kind="user")
    try:
        return await runtime.graph.send(graph.list_products(connection.catalog_id, after=after, limit=limit), access)
    except MetaRefused as refusal:
        if refusal.reason != "META_REJECTED":
            raise
        return refusal


async def _keep(
    tx: Tx, operation: Operation, cursor: Cursor, shelf: Listed[Seen] | MetaRefused | None, *, at: datetime
) -> Cursor:
    """Keep a page and tell where to go on: nowhere without one, with half of one that is too large, anew when Meta forgot the place."""
    if shelf is None:
        return cursor | {"step": "clean"}
    if isinstance(shelf, Listed):
        found = await scans.keep(tx, operation.connection_id, operation.id, shelf.entries, at=at)
        await operations.progress(tx, operation.id, at=at, confirmed=found)
        step = {"after": shelf.after} if shelf.after else {"step": "judge", "after": ""}
        return cursor | step | {"found": cursor.get("found", 0) + found}
    limit, restarts = cursor.get("limit", LARGEST_PAGE), cursor.get("restarts", 0)
    # Unverified: that a page with too many items answers code 1, "reduce the amount of data", as a batch does.
    if shelf.code == 1 and limit > 1:
        return cursor | {"limit": limit // 2}
    # Unverified: how long a cursor lives, and what one that has run out answers.
    if cursor.get("after") and restarts < _MOST_RESTARTS:
        return cursor | {"after": "", "restarts": restarts + 1}
    await operations.fail(tx, operation.id, "META_REJECTED", at=at)
    return cursor | {"step": "clean"}
