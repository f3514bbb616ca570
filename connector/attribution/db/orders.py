"""Attributed orders: written once. Who it was that bought is not here; the conversation that would tell is forgotten after a while."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    insert,
    select,
    text,
    tuple_,
)

from connector.attribution.model.orders import Line, OptIn, Order, Totals
from connector.checkout.model.links import Channel
from connector.db.schema import Instant, Json, Tx, metadata

KNOWN_FOR = timedelta(days=90)
"""For how long an order tells which conversation it came out of."""

attributed_orders = Table(
    "attributed_orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("local_order_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("external_order_id", Text, nullable=False),
    Column(
        "digest",
        LargeBinary,
        nullable=False,
        comment="of all that StormCom said: a repetition is told from another order",
    ),
    Column("currency_code", Text, nullable=False),
    Column("lines", Json, nullable=False),
    Column("subtotal", BigInteger, nullable=False, comment="minor units, as are the following"),
    Column("discount", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("order_time", Instant, nullable=False),
    Column("conversation_id", Uuid, comment="forgotten after 90 days"),
    Column("draft_order_id", Uuid, comment="forgotten after 90 days"),
    Column("opt_in", Text, nullable=False, server_default="UNSPECIFIED"),
    Column("opt_in_time", Instant),
    Column("event_id", Text, nullable=False, comment="of its conversion"),
    Column("conversion_reason", Text, nullable=False, server_default=""),
    Column("hold_ids", Json, nullable=False, server_default="[]"),
    Column("lost_hold_ids", Json, nullable=False, server_default="[]"),
    Column("receipt_message_id", Uuid, comment="forgotten after 90 days"),
    Column("receipt_reason", Text, nullable=False, server_default=""),
    Column("create_time", Instant, nullable=False),
    UniqueConstraint("store_id", "local_order_id"),
    UniqueConstraint("store_id", "channel", "external_order_id"),
    CheckConstraint("total = subtotal - discount + shipping + tax", "adds_up"),
    Index("ix_attributed_orders_connection_id", "connection_id", "create_time", "id"),
    Index(
        "ix_attributed_orders_conversation_id", "conversation_id", postgresql_where=text("conversation_id IS NOT NULL")
    ),
)
_COLUMNS = [*(name for name in Order.__slots__ if name != "totals"), *Totals._fields]
_SHOWN = [attributed_orders.c[name] for name in _COLUMNS]


def _read(row: Any) -> Order:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    totals = Totals(*(values.pop(name) for name in Totals._fields))
    words = {
        "channel": Channel(values["channel"]),
        "opt_in": OptIn(values["opt_in"]),
        "digest": bytes(values["digest"]),
    }
    lists = {"lines": tuple(Line(*line) for line in values["lines"])}
    lists |= {name: tuple(values[name]) for name in ("hold_ids", "lost_hold_ids")}
    return Order(**values | words | lists, totals=totals)


async def add(tx: Tx, order: Order) -> None:
    """Keep an order."""
    values = {name: getattr(order, name) for name in _COLUMNS if name in Order.__slots__}
    lists = {name: list(values[name]) for name in ("hold_ids", "lost_hold_ids")}
    lists["lines"] = [list(line) for line in order.lines]
    await tx.execute(insert(attributed_orders).values(**values | lists, **order.totals._asdict()))


async def find(tx: Tx, store_id: str, local_order_id: str) -> Order | None:
    """Find an order by StormCom's id."""
    same = attributed_orders.c.store_id == store_id, attributed_orders.c.local_order_id == local_order_id
    row = (await tx.execute(select(*_SHOWN).where(*same))).one_or_none()
    return None if row is None else _read(row)


class Filter(NamedTuple):
    """Which orders to list."""

    channel: Channel | None = None
    conversation_id: UUID | None = None
    from_time: datetime | None = None
    until_time: datetime | None = None


async def page(
    tx: Tx, connection_id: UUID, which: Filter, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Order]:
    """List orders, the last recorded first, behind a place."""
    table = attributed_orders.c
    wanted = select(*_SHOWN).where(table.connection_id == connection_id)
    if which.channel is not None:
        wanted = wanted.where(table.channel == which.channel)
    if which.conversation_id is not None:
        wanted = wanted.where(table.conversation_id == which.conversation_id)
    if which.from_time is not None:
        wanted = wanted.where(table.order_time >= which.from_time)
    if which.until_time is not None:
        wanted = wanted.where(table.order_time < which.until_time)
    if after is not None:
        wanted = wanted.where(tuple_(table.create_time, table.id) < after)
    ordered = wanted.order_by(table.create_time.desc(), table.id.desc()).limit(limit)
    return [_read(row) for row in await tx.execute(ordered)]


_FORGET = text(
    """
    UPDATE attributed_orders SET conversation_id = NULL, draft_order_id = NULL, receipt_message_id = NULL, opt_in = 'UNSPECIFIED', opt_in_time = NULL
    WHERE id IN (
        SELECT id FROM attributed_orders WHERE create_time < :before AND (conversation_id IS NOT NULL OR draft_order_id IS NOT NULL OR opt_in <> 'UNSPECIFIED')
        LIMIT :limit)
    """
)


async def forget_people(tx: Tx, *, at: datetime, limit: int = 5_000) -> bool:
    """Forget out of which conversations old orders came, and what their buyers want; tells whether there may be more."""
    return (await tx.execute(_FORGET, {"before": at - KNOWN_FOR, "limit": limit})).rowcount == limit
