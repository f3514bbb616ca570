"""Operations that bring the catalog up to date, and the two tasks that do the work.

A sync's operation carries the items it sets out to settle; each leaves it by its verdict. A cancelled operation's items that
were not sent yet are held back until somebody wants them anew: a sync, a retry, or a change of the product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from connector.catalog.db import plans as db
from connector.catalog.db.plans import Plan
from connector.categories import actions as categories
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, NotFound
from connector.operations import db as operations
from connector.operations.actions import Held
from connector.operations.model import FIRST_REJECTIONS, Draft, Kind, Operation, Rejection, State
from connector.pieces import Cursor, go_through
from connector.registry import actions as registry
from connector.registry.db import catalogue
from connector.registry.db import rules as rules_db
from connector.registry.model import worst
from connector.runtime import Runtime

_PIECE = 2_000  # items given to an operation in one transaction
_PRODUCTS = 20  # products whose items are given to an operation in one transaction: each has at most a hundred
_COUNTS = "sent_count", "removal_count", "rejected_count"
SCHEDULED = Task.FULL_SYNC, Task.DELTA_SYNC


async def sync_catalog(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    scope: str,
    product_ids: Sequence[str] | None = None,
    dry_run: bool,
    request_id: str,
) -> tuple[Operation | None, Plan]:
    """Begin to send what Meta does not have as wanted (`delta`), everything (`full`), or some products (`items`); also the go.

    One transaction. Repeating it with the same `request_id` answers with the operation it began. A dry run changes nothing.
    What would take too much away waits for a word instead.

    Raises:
        NotFound: PRODUCT_NOT_FOUND.
        FailedPrecondition: STORE_NOT_CONNECTED, META_TOKEN_INVALID, CATALOG_NOT_ATTACHED, OPERATION_RUNNING, or what
            Meta took away.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await ready(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        if product_ids is not None:
            await require_known(tx, connection, product_ids)
            plan = await db.preview_products(tx, connection.id, product_ids)
        else:
            plan = await db.preview(tx, connection.id, full=scope == "full")
        if dry_run:
            return None, plan
        if begun := await operations.of_request(tx, store_id, request_id):
            return begun, plan
        draft = Draft(Kind.SYNC_CATALOG, store_id, connection.id, request_id or None)
        return await _sync(tx, connection, draft, scope, product_ids, at=at), plan


async def _sync(
    tx: Tx, connection: Connection, draft: Draft, scope: str, product_ids: Sequence[str] | None, *, at: datetime
) -> Operation:
    count = await db.losses(tx, connection, product_ids)
    if await too_much(tx, connection, count):
        arguments = {"scope": scope, "product_ids": None if product_ids is None else list(product_ids)}
        held = replace(draft, total=count, removal_count=count, state=State.NEEDS_CONFIRMATION, arguments=arguments)
        return await begin(tx, held, at=at)
    operation = await begin(tx, draft, at=at)
    operation = await carry(tx, connection, operation, scope, at=at, product_ids=product_ids)
    await go(tx, connection, at=at)
    return operation


async def too_much(tx: Tx, connection: Connection, count: int) -> bool:
    """Tell whether a plan that removes or hides so many items needs a word from StormCom first."""
    rules = await rules_db.read(tx, connection.id)
    return count > rules.guard_items and count > rules.most_removals(await db.standing(tx, connection.id))


async def require_known(tx: Tx, connection: Connection, product_ids: Sequence[str]) -> None:
    """Refuse to work on products that were never upserted."""
    if unknown := await db.unknown_product(tx, connection.id, product_ids):
        message = f"No such product in this connection: {unknown}; upsert it first"
        raise NotFound("PRODUCT_NOT_FOUND", message, product_id=unknown)


async def _removals(tx: Tx, operation: Operation) -> int:
    connection = await ready(tx, operation.store_id, str(operation.connection_id))
    await catalogue.lock_connection(tx, connection.id)
    return await db.losses(tx, connection, (await operations.arguments(tx, operation.id))["product_ids"])


async def _resume(tx: Tx, operation: Operation, at: datetime) -> None:
    connection = await ready(tx, operation.store_id, str(operation.connection_id))
    told = await operations.arguments(tx, operation.id)
    await carry(tx, connection, operation, told["scope"], at=at, product_ids=told["product_ids"])
    await go(tx, connection, at=at)


HELD = {Kind.SYNC_CATALOG: Held(_removals, _resume)}
"""How a sync that waits for `ConfirmChange` goes on."""


async def retry_items(
    runtime: Runtime, store_id: str, connection_id: str, names: Sequence[str], *, request_id: str
) -> tuple[Operation, int]:
    """Send items again that Meta refused: those named, or all. Tells also how many of the named are left out.

    Raises:
        FailedPrecondition: as `sync_catalog`.

    """
    at, wanted = runtime.now(), list(names)
    async with runtime.db.begin() as tx:
        connection = await ready(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        if begun := await operations.of_request(tx, store_id, request_id):
            return begun, len(wanted) - begun.total_count if wanted else 0
        operation = await begin(tx, Draft(Kind.RETRY_ITEMS, store_id, connection.id, request_id or None), at=at)
        skipped = 0
        if wanted:
            count = await db.carry_named(tx, connection.id, operation.id, db.SCOPES["retry"], wanted)
            planned = await operations.plan(tx, operation.id, total=count, removal_count=0, at=at)
            operation, skipped = planned or operation, len(wanted) - count
        else:
            operation = await carry(tx, connection, operation, "retry", at=at)
        await registry.plan(tx, connection, at=at)
    return operation, skipped


async def send_items(runtime: Runtime, task: Taken) -> None:
    """Send one batch of items: content, price and stock as they are now."""
    await registry.send(runtime, task, registry.CONTENT)


async def check_batch(runtime: Runtime, task: Taken) -> None:
    """Settle a batch when Meta has its verdicts."""
    await registry.check(runtime, task)


async def ready(tx: Tx, store_id: str, connection_id: str) -> Connection:
    """Find a connection whose catalog can be worked on.

    Raises:
        NotFound, FailedPrecondition: it cannot; the reason says why.

    """
    connection = await connections_db.require_live(tx, store_id, connection_id, lock=True)
    connections.require_capability(connection, CapabilityKind.CATALOG_SYNC)
    return require_catalog(connection)


def require_catalog(connection: Connection) -> Connection:
    """Refuse to work on a catalog that is not there."""
    if not connection.catalog_id:
        message = "The connection has no catalog: call AttachCatalog or CreateCatalog"
        raise FailedPrecondition("CATALOG_NOT_ATTACHED", message, fix="AttachCatalog")
    return connection


async def begin(tx: Tx, draft: Draft, *, at: datetime) -> Operation:
    """Begin an operation, still unplanned, unless another one of this connection has not ended."""
    for other in await operations.running(tx, draft.connection_id):
        message = "Another operation is at work on this connection's catalog: watch it or cancel it"
        raise FailedPrecondition("OPERATION_RUNNING", message, operation_id=str(other.id))
    return await operations.create(tx, draft, at=at, planned=False)


async def go(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Give the explicit go, once, and plan the sending of what waits."""
    if connection.catalog_go_time is None:
        connection = await connections_db.change(tx, connection.id, at=at, catalog_go_time=at)
        await connections.tell(tx, connection, at=at)
        await wake_schedule(tx, connection, at=at)
    await registry.plan(tx, connection, at=at)
    await categories.plan(tx, connection, at=at)


async def wake_schedule(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Have the connection's own schedule looked at."""
    for name in SCHEDULED:
        await outbox.add(tx, name, due=at, connection_id=connection.id, key=f"every:{name}:{connection.id}")


async def carry(
    tx: Tx,
    connection: Connection,
    operation: Operation,
    scope: str,
    *,
    at: datetime,
    begin: datetime | None = None,
    given: int = 0,
    product_ids: Sequence[str] | None = None,
) -> Operation:
    """Give the operation what it is to settle: a first piece now, and when that is not all, the rest in a task of its own.

    `given` tells how many items it has already, since `begin`; `product_ids` limits it to the items of some products.
    """
    named = {"store_id": operation.store_id, "operation_id": str(operation.id), "scope": scope}
    cursor: Cursor = named | {"sent_count": given, "begin": (begin or at).isoformat()}
    if product_ids is not None:
        cursor |= {"product_ids": list(product_ids), "behind": 0}
    following, operation = await _carry(tx, connection, operation, cursor, at=at)
    if following:
        key = f"{Task.CARRY_ITEMS}:{operation.id}"
        await outbox.add(tx, Task.CARRY_ITEMS, due=at, connection_id=connection.id, key=key, arguments=following)
    return operation


async def carry_items(runtime: Runtime, task: Taken) -> None:
    """Give an operation the rest of what it is to settle, in pieces. Cancelled meanwhile: nothing more happens."""
    await go_through(runtime, task, _carry_next)


async def _carry_next(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    operation = await operations.get(tx, cursor["store_id"], UUID(cursor["operation_id"]))
    if operation.state is not State.RUNNING:
        return None
    connection = require_catalog(
        await connections_db.require_live(tx, operation.store_id, str(operation.connection_id))
    )
    await catalogue.lock_connection(tx, connection.id)
    following, _ = await _carry(tx, connection, operation, cursor, at=at)
    await registry.plan(tx, connection, at=at)
    return following


async def _carry(
    tx: Tx, connection: Connection, operation: Operation, cursor: Cursor, *, at: datetime
) -> tuple[Cursor | None, Operation]:
    """Carry a piece; behind the last one the operation learns how much it has to settle, and that our checks refuse some."""
    piece, following = await _give(tx, connection, operation, cursor)
    counts = {name: cursor.get(name, 0) + getattr(piece, name) for name in _COUNTS}
    if following:
        return {**cursor, **counts, **following}, operation
    total, removals = sum(counts.values()), counts["removal_count"]
    planned = await operations.plan(tx, operation.id, total=total, removal_count=removals, at=at)
    refused, ids = counts["rejected_count"], cursor.get("product_ids")
    return None, await _count_refused(tx, planned or operation, refused, ids, at=at)


async def _give(
    tx: Tx, connection: Connection, operation: Operation, cursor: Cursor
) -> tuple[db.Piece, Mapping[str, Any] | None]:
    """Give a piece to the operation; tells also where the next one begins, None when there is none."""
    scope, ids = db.SCOPES[cursor["scope"]], cursor.get("product_ids")
    if ids is None:
        begin, after = datetime.fromisoformat(cursor["begin"]), cursor.get("after", ("", ""))
        piece = await db.carry(tx, connection.id, operation.id, scope, begin=begin, after=after, limit=_PIECE)
        return piece, {"after": piece.last} if piece.last else None
    end = cursor["behind"] + _PRODUCTS
    piece = await db.carry_products(tx, connection.id, operation.id, scope, ids[cursor["behind"] : end])
    return piece, {"behind": end} if end < len(ids) else None


async def _count_refused(
    tx: Tx, operation: Operation, count: int, product_ids: Sequence[str] | None, *, at: datetime
) -> Operation:
    """Count what our checks refuse as settled at once."""
    if not count:
        return operation
    connection_id = operation.connection_id
    first = await db.refused_by_checks(tx, connection_id, product_ids=product_ids, limit=FIRST_REJECTIONS)
    rejections = [Rejection(one.retailer_id, one.product_id, one.variant_id, worst(one.faults)) for one in first]
    counted = await operations.progress(tx, operation.id, at=at, rejected=count, rejections=rejections)
    return counted or operation
