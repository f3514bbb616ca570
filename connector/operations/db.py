"""Operations: how far they are, and their one end.

Every change happens under the row's lock, wakes whoever watches, and the end (or a wait for confirmation) is told to
StormCom once, in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Row,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.db.bell import ring
from connector.db.schema import Instant, Json, Tx, metadata
from connector.errors import NotFound
from connector.events import db as events
from connector.events.model import Draft as Event
from connector.operations.model import FIRST_REJECTIONS, OPEN, Draft, Kind, Operation, Rejection, State, end_of
from connector.values import ConnectionId

CHANNEL = "operations"

_OPEN = text("state IN ('RUNNING', 'NEEDS_CONFIRMATION')")
operations = Table(
    "operations",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("request_id", Text, comment="the wish that began it: repeating it finds this row"),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("planned", Boolean, nullable=False, comment="false while the total still grows: it cannot end yet"),
    Column("total_count", BigInteger, nullable=False),
    Column("confirmed_count", BigInteger, nullable=False, server_default="0"),
    Column("rejected_count", BigInteger, nullable=False, server_default="0"),
    Column("removal_count", BigInteger, nullable=False),
    Column("scheduled", Boolean, nullable=False, server_default="false", comment="the schedule began it, no caller"),
    Column("arguments", Json, nullable=False, server_default="{}", comment="what it is to do once it is confirmed"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("first_rejections", Json, nullable=False, server_default="[]"),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    Column("finish_time", Instant),
    CheckConstraint(
        "total_count >= 0 AND confirmed_count >= 0 AND rejected_count >= 0 AND removal_count >= 0", "counts"
    ),
    CheckConstraint("(finish_time IS NULL) = (state IN ('RUNNING', 'NEEDS_CONFIRMATION'))", "finish"),
    Index(
        "uq_operations_store_id_request_id",
        "store_id",
        "request_id",
        unique=True,
        postgresql_where=text("request_id IS NOT NULL"),
    ),
    Index("ix_operations_store_id_create_time_id", "store_id", "create_time", "id"),
    Index("ix_operations_connection_id", "connection_id", postgresql_where=_OPEN),
    Index("ix_operations_finish_time", "finish_time", postgresql_where=text("finish_time IS NOT NULL")),
)
_SHOWN = [operations.c[field.name] for field in fields(Operation)]


async def create(tx: Tx, draft: Draft, *, at: datetime, planned: bool = True) -> Operation:
    """Begin an operation; the one of the same `request_id` if there is one.

    With nothing to settle it has ended already. With `planned` false its total is told later, by `plan`.
    """
    wish = insert(operations).values(
        store_id=draft.store_id,
        connection_id=draft.connection_id,
        request_id=draft.request_id,
        kind=draft.kind,
        state=draft.state,
        planned=planned,
        total_count=draft.total,
        removal_count=draft.removal_count,
        scheduled=draft.scheduled,
        arguments=dict(draft.arguments),
        create_time=at,
        update_time=at,
    )
    once = wish.on_conflict_do_nothing(
        index_elements=[operations.c.store_id, operations.c.request_id], index_where=text("request_id IS NOT NULL")
    )
    row = (await tx.execute(once.returning(*_SHOWN))).one_or_none()
    if row is None:
        return _operation((await tx.execute(_of_request(draft.store_id, draft.request_id))).one())
    return await _settle(tx, _operation(row), planned=planned, at=at)


async def of_request(tx: Tx, store_id: str, request_id: str) -> Operation | None:
    """Read the operation that a request began; None for a new or an empty one."""
    row = (await tx.execute(_of_request(store_id, request_id))).one_or_none()
    return None if row is None else _operation(row)


def _of_request(store_id: str, request_id: str | None) -> Select[Any]:
    return select(*_SHOWN).where(operations.c.store_id == store_id, operations.c.request_id == request_id)


async def get(tx: Tx, store_id: str, operation_id: UUID, *, lock: bool = False) -> Operation:
    """Read an operation of a store.

    Raises:
        NotFound: OPERATION_NOT_FOUND, also for another store's.

    """
    wanted = select(*_SHOWN).where(operations.c.store_id == store_id, operations.c.id == operation_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    if row is None:
        raise missing(str(operation_id))
    return _operation(row)


def missing(operation_id: str) -> NotFound:
    """Say that a store has no such operation, alike for malformed, foreign and absent ids."""
    return NotFound("OPERATION_NOT_FOUND", "No such operation in this store", operation_id=operation_id)


async def arguments(tx: Tx, operation_id: UUID) -> dict[str, Any]:
    """Tell what an operation is to do once it is confirmed."""
    return dict(await tx.scalar(select(operations.c.arguments).where(operations.c.id == operation_id)) or {})


async def running(tx: Tx, connection_id: ConnectionId) -> list[Operation]:
    """List the connection's operations that have not ended, oldest first."""
    mine = operations.c.connection_id == connection_id, operations.c.state.in_(OPEN)
    return [
        _operation(row) for row in await tx.execute(select(*_SHOWN).where(*mine).order_by(operations.c.create_time))
    ]


