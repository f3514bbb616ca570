"""Holds and their lines. What a hold keeps aside is also counted on the items, in the same transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from connector.db.schema import Instant, Tx, metadata
from connector.inventory.model.holds import Held, Hold, State

holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("request_id", Text, comment="a call that is run again finds what it made"),
    Column("state", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("end_time", Instant),
    UniqueConstraint("store_id", "request_id"),
    CheckConstraint("(state = 'ACTIVE') = (end_time IS NULL)", "ended"),
    Index("ix_holds_connection_id", "connection_id", "create_time", "id"),
    Index("ix_holds_reference", "connection_id", "reference", postgresql_where=text("reference <> ''")),
    Index("ix_holds_expire_time", "expire_time", postgresql_where=text("state = 'ACTIVE'")),
    Index("ix_holds_active", "connection_id", "expire_time", postgresql_where=text("state = 'ACTIVE'")),
    Index("ix_holds_end_time", "end_time", postgresql_where=text("end_time IS NOT NULL")),
)
hold_lines = Table(
    "hold_lines",
    metadata,
    Column("hold_id", Uuid, ForeignKey(holds.c.id, ondelete="CASCADE"), nullable=False),
    Column("retailer_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("variant_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    PrimaryKeyConstraint("hold_id", "retailer_id"),
    CheckConstraint("quantity > 0", "quantity"),
)
_COLUMNS = [name for name in Hold.__slots__ if name != "lines"]
_SHOWN = [holds.c[name] for name in _COLUMNS]


async def add(tx: Tx, made: Sequence[tuple[Hold, str]]) -> None:
    """Store holds, each with the `request_id` it was asked for by."""
    rows = [
        {name: getattr(hold, name) for name in _COLUMNS} | {"request_id": request_id or None}
        for hold, request_id in made
    ]
    await tx.execute(insert(holds), rows)
    lines = [{"hold_id": hold.id, **line._asdict()} for hold, _ in made for line in hold.lines]
    await tx.execute(insert(hold_lines), lines)


async def by_request(tx: Tx, store_id: str, request_ids: Sequence[str]) -> dict[str, Hold]:
    """Find the holds that these requests made already."""
    named = holds.c.store_id == store_id, holds.c.request_id.in_(request_ids)
    rows = (await tx.execute(select(holds.c.request_id, *_SHOWN).where(*named))).all()
    found = await _with_lines(tx, rows)
    return {row.request_id: hold for row, hold in zip(rows, found, strict=True)}


async def find(tx: Tx, store_id: str, hold_id: UUID, *, lock: bool = False) -> Hold | None:
    """Find a hold of a store; `lock` keeps it from changing."""
    wanted = select(*_SHOWN).where(holds.c.id == hold_id, holds.c.store_id == store_id)
    rows = (await tx.execute(wanted.with_for_update() if lock else wanted)).all()
    found = await _with_lines(tx, rows)
    return found[0] if found else None


async def page(
    tx: Tx,
    connection_id: UUID,
    *,
    reference: str,
    active_at: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Hold]:
    """List holds, the newest first, behind a place; `active_at`: only those that hold something then."""
    wanted: list[ColumnElement[bool]] = [holds.c.connection_id == connection_id]
    if reference:
        wanted.append(holds.c.reference == reference)
    if active_at:
        wanted += [holds.c.state == State.ACTIVE, holds.c.expire_time > active_at]
    if after:
        wanted.append(tuple_(holds.c.create_time, holds.c.id) < after)
    newest = select(*_SHOWN).where(*wanted).order_by(holds.c.create_time.desc(), holds.c.id.desc())
    return await _with_lines(tx, (await tx.execute(newest.limit(limit))).all())


async def lock_expired(tx: Tx, connection_id: UUID, *, at: datetime, limit: int) -> list[Hold]:
    """Read the holds of a connection whose time has come, and keep them from changing; those that others have are left to them."""
    mine = select(*_SHOWN).where(holds.c.connection_id == connection_id, *_over(at)).order_by(holds.c.expire_time)
    return await _with_lines(tx, (await tx.execute(mine.limit(limit).with_for_update(skip_locked=True))).all())


async def lock_expired_of(tx: Tx, connection_id: UUID, product_ids: Iterable[str], *, at: datetime) -> list[Hold]:
    """Read the expired holds of some products, and keep them from changing: waits for those that others have."""
    of_them = exists().where(hold_lines.c.hold_id == holds.c.id, hold_lines.c.product_id.in_(product_ids))
    mine = select(*_SHOWN).where(holds.c.connection_id == connection_id, *_over(at), of_them).order_by(holds.c.id)
    return await _with_lines(tx, (await tx.execute(mine.with_for_update())).all())


def _over(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return holds.c.state == State.ACTIVE, holds.c.expire_time <= at


async def with_expired(tx: Tx, *, at: datetime) -> UUID | None:
    """Tell a connection with expired holds that nobody is at work on."""
    some = select(holds.c.connection_id).where(*_over(at)).order_by(holds.c.expire_time).limit(1)
    found: UUID | None = await tx.scalar(some.with_for_update(skip_locked=True))
    return found


async def next_expiry(tx: Tx, connection_id: UUID) -> datetime | None:
    """Tell when the next hold of a connection expires."""
    mine = holds.c.connection_id == connection_id, holds.c.state == State.ACTIVE
    time: datetime | None = await tx.scalar(select(func.min(holds.c.expire_time)).where(*mine))
    return time


async def change(tx: Tx, hold_id: UUID, **values: Any) -> None:
    """Change a hold."""
    await tx.execute(update(holds).where(holds.c.id == hold_id).values(**values))


async def end(tx: Tx, ids: Sequence[UUID], state: State, *, at: datetime) -> None:
    """End holds."""
    await tx.execute(update(holds).where(holds.c.id.in_(ids)).values(state=state, end_time=at))


async def sweep(tx: Tx, *, ended_before: datetime, limit: int) -> None:
    """Forget some holds that ended long ago."""
    some = select(holds.c.id).where(holds.c.end_time < ended_before).order_by(holds.c.end_time).limit(limit)
    await tx.execute(delete(holds).where(holds.c.id.in_(some)))


async def _with_lines(tx: Tx, rows: Sequence[Row[Any]]) -> list[Hold]:
    columns = [hold_lines.c[name] for name in Held._fields]
    mine = select(hold_lines.c.hold_id, *columns).where(hold_lines.c.hold_id.in_([row.id for row in rows]))
    lines: dict[UUID, list[Held]] = {row.id: [] for row in rows}
    for line in await tx.execute(mine.order_by(hold_lines.c.retailer_id)) if rows else ():
        lines[line.hold_id].append(Held(*line[1:]))
    return [
        Hold(
            **{name: getattr(row, name) for name in _COLUMNS}
            | {"state": State(row.state), "lines": tuple(lines[row.id])}
        )
        for row in rows
    ]
