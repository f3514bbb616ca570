"""How a batch travels, whichever lane it is in: sent once, its handle kept, its verdicts settled item by item.

    load ──▶ items_batch ──▶ handle ──check──▶ verdict per item
      ▲          │   │                 │
      ├─release──┘   └─answer lost─▶ rests, as Meta may be at work on it
      └──────────────────────┴─lost────┘

What Meta did not judge never counts as settled. An item is never in two batches that Meta may be at work on: Meta promises no
order between them. After the last allowed send without a verdict, that is the verdict.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connector import metrics
from connector.budgets.model import Urgency
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import CapabilityKind, Connection, Problem, State
from connector.db import observations, outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import ConnectorError, MetaRefused, OutcomeUnknown
from connector.events import db as events
from connector.events.model import Draft as Event
from connector.operations import db as operations
from connector.operations.model import FIRST_REJECTIONS, Rejection
from connector.operations.model import State as OperationState
from connector.pieces import TURN
from connector.registry import graph
from connector.registry.db import feeding, narrowings
from connector.registry.db import flights as db
from connector.registry.db.flights import Batch, Settled
from connector.registry.db.names import Name, Resolved, look_up
from connector.registry.model import (
    FEWEST_CHECKS,
    PATIENCE,
    BatchStatus,
    Cargo,
    Lane,
    Receipt,
    check_delay,
    gathering,
    meta_fault,
    worst,
)
from connector.runtime import Runtime

MOST_SETTLED_PER_EVENT = 100
"""So that the hundred events of a pull stay far below 4 MB, the most a gRPC client takes unless told otherwise."""
_MOMENT = timedelta(seconds=1)
"""Before what another transaction held when the sender passed is looked at again."""
_PAUSE = timedelta(seconds=15)
"""Before something is sent again that Meta took no notice of."""


@dataclass(frozen=True, slots=True)
class Road:
    """A lane with its tasks, and how many batches may be without a verdict at once."""

    lane: Lane
    send: Task
    check: Task
    most_open: int
    urgency: Urgency


CONTENT = Road(Lane.CONTENT, Task.SEND_ITEMS, Task.CHECK_BATCH, 8, Urgency.PATIENT)
LEAVING = Road(Lane.LEAVING, Task.LEAVE_CATALOG, Task.CHECK_LEAVING, 8, Urgency.PATIENT)
STOCK = Road(Lane.STOCK, Task.SEND_STOCK, Task.CHECK_STOCK, 100, Urgency.URGENT)


async def plan(tx: Tx, connection: Connection, *, at: datetime, content: bool = True, stock: bool = True) -> None:
    """Ask for the sending of what waits, in either lane; nothing before the go. Who leaves the catalog does nothing else there."""
    if connection.state is State.DISCONNECTING:
        await plan_leaving(tx, connection, at=at)
        return
    if connection.catalog_go_time is None:
        return
    for road in [CONTENT] * content + [STOCK] * stock:
        if due := await db.next_due(tx, connection.id, road.lane, at=at):
            await outbox.add(tx, road.send, due=due, connection_id=connection.id, key=f"{road.send}:{connection.id}")


async def plan_leaving(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Ask for the next step of leaving the catalog."""
    key = f"{LEAVING.send}:{connection.id}"
    await outbox.add(tx, LEAVING.send, due=at, connection_id=connection.id, key=key)


async def send(runtime: Runtime, task: Taken, road: Road) -> None:
    """Send what waits, batch after batch for the length of a turn, and plan their checks and, while more waits, the next turn."""
    end = runtime.now() + TURN
    going: Taken | None = task
    while going:
        going = await _send(runtime, going, road, end=end)