async def list_page(
    tx: Tx,
    store_id: str,
    *,
    connection_id: UUID | None,
    state: State | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Operation]:
    """List a store's operations, newest first, behind the key `after`."""
    wanted = select(*_SHOWN).where(operations.c.store_id == store_id)
    if connection_id:
        wanted = wanted.where(operations.c.connection_id == connection_id)
    if state:
        wanted = wanted.where(operations.c.state == state)
    key = tuple_(operations.c.create_time, operations.c.id)
    if after:
        wanted = wanted.where(key < after)
    newest = wanted.order_by(operations.c.create_time.desc(), operations.c.id.desc()).limit(limit)
    return [_operation(row) for row in await tx.execute(newest)]


async def plan(
    tx: Tx, operation_id: UUID, *, total: int, removal_count: int, at: datetime, hold: bool = False
) -> Operation | None:
    """Tell how much an unplanned operation has to settle; with `hold` it now waits for confirmation.

    With nothing to settle it ends. None when it has ended meanwhile (cancelled): do nothing then.
    """
    state = State.NEEDS_CONFIRMATION if hold else State.RUNNING
    row = await _change(
        tx, operation_id, at=at, planned=True, total_count=total, removal_count=removal_count, state=state
    )
    return row and await _settle(tx, row, planned=True, at=at)


async def confirm(tx: Tx, operation_id: UUID, *, at: datetime) -> Operation | None:
    """Let an operation that waited for confirmation run; None when it does not wait. Its total is then told by `plan`."""
    waiting = operations.c.state == State.NEEDS_CONFIRMATION
    return await _change(tx, operation_id, waiting, at=at, state=State.RUNNING, planned=False)


async def progress(
    tx: Tx,
    operation_id: UUID,
    *,
    at: datetime,
    confirmed: int = 0,
    rejected: int = 0,
    rejections: Sequence[Rejection] = (),
) -> Operation | None:
    """Count settled items; the last one ends the operation, once. None when it had ended before: nothing changes."""
    found = await _locked(tx, operation_id)
    if found is None:
        return None
    room = max(0, FIRST_REJECTIONS - len(found.first_rejections))
    row = await _change(
        tx,
        operation_id,
        at=at,
        confirmed_count=operations.c.confirmed_count + confirmed,
        rejected_count=operations.c.rejected_count + rejected,
        first_rejections=[*found.first_rejections, *(rejection.document() for rejection in rejections[:room])],
    )
    planned = await tx.scalar(select(operations.c.planned).where(operations.c.id == operation_id))
    return row and await _settle(tx, row, planned=bool(planned), at=at)


async def fail(tx: Tx, operation_id: UUID, reason: str, *, at: datetime) -> Operation | None:
    """End an operation before its items are settled; None when it had ended before."""
    return await _end(tx, operation_id, State.FAILED, reason=reason, at=at)


async def cancel(tx: Tx, operation_id: UUID, *, at: datetime) -> Operation | None:
    """End an operation because the caller wishes so; None when it had ended before."""
    return await _end(tx, operation_id, State.CANCELLED, reason="", at=at)


async def _settle(tx: Tx, operation: Operation, *, planned: bool, at: datetime) -> Operation:
    """End an operation that has nothing left to settle; tell a wait for confirmation."""
    if operation.state is State.NEEDS_CONFIRMATION:
        await _tell(tx, operation, at=at)
        return operation
    counts = {
        "total": operation.total_count,
        "confirmed": operation.confirmed_count,
        "rejected": operation.rejected_count,
    }
    end = end_of(**counts) if planned and operation.state is State.RUNNING else None
    ended = await _end(tx, operation.id, end, reason="", at=at) if end else None
    return ended or operation


async def _end(tx: Tx, operation_id: UUID, state: State, *, reason: str, at: datetime) -> Operation | None:
    ended = await _change(tx, operation_id, at=at, state=state, reason=reason, finish_time=at)
    if ended:
        await _tell(tx, ended, at=at)
    return ended


async def _change(tx: Tx, operation_id: UUID, *conditions: Any, at: datetime, **values: Any) -> Operation | None:
    """Change an operation that has not ended, and wake its watchers."""
    still = operations.c.id == operation_id, operations.c.state.in_(OPEN), *conditions
    changed = update(operations).where(and_(*still)).values(update_time=at, **values).returning(*_SHOWN)
    row = (await tx.execute(changed)).one_or_none()
    if row is None:
        return None
    await ring(tx, CHANNEL, str(operation_id))
    return _operation(row)


async def _locked(tx: Tx, operation_id: UUID) -> Operation | None:
    still = operations.c.id == operation_id, operations.c.state.in_(OPEN)
    row = (await tx.execute(select(*_SHOWN).where(*still).with_for_update())).one_or_none()
    return None if row is None else _operation(row)


async def _tell(tx: Tx, operation: Operation, *, at: datetime) -> None:
    key, body = f"operation:{operation.id}", {"operation": operation.document()}
    await events.append(tx, Event(operation.store_id, operation.connection_id, key, "operation_changed", body), at=at)


def _operation(row: Row[Any]) -> Operation:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    shaped = {"kind": Kind(row.kind), "state": State(row.state), "first_rejections": tuple(row.first_rejections)}
    return Operation(**values | shaped)
