"""The tables of payouts. What Meta gives no id is named by what never changes about it (`model.values`)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from connector.db.schema import Instant, Json, metadata
from connector.payouts.model.balances import State as BalanceState
from connector.payouts.model.values import State

payouts = Table(
    "payouts",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("store_id", Text, nullable=False),
    Column("name", Text, nullable=False, comment="the payout's reference, else the transfer's id; empty: the balance"),
    Column("currency_code", Text, nullable=False),
    Column("payout_reference_id", Text, nullable=False),
    Column("transfer_id", Text, nullable=False),
    Column("amount", BigInteger, nullable=False, comment="minor units"),
    Column("state", Text, nullable=False),
    Column("payout_time", Instant, comment="NULL: still in the balance"),
    Column("seen_time", Instant, nullable=False, comment="the beginning of the last reading that told it"),
    PrimaryKeyConstraint("connection_id", "name", "currency_code"),
    CheckConstraint(f"state IN ({', '.join(repr(str(one)) for one in State)})", "state"),
    CheckConstraint("name <> '' OR payout_time IS NULL", "named"),
)
LAST = func.coalesce(payouts.c.payout_time, text("'infinity'::timestamptz"))
"""Where a payout stands among others: what is in the balance comes after all that was paid."""
Index("ix_payouts_payout_time", payouts.c.connection_id, LAST, payouts.c.name, payouts.c.currency_code)

payout_transactions = Table(
    "payout_transactions",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("store_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="of what never changes about it: Meta gives it no id"),
    Column("ordinal", Integer, nullable=False, comment="tells transactions apart that are alike in everything"),
    Column("external_order_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("currency_code", Text, nullable=False),
    Column("net_amount", BigInteger, nullable=False, comment="minor units, as is the fee"),
    Column("processing_fee", BigInteger, nullable=False),
    Column("tax_rate", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("postal_code", Text, nullable=False, comment="forgotten 400 days after the transaction"),
    Column("payout_reference_id", Text, nullable=False, comment="empty: still in the balance"),
    Column("transfer_id", Text, nullable=False),
    Column("transaction_time", Instant, nullable=False),
    Column("order_time", Instant),
    Column("seen_time", Instant, nullable=False, comment="the beginning of the last reading that told it"),
    PrimaryKeyConstraint("connection_id", "digest", "ordinal"),
    Index("ix_payout_transactions_time", "connection_id", "transaction_time", "digest", "ordinal"),
    Index("ix_payout_transactions_order", "store_id", "external_order_id"),
    Index("ix_payout_transactions_payout", "connection_id", "payout_reference_id", "transaction_time"),
    Index("ix_payout_transactions_postal_code", "transaction_time", postgresql_where=text("postal_code <> ''")),
)
payout_pulls = Table(
    "payout_pulls",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("round", Json, comment="where the reading under way stands"),
    Column("begin_time", Instant, comment="of the last complete reading"),
    Column("finish_time", Instant, comment="of the same"),
    CheckConstraint("(begin_time IS NULL) = (finish_time IS NULL)", "complete"),
)
order_balances = Table(
    "order_balances",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    Column("store_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("expected", BigInteger, nullable=False, comment="minor units of the order's currency, as are the following"),
    Column("received", BigInteger, nullable=False),
    Column("fees", BigInteger, nullable=False),
    Column("order_time", Instant, nullable=False, comment="of the order: where it stands in lists"),
    Column("weigh_time", Instant, nullable=False),
    CheckConstraint(f"state IN ({', '.join(repr(str(one)) for one in BalanceState)})", "state"),
    Index("ix_order_balances_order_time", "connection_id", "order_time", "order_id"),
    Index("ix_order_balances_state", "connection_id", "state", "order_time", "order_id"),
)
