"""Pushes: one per consumer, with its sealed secrets and how it stands."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    Uuid,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.alerts.db import alerts
from connector.connections.db import connections
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import SEALED, Instant, Json, Tx, metadata
from connector.errors import NotFound
from connector.events.db import consumers
from connector.pushes.model import Push, State

SECRET = "push"  # noqa: S105 – what the sealed texts are bound to
pushes = Table(
    "pushes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("kinds", Json, nullable=False, comment="empty: all"),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("secret", LargeBinary, nullable=False, comment="sealed", info={SEALED: SECRET}),
    Column("former_secret", LargeBinary, comment="sealed; signs too for a while", info={SEALED: SECRET}),
    Column("former_secret_expire_time", Instant),
    Column("last_answer", Text, nullable=False, server_default=""),
    Column("last_time", Instant),
    Column("failing_since_time", Instant, comment="since when nothing got through"),
    Column("failures", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("outages", Integer, nullable=False, server_default="0", comment="times in a row it could not be reached"),
    Column("resume_time", Instant, comment="until when everything waits"),
    Column("create_time", Instant, nullable=False),
    CheckConstraint("state IN ('ENABLED', 'DISABLED')", "state"),
    CheckConstraint("(former_secret IS NULL) = (former_secret_expire_time IS NULL)", "former_secret"),
    Index("uq_pushes_store_id_consumer", "store_id", "consumer", unique=True),
)
_SHOWN = [pushes.c[name] for name in Push.__slots__]


async def find(tx: Tx, store_id: str, consumer: str, *, lock: bool = False) -> Push | None:
    """Read the push of a consumer, if there is one."""
    wanted = select(*_SHOWN).where(pushes.c.store_id == store_id, pushes.c.consumer == consumer)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _push(row)


async def require(tx: Tx, store_id: str, consumer: str, *, lock: bool = False) -> Push:
    """Read the push of a consumer.

    Raises:
        NotFound: PUSH_NOT_FOUND.

    """
    found = await find(tx, store_id, consumer, lock=lock)
    if found is None:
        raise NotFound("PUSH_NOT_FOUND", "No such push in this store", consumer=consumer)
    return found


async def by_id(tx: Tx, push_id: UUID, *, lock: bool = False) -> Push | None:
    """Read a push that may have ended."""
    wanted = select(*_SHOWN).where(pushes.c.id == push_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _push(row)


async def list_page(tx: Tx, store_id: str, *, after: str, limit: int) -> list[Push]:
    """List a store's pushes by consumer, behind the name `after`."""
    wanted = select(*_SHOWN).where(pushes.c.store_id == store_id, pushes.c.consumer > after)
    return [_push(row) for row in await tx.execute(wanted.order_by(pushes.c.consumer).limit(limit))]


async def secrets(tx: Tx, push_id: UUID, *, at: datetime) -> list[bytes]:
    """Read the sealed secrets that sign now, the newest first."""
    told = select(pushes.c.secret, pushes.c.former_secret, pushes.c.former_secret_expire_time)
    row = (await tx.execute(told.where(pushes.c.id == push_id))).one()
    former = [row.former_secret] if row.former_secret and row.former_secret_expire_time > at else []
    return [row.secret, *former]


async def create(tx: Tx, **values: Any) -> None:
    """Keep a new push."""
    await tx.execute(insert(pushes).values(state=State.ENABLED, **values))


async def change(tx: Tx, push_id: UUID, **values: Any) -> Push:
    """Change a push."""
    changed = update(pushes).where(pushes.c.id == push_id).values(**values).returning(*_SHOWN)
    return _push((await tx.execute(changed)).one())


async def replace_secret(tx: Tx, push_id: UUID, sealed: bytes, *, until: datetime) -> None:
    """Let a new secret sign; the one before signs beside it for a while."""
    values = {"secret": sealed, "former_secret": pushes.c.secret, "former_secret_expire_time": until}
    await tx.execute(update(pushes).where(pushes.c.id == push_id).values(**values))


async def forget(tx: Tx, push_id: UUID) -> None:
    """Forget a push, and its task."""
    await tx.execute(delete(pushes).where(pushes.c.id == push_id))
    await tx.execute(delete(outbox.tasks).where(outbox.tasks.c.key == key(push_id)))


async def disabled(tx: Tx, store_ids: Sequence[str]) -> list[Push]:
    """List the disabled pushes of some stores, by consumer."""
    which = pushes.c.store_id.in_(store_ids), pushes.c.state == State.DISABLED
    return [_push(row) for row in await tx.execute(select(*_SHOWN).where(*which).order_by(pushes.c.consumer))]


async def next_watched(tx: Tx, after: str, reasons: Sequence[str], *, limit: int) -> list[str]:
    """List stores, behind one, that have consumers, or an open alert of these reasons."""
    takers = select(consumers.c.store_id).where(consumers.c.store_id > after).distinct()
    alarmed = select(connections.c.store_id).join(alerts, alerts.c.connection_id == connections.c.id)
    alarmed = alarmed.where(alerts.c.reason.in_(reasons), connections.c.store_id > after)
    few = takers.order_by(consumers.c.store_id).limit(limit).subquery()
    both = select(few.c.store_id).union(alarmed).subquery()
    return list((await tx.execute(select(both.c.store_id).order_by(both.c.store_id).limit(limit))).scalars())


async def opened(tx: Tx, store_ids: Sequence[str], reasons: Sequence[str]) -> dict[tuple[str, str], list[UUID]]:
    """Tell on which connections of stores alerts of these reasons are open."""
    wanted = select(connections.c.store_id, alerts.c.reason, alerts.c.connection_id).join(
        connections, connections.c.id == alerts.c.connection_id
    )
    found = defaultdict[tuple[str, str], list[UUID]](list)
    which = connections.c.store_id.in_(store_ids), alerts.c.reason.in_(reasons)
    for store_id, reason, connection_id in await tx.execute(wanted.where(*which).order_by(alerts.c.since_time)):
        found[store_id, reason].append(connection_id)
    return dict(found)


async def wake(tx: Tx, store_ids: Collection[str], *, at: datetime) -> None:
    """Ask for a turn of every enabled push of these stores, in which something was told."""
    mine = select(pushes.c.id).where(pushes.c.store_id.in_(store_ids), pushes.c.state == State.ENABLED)
    for push_id in (await tx.scalars(mine.order_by(pushes.c.id))).all():
        await ask(tx, push_id, at=at)


async def ask(tx: Tx, push_id: UUID, *, at: datetime) -> None:
    """Ask for a turn of a push; one that is in a worker's hands gets another afterwards."""
    await outbox.add(tx, Task.PUSH_EVENTS, due=at, key=key(push_id), arguments={"push_id": str(push_id)})


def key(push_id: UUID) -> str:
    """Name the task of a push."""
    return f"push:{push_id}"


def _push(row: Row[Any]) -> Push:
    return Push(**{name: getattr(row, name) for name in Push.__slots__} | {"state": State(row.state)})