async def _send(runtime: Runtime, task: Taken, road: Road, *, end: datetime) -> Taken | None:
    """Send one batch; tells with which task to go on, None when the turn is over.

    Two transactions with the call between them. A turn that dies between leaves a batch without a handle, which rests and is
    then put back in the queue, as when the answer is lost. Any other failure puts it back at once. Either rises.
    """
    async with runtime.db.begin() as tx:
        connection = await connections_db.of_task(tx, task, leaving=road.lane is Lane.LEAVING)
        at = runtime.now()
        if road.lane is Lane.CONTENT and (pause := await feeding.paused_until(tx, connection.id, at=at)):
            await outbox.again(tx, task, pause)
            return None
        free = await _free(runtime, tx, connection, road)
        loaded = await db.load(tx, connection, road.lane, batch_id=runtime.new_id(), at=at) if free else None
        if loaded is None:
            due = await db.next_due(tx, connection.id, road.lane, at=at) if free else None
            await (outbox.again(tx, task, max(due, at + _MOMENT)) if due else outbox.done(tx, task, at=at))
            return None
        await outbox.hold(tx, task)  # last: whoever stores a change wants the task's row too, after the items
    batch, cargo = loaded
    try:
        access = await connections.access(runtime, connection, kind="user")
        records = (one.record() for one in cargo)
        receipt = await runtime.graph.send(
            graph.items_batch(batch.catalog_id, records, allow_upsert=road.lane is Lane.CONTENT), access
        )
    except ConnectorError as error:
        if isinstance(error, OutcomeUnknown):
            async with runtime.db.begin() as tx:
                await db.note_loss(tx, batch.id, at=runtime.now())
                await _look_later(tx, road, batch, due=runtime.now() + runtime.batch_time)
                await outbox.hold(tx, task)
        elif await _put_back(runtime, task, connection, batch, cargo, error=error):
            return None
        raise
    at = runtime.now()
    async with runtime.db.begin() as tx:
        taken_in = await _keep(tx, road, connection, batch=batch, receipt=receipt, at=at)
        going = await _go_on(tx, task, road, at=at, rest=timedelta() if taken_in else _PAUSE, end=end)
    if going and road.lane is Lane.STOCK:
        await asyncio.sleep(gathering(len(cargo)).total_seconds())
    return going


async def _go_on(tx: Tx, task: Taken, road: Road, *, at: datetime, rest: timedelta, end: datetime) -> Taken | None:
    """Keep the task when more waits and the turn still lasts; otherwise end the turn."""
    task = await outbox.hold(tx, task)  # from here on no further wish can join
    due = await db.next_due(tx, task.connection_id, road.lane, at=at) if task.connection_id else None
    if due is None:
        await outbox.done(tx, task, at=at)
    elif due > at or rest or at >= end:
        await outbox.again(tx, task, max(due, at + rest))
    else:
        return task
    return None


async def _free(runtime: Runtime, tx: Tx, connection: Connection, road: Road) -> bool:
    """Tell whether a batch may go out now. When too many are under way the verdict on one of them asks for the next."""
    if connection.catalog_go_time is None:
        return False
    bucket = graph.batch_bucket(connection.catalog_id)
    await connections.require_room(runtime, tx, connection, bucket, urgency=road.urgency)
    return await under_way(runtime, tx, connection, road) < road.most_open


async def under_way(runtime: Runtime, tx: Tx, connection: Connection, road: Road) -> int:
    """Count the batches of a lane that Meta may be at work on, and have those looked at that nobody else looks after."""
    batches = await db.open_batches(tx, connection.id, road.lane)
    for batch in batches:
        if batch.handle is None:  # its sender died: nobody knows what arrived
            await _look_later(tx, road, batch, due=max(runtime.now(), batch.create_time + runtime.batch_time))
    return len(batches)


async def _look_later(tx: Tx, road: Road, batch: Batch, *, due: datetime) -> None:
    key, arguments = f"{road.check}:{batch.id}", {"batch_id": str(batch.id)}
    await outbox.add(tx, road.check, due=due, connection_id=batch.connection_id, key=key, arguments=arguments)


