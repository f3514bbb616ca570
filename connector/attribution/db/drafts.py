"""Carts that people sent, each once, however often Meta tells of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.attribution.model.drafts import DraftOrder, State
from connector.checkout.model.links import Channel
from connector.db.schema import Instant, Json, Tx, metadata

draft_orders = Table(
    "draft_orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column(
        "cart_key", Text, nullable=False, comment="Meta's id of the message, or else a digest: a cart comes in once"
    ),
    Column("state", Text, nullable=False),
    Column("lines", Json, nullable=False),
    Column("sent_lines", Json, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("send_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("answer_time", Instant),
    Column("local_order_id", Text, nullable=False, server_default=""),
    Column("decline_reason", Text, nullable=False, server_default=""),
    Column("checkout_link", Text, nullable=False, server_default=""),
    Column("create_time", Instant, nullable=False),
    UniqueConstraint("connection_id", "cart_key"),
    CheckConstraint("(state = 'CREATED') = (local_order_id <> '')", "created_has_order"),
    Index("ix_draft_orders_connection_id", "connection_id", "send_time", "id"),
    Index("ix_draft_orders_conversation_id", "conversation_id"),
    Index("ix_draft_orders_expire_time", "connection_id", "expire_time", postgresql_where=text("state = 'REQUESTED'")),
)
_SHOWN = [draft_orders.c[name] for name in DraftOrder.__slots__]


def _read(row: Any) -> DraftOrder:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    words = {"channel": Channel(values["channel"]), "state": State(values["state"])}
    lists = {name: tuple(values[name]) for name in ("lines", "sent_lines")}
    return DraftOrder(**values | words | lists)


async def add(tx: Tx, draft: DraftOrder, cart_key: str, *, at: datetime) -> bool:
    """Keep a cart; tells whether it is new."""
    values = {name: getattr(draft, name) for name in DraftOrder.__slots__}
    lists = {name: list(values[name]) for name in ("lines", "sent_lines")}
    wish = insert(draft_orders).values(**values | lists, cart_key=cart_key, create_time=at)
    new = wish.on_conflict_do_nothing(index_elements=["connection_id", "cart_key"]).returning(draft_orders.c.id)
    return (await tx.execute(new)).one_or_none() is not None


async def find(tx: Tx, store_id: str, draft_order_id: UUID, *, lock: bool = False) -> DraftOrder | None:
    """Find a store's draft order; `lock` keeps it from changing."""
    wanted = select(*_SHOWN).where(draft_orders.c.id == draft_order_id, draft_orders.c.store_id == store_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _read(row)


async def change(tx: Tx, draft_order_id: UUID, **values: Any) -> DraftOrder:
    """Change a draft order."""
    changed = update(draft_orders).where(draft_orders.c.id == draft_order_id).values(**values).returning(*_SHOWN)
    return _read((await tx.execute(changed)).one())


async def expire(tx: Tx, connection_id: UUID, *, at: datetime, limit: int) -> list[DraftOrder]:
    """End some of those whose time is over."""
    over = draft_orders.c.connection_id == connection_id, draft_orders.c.state == State.REQUESTED
    due = select(draft_orders.c.id).where(*over, draft_orders.c.expire_time <= at).limit(limit).with_for_update()
    ended = update(draft_orders).where(draft_orders.c.id.in_(due)).values(state=State.EXPIRED).returning(*_SHOWN)
    return [_read(row) for row in await tx.execute(ended)]


async def next_expiry(tx: Tx, connection_id: UUID) -> datetime | None:
    """Tell when the next one expires."""
    over = draft_orders.c.connection_id == connection_id, draft_orders.c.state == State.REQUESTED
    found: datetime | None = await tx.scalar(select(func.min(draft_orders.c.expire_time)).where(*over))
    return found


async def page(
    tx: Tx,
    connection_id: UUID,
    *,
    state: State | None,
    conversation_id: UUID | None,
    at: datetime,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[DraftOrder]:
    """List draft orders, the last sent first, behind a place."""
    wanted = select(*_SHOWN).where(draft_orders.c.connection_id == connection_id)
    waits = (draft_orders.c.state == State.REQUESTED) & (draft_orders.c.expire_time > at)
    if state is State.REQUESTED:
        wanted = wanted.where(waits)
    elif state is State.EXPIRED:
        wanted = wanted.where(draft_orders.c.state.in_((State.REQUESTED, State.EXPIRED)), ~waits)
    elif state is not None:
        wanted = wanted.where(draft_orders.c.state == state)
    if conversation_id is not None:
        wanted = wanted.where(draft_orders.c.conversation_id == conversation_id)
    if after is not None:
        wanted = wanted.where(tuple_(draft_orders.c.send_time, draft_orders.c.id) < after)
    ordered = wanted.order_by(draft_orders.c.send_time.desc(), draft_orders.c.id.desc()).limit(limit)
    return [_read(row) for row in await tx.execute(ordered)]
