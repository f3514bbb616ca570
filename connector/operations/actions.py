"""Tells about operations, stops them, and lets those go on that wait for confirmation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.operations import db
from connector.operations.model import Kind, Operation, State
from connector.runtime import Runtime
from connector.values import Page

FASTEST = timedelta(milliseconds=250)
_LOOK_AGAIN = timedelta(seconds=1)


async def get(runtime: Runtime, store_id: str, operation_id: UUID) -> Operation:
    """Read an operation of a store.

    Raises:
        NotFound: OPERATION_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        return await db.get(tx, store_id, operation_id)


async def list_page(
    runtime: Runtime,
    store_id: str,
    *,
    connection_id: UUID | None,
    state: State | None,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Page[Operation]:
    """List a store's operations, newest first; a further page goes on behind the last entry."""
    async with runtime.db.begin() as tx:
        found = await db.list_page(tx, store_id, connection_id=connection_id, state=state, after=after, limit=size + 1)
    more = len(found) > size
    return Page(tuple(found[:size]), str(found[size - 1].id) if more else None)


async def watch(runtime: Runtime, store_id: str, operation_id: UUID) -> AsyncIterator[Operation]:
    """Tell an operation at once and after every change, at most four times a second, until it has ended."""
    told: Operation | None = None
    while told is None or told.open:
        ear = runtime.bell.ear(db.CHANNEL, str(operation_id))
        seen = await get(runtime, store_id, operation_id)
        if seen != told:
            told = seen
            yield seen
            await asyncio.sleep(FASTEST.total_seconds())
        else:
            await runtime.bell.wait(ear, _LOOK_AGAIN)


async def cancel(runtime: Runtime, store_id: str, operation_id: UUID) -> Operation:
    """Stop an operation: what waits is not sent, what was sent stays sent. Repeating it changes nothing.

    Whoever works for it looks at its state before sending more.

    Raises:
        NotFound: OPERATION_NOT_FOUND.
        FailedPrecondition: OPERATION_ENDED, when it ended otherwise.

    """
    async with runtime.db.begin() as tx:
        operation = await db.get(tx, store_id, operation_id, lock=True)
        if operation.state is State.CANCELLED:
            return operation
        if not operation.open:
            message = f"The operation has ended already: {operation.state}"
            raise FailedPrecondition("OPERATION_ENDED", message, operation_id=str(operation_id))
        return await db.cancel(tx, operation_id, at=runtime.now()) or operation


@dataclass(frozen=True, slots=True)
class Held:
    """A kind of plan that may wait for confirmation: how many items it would remove or hide now, and how it goes on.

    `removals` locks what it needs to count; `resume` has the work done, and tells the operation's total by `operations.db.plan`.
    """

    removals: Callable[[Tx, Operation], Awaitable[int]]
    resume: Callable[[Tx, Operation, datetime], Awaitable[None]]


async def confirm(
    runtime: Runtime, store_id: str, operation_id: UUID, *, removal_count: int, held: Mapping[Kind, Held]
) -> Operation:
    """Let a held-back operation go on, if it still removes what was confirmed.

    Raises:
        NotFound: OPERATION_NOT_FOUND.
        FailedPrecondition: CHANGE_NOT_WAITING, REMOVAL_COUNT_CHANGED.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        operation = _waiting(await db.get(tx, store_id, operation_id))
        plan = held[operation.kind]
        removals = await plan.removals(tx, operation)
        operation = _waiting(await db.get(tx, store_id, operation_id, lock=True))  # after the connection, as everywhere
        if removals == removal_count:
            confirmed = await db.confirm(tx, operation.id, at=at)
            await plan.resume(tx, operation, at)
            return confirmed or operation
        if removals != operation.removal_count:
            total = operation.total_count - operation.removal_count + removals
            await db.plan(tx, operation.id, total=total, removal_count=removals, at=at, hold=True)
    message = f"The plan removes or hides {removals} items, not {removal_count}: look again and confirm that number"
    raise FailedPrecondition("REMOVAL_COUNT_CHANGED", message, removal_count=removals)


def _waiting(operation: Operation) -> Operation:
    if operation.state is not State.NEEDS_CONFIRMATION:
        message = "The operation does not wait for confirmation"
        raise FailedPrecondition("CHANGE_NOT_WAITING", message, operation_id=str(operation.id))
    return operation