async def _put_back(
    runtime: Runtime,
    task: Taken,
    connection: Connection,
    batch: Batch,
    cargo: Sequence[Cargo],
    *,
    error: ConnectorError,
) -> bool:
    """Put a batch back that Meta did not take in; tells whether that is all: too large a batch is halved and tried again."""
    # https://developers.facebook.com/docs/marketing-api/catalog-batch (read 2026-11-21): code 1 that is a refusal asks for less.
    refused, at = isinstance(error, MetaRefused) and error.reason == "META_REJECTED", runtime.now()
    too_large = refused and isinstance(error, MetaRefused) and error.code == 1
    async with runtime.db.begin() as tx:
        if too_large:
            await narrowings.narrow(tx, batch.catalog_id, len(cargo), at=at)  # before operations, as `_keep` does
        if too_large and len(cargo) == 1:
            words = {str(cargo[0].retailer_id): meta_fault(error.metadata.get("meta_message", error.message))}
            await settle(tx, connection, await db.refuse(tx, batch, words, at=at), at=at)
        await count(tx, await db.release(tx, batch, uncertain=False), at=at)
        if refused and not too_large:
            await _fail_operations(tx, connection, error.reason, at=at)
        if too_large:
            await outbox.again(tx, task, at)
        else:
            await outbox.hold(tx, task)  # last, as in `send`
    return too_large


async def _fail_operations(tx: Tx, connection: Connection, reason: str, *, at: datetime) -> None:
    """End what is at work on a catalog that Meta refuses to take anything into: waiting would be for ever."""
    for operation in await operations.running(tx, connection.id):
        if operation.state is OperationState.RUNNING:
            await operations.fail(tx, operation.id, reason, at=at)


async def _keep(tx: Tx, road: Road, connection: Connection, *, batch: Batch, receipt: Receipt, at: datetime) -> bool:
    """Keep the handle and what Meta refused at once. Without a handle nothing was taken in: the rest goes back in the queue.

    Tells whether Meta took any notice.
    """
    refused = {name: meta_fault(words) for name, words in receipt.refused.items()}
    settled = await db.refuse(tx, batch, refused, at=at)
    if receipt.handle:
        await db.keep_handle(tx, batch.id, receipt.handle, receipt.warned)
        await narrowings.widen(tx, batch.catalog_id, batch.item_count, at=at)
        await _look_later(tx, road, batch, due=at + check_delay(0))
    else:
        settled += await db.refuse(tx, batch, db.untold(await db.overdrawn(tx, batch)), at=at)
        settled += await db.release(tx, batch, uncertain=False, blamed=True)
    await settle(tx, connection, settled, at=at)
    return bool(receipt.handle or refused)


