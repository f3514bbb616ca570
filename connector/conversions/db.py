"""Pixels and conversions. A report's body is there only until it is settled: it is what tells of a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    exists,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.conversions.model.values import Conversion, Pixel, State, Waiting
from connector.db.schema import Instant, Json, Tx, metadata, plain

pixels = Table(
    "pixels",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("pixel_id", Text, nullable=False),
    Column("test_event_code", Text, nullable=False, server_default=""),
    Column("limited_data_use", Boolean, nullable=False, server_default="false"),
    Column("update_time", Instant, nullable=False),
)
conversions = Table(
    "conversions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("event_name", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False, comment="until when Meta takes it"),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("body", Json, comment="as it is sent, the buyer hashed; NULL once it is settled"),
    Column("attempt_time", Instant, comment="when it first went out"),
    Column("create_time", Instant, nullable=False),
    Column("send_time", Instant),
    UniqueConstraint("connection_id", "event_name", "event_id"),
    CheckConstraint("(state = 'PENDING') = (body IS NOT NULL)", "body_until_settled"),
    Index("ix_conversions_pending", "connection_id", "id", postgresql_where=text("state = 'PENDING'")),
    Index("ix_conversions_expire_time", "expire_time", postgresql_where=text("state = 'PENDING'")),
    Index("ix_conversions_connection_id_create_time", "connection_id", "create_time", "id"),
)
_SHOWN = [conversions.c[name] for name in Conversion.__slots__]


def _read(row: Any) -> Conversion:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Conversion(**values | {"state": State(values["state"])})


async def read_pixel(tx: Tx, connection_id: UUID) -> Pixel:
    """Tell a connection's pixel; an empty one when none is set."""
    columns = pixels.c.pixel_id, pixels.c.test_event_code, pixels.c.limited_data_use
    row = (await tx.execute(select(*columns).where(pixels.c.connection_id == connection_id))).one_or_none()
    return Pixel() if row is None else Pixel(*row)


async def write_pixel(tx: Tx, connection_id: UUID, pixel: Pixel, *, at: datetime) -> None:
    """Keep a connection's pixel; one without an id forgets it."""
    if not pixel.pixel_id:
        await tx.execute(delete(pixels).where(pixels.c.connection_id == connection_id))
        return
    kept = {"pixel_id": pixel.pixel_id, "test_event_code": pixel.test_event_code, "update_time": at}
    kept["limited_data_use"] = pixel.limited_data_use
    wish = insert(pixels).values(connection_id=connection_id, **kept)
    await tx.execute(wish.on_conflict_do_update(index_elements=[pixels.c.connection_id], set_=kept))


async def add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Keep reports that are not known yet, in one statement; tells the ids of those."""
    wish = insert(conversions).on_conflict_do_nothing(index_elements=["connection_id", "event_name", "event_id"])
    return set((await tx.execute(wish.values(rows).returning(conversions.c.id))).scalars())


async def known(tx: Tx, connection_id: UUID, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Conversion]:
    """Find reports by `event_name` and `event_id`."""
    same = tuple_(conversions.c.event_name, conversions.c.event_id).in_(names)
    rows = await tx.execute(select(*_SHOWN).where(conversions.c.connection_id == connection_id, same))
    return {(row.event_name, row.event_id): _read(row) for row in rows}


async def waiting(tx: Tx, connection_id: UUID, *, limit: int) -> list[Waiting]:
    """Find reports that wait, the oldest first."""
    columns = conversions.c.id, conversions.c.body, conversions.c.expire_time, conversions.c.attempt_time
    wanted = select(*columns).where(conversions.c.connection_id == connection_id, conversions.c.state == State.PENDING)
    return [Waiting(*row) for row in await tx.execute(wanted.order_by(conversions.c.id).limit(limit))]


async def overdue(tx: Tx, *, at: datetime, limit: int) -> list[Waiting]:
    """Find reports, whosever they are, that wait although Meta takes them no more."""
    columns = conversions.c.id, conversions.c.body, conversions.c.expire_time, conversions.c.attempt_time
    over = conversions.c.state == State.PENDING, conversions.c.expire_time <= at
    wanted = select(*columns).where(*over).order_by(conversions.c.expire_time).limit(limit)
    return [Waiting(*row) for row in await tx.execute(wanted.with_for_update(skip_locked=True))]


async def has_waiting(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether any report waits."""
    same = conversions.c.connection_id == connection_id, conversions.c.state == State.PENDING
    return bool(await tx.scalar(select(exists().where(*same))))


async def attempt(tx: Tx, ids: Sequence[UUID], *, at: datetime) -> None:
    """Note that reports are about to go out; the first time counts."""
    new = conversions.c.id.in_(ids), conversions.c.attempt_time.is_(None)
    await tx.execute(update(conversions).where(*new).values(attempt_time=at))


async def withdraw(tx: Tx, ids: Sequence[UUID], *, begun: datetime) -> None:
    """Note that Meta refused an attempt whole: whatever went out first in it did not go out."""
    first = conversions.c.id.in_(ids), conversions.c.attempt_time == begun
    await tx.execute(update(conversions).where(*first).values(attempt_time=None))


async def settle(
    tx: Tx, ids: Sequence[UUID], state: State, *, at: datetime, reason: str = "", message: str = ""
) -> list[Conversion]:
    """End reports that wait, and forget whom they are about."""
    sent = {"send_time": at if state is State.SENT else None}
    said = {"state": state, "reason": reason, "message": plain(message), "body": None, **sent}
    open_ = conversions.c.id.in_(ids), conversions.c.state == State.PENDING
    return [_read(row) for row in await tx.execute(update(conversions).where(*open_).values(**said).returning(*_SHOWN))]


async def page(
    tx: Tx, connection_id: UUID, *, state: State | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Conversion]:
    """List reports, the newest first, behind a place."""
    key = tuple_(conversions.c.create_time, conversions.c.id)
    wanted = select(*_SHOWN).where(conversions.c.connection_id == connection_id)
    if state is not None:
        wanted = wanted.where(conversions.c.state == state)
    if after is not None:
        wanted = wanted.where(key < after)
    ordered = wanted.order_by(conversions.c.create_time.desc(), conversions.c.id.desc()).limit(limit)
    return [_read(row) for row in await tx.execute(ordered)]
