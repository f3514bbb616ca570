"""The tables of what was done to orders: each thing once, under Meta's own id of it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from connector.db.schema import Instant, Json, metadata
from connector.order_changes.model.returns import State
from connector.orders.db.tables import orders


def _of_order() -> list[Column[object]]:
    return [
        Column("order_id", Uuid, ForeignKey(orders.c.id, ondelete="CASCADE"), nullable=False),
        Column("external_id", Text, nullable=False, comment="Meta's id"),
        Column("store_id", Text, nullable=False),
    ]


order_cancellations = Table(
    "order_cancellations",
    metadata,
    *_of_order(),
    Column("parts", Json, nullable=False, comment="pieces of each line"),
    Column("reason", Text, nullable=False),
    Column("description", Text, nullable=False, comment="forgotten 90 days after the order is over"),
    Column("command_id", Uuid, comment="the command that asked for it"),
    Column("create_time", Instant, nullable=False, comment="when we learned of it"),
    PrimaryKeyConstraint("order_id", "external_id"),
)
order_refunds = Table(
    "order_refunds",
    metadata,
    *_of_order(),
    Column("parts", Json, nullable=False, comment="pieces and amount of each line"),
    Column("subtotal", BigInteger, nullable=False, comment="minor units of the order's currency, as are the following"),
    Column("shipping", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False, comment="what the buyer got"),
    Column("reason", Text, nullable=False),
    Column("command_id", Uuid, comment="the command that asked for it"),
    Column("create_time", Instant, nullable=False, comment="when we learned of it"),
    PrimaryKeyConstraint("order_id", "external_id"),
)
order_payments = Table(
    "order_payments",
    metadata,
    *_of_order(),
    Column("total", BigInteger, nullable=False, comment="minor units of the order's currency, as is the tax"),
    Column("tax", BigInteger, nullable=False),
    Column("captured", Boolean, nullable=False),
    Column("create_time", Instant, nullable=False, comment="when we learned of it, or that it was captured"),
    PrimaryKeyConstraint("order_id", "external_id"),
)
order_returns = Table(
    "order_returns",
    metadata,
    *_of_order(),
    Column("connection_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("merchant_return_id", Text, nullable=False),
    Column("parts", Json, nullable=False, comment="pieces of each line"),
    Column("reason", Text, nullable=False, comment="forgotten with the message"),
    Column("message", Text, nullable=False, comment="forgotten 90 days after the order is over"),
    Column("create_time", Instant, nullable=False, comment="when it was asked for, as Meta tells"),
    Column("update_time", Instant, nullable=False),
    PrimaryKeyConstraint("order_id", "external_id"),
    CheckConstraint(f"state IN ({', '.join(repr(str(one)) for one in State)})", "state"),
    Index("ix_order_returns_create_time", "connection_id", "create_time", "order_id", "external_id"),
    Index("ix_order_returns_message", "order_id", postgresql_where=text("message || reason <> ''")),
)