async def check(runtime: Runtime, task: Taken) -> None:
    """Ask for a batch's verdicts and settle them; comes back while Meta may work on it. A lost batch goes back in the queue.

    One transaction settles the whole batch: items, operations, events, and what waits next.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        batch = await db.find_batch(tx, UUID(task.arguments["batch_id"]))
        if batch is None:
            await outbox.done(tx, task, at=runtime.now())
            return
        connection = await connections_db.of_task(tx, task, leaving=True)
        if batch.handle is None:  # it has rested
            await count(tx, await db.release(tx, batch, uncertain=True), at=runtime.now())
            await plan(tx, connection, at=runtime.now())
            await outbox.done(tx, task, at=runtime.now())
            return
        await connections.require_room(runtime, tx, connection, graph.catalog_bucket(batch.catalog_id))
    status = await _status(runtime, connection, batch.catalog_id, batch.handle)
    if status.finished:
        worked = CapabilityKind.INVENTORY if batch.lane is Lane.STOCK else CapabilityKind.CATALOG_SYNC
        await connections.note_success(runtime, connection, worked)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        at = runtime.now()
        end = batch.create_time + (runtime.batch_time if status.unknown else PATIENCE)
        patient = at < end or not (status.unknown or batch.checks >= FEWEST_CHECKS)
        if patient and not (status.finished or status.lost):
            await db.count_check(tx, batch.id)
            await outbox.again(tx, task, end if status.unknown else at + check_delay(batch.checks + 1))
            return
        await judge(tx, connection, batch, status, at=at)
        await plan(tx, connection, at=at)
        await outbox.done(tx, task, at=at)


async def _status(runtime: Runtime, connection: Connection, catalog_id: str, handle: str) -> BatchStatus:
    try:
        access = await connections.access(runtime, connection, kind="user")
        return await runtime.graph.send(graph.batch_status(catalog_id, handle), access)
    except MetaRefused as refusal:
        if refusal.reason != "META_REJECTED":
            raise
        # Unverified: how long a handle lives and what an unknown one answers.
        return BatchStatus("", {}, {})


async def judge(tx: Tx, connection: Connection, batch: Batch, status: BatchStatus, *, at: datetime) -> None:
    """Settle a batch by what Meta said of it: its words by item, and whether they are all."""
    faults = {name: meta_fault(words) for name, words in status.refused.items()}
    settled = await db.refuse(tx, batch, faults, at=at)
    if status.finished:
        settled += await db.confirm(tx, batch, status.warned, at=at)
        await db.forget(tx, batch)
    else:
        settled += await db.refuse(tx, batch, db.untold(await db.overdrawn(tx, batch)), at=at)
        settled += await db.release(tx, batch, uncertain=True, blamed=True)
    await settle(tx, connection, settled, at=at)
    if batch.lane is Lane.STOCK and (refused := next((one for one in settled if one.retailer_id in faults), None)):
        words = f"Meta refuses a stock change of {refused.retailer_id}: {faults[refused.retailer_id]['meta_message']}"
        await connections_db.note_problem(tx, connection.id, Problem("META_REJECTED", words, at))


async def settle(tx: Tx, connection: Connection, settled: Sequence[Settled], *, at: datetime) -> None:
    """Count Meta's verdicts for the operations that wait for them, and tell StormCom."""
    if not settled:
        return
    overtaken = await db.at_rest(tx, connection.id, [one.retailer_id for one in settled])
    await count(tx, [*settled, *overtaken], at=at)
    for one in settled:
        metrics.items.labels("confirmed" if one.confirmed else "rejected").inc()
    if any(one.confirmed for one in settled):
        await observations.note(tx, f"last_confirm:{connection.id}", "", at=at)
    told = [settled[start : start + MOST_SETTLED_PER_EVENT] for start in range(0, len(settled), MOST_SETTLED_PER_EVENT)]
    await events.append(tx, *(_told(connection, some) for some in told), at=at)


async def count(tx: Tx, settled: Sequence[Settled], *, at: datetime) -> None:
    """Count settled items for the operations that wait for them."""
    for operation_id in {one.operation_id for one in settled if one.operation_id}:
        mine = [one for one in settled if one.operation_id == operation_id]
        refused = [one for one in mine if not one.confirmed]
        rejections = [
            Rejection(one.retailer_id, one.product_id, one.variant_id, worst(one.faults))
            for one in refused[:FIRST_REJECTIONS]
        ]
        counts = {"confirmed": len(mine) - len(refused), "rejected": len(refused)}
        await operations.progress(tx, operation_id, at=at, rejections=rejections, **counts)


def _told(connection: Connection, settled: Sequence[Settled]) -> Event:
    names = "retailer_id", "product_id", "variant_id", "confirmed"
    body = {"items": [{name: getattr(one, name) for name in names} for one in settled]}
    return Event(connection.store_id, connection.id, f"catalog:{connection.id}", "items_settled", body)


async def resolve(runtime: Runtime, store_id: str, connection_id: str, asked: Sequence[Name]) -> list[Resolved | None]:
    """Find items by any of their names, in the order asked; None for what is unknown."""
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        return await look_up(tx, connection.id, asked)
