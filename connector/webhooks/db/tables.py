"""Deliveries as they came, which Pages they told of, what waits for its Page, and the signals that were set aside.

Deliveries are worked off in the order of their ids by one task at a time (`KEY`): so what concerns one conversation keeps the
order in which it came in. They lie in a partition for each day (`days`), which goes as a whole.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    event,
    text,
)

from connector.db.schema import Instant, Json, metadata

KEY = "deliveries"
"""The one task that works deliveries off."""

WAITING = text("state = 'WAITING'")
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("environment", Text, nullable=False, comment="whose app secret signed it"),
    Column("body", LargeBinary, nullable=False, comment="the bytes received, access tokens in them masked"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the body"),
    Column("signature", Text, nullable=False, comment="the header that proved it"),
    Column("receive_time", Instant, primary_key=True),
    Column("state", Text, nullable=False),
    Column("position", Integer, nullable=False, server_default="0", comment="how many of its signals are settled"),
    Column("tries", Integer, nullable=False, server_default="0", comment="how often work began at that position"),
    Column("attempts", Integer, nullable=False, server_default="0", comment="how often its one signal failed before"),
    Index("ix_deliveries_waiting", "id", postgresql_where=WAITING),
    postgresql_partition_by="RANGE (receive_time)",
)
DAYS = "days"
"""The schema of the partitions: nobody looks into them but through their table."""
PARTITION_OPTIONS = "WITH (toast_tuple_target = 8160)"
STORAGE = (
    "ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL",
    f"CREATE SCHEMA IF NOT EXISTS {DAYS}",
    f"CREATE TABLE {DAYS}.deliveries_rest PARTITION OF deliveries DEFAULT {PARTITION_OPTIONS}",
)
"""Bodies lie uncompressed in their rows, as long as they fit: compressing them costs more than all the rest of an insert.

What comes on a day without a partition of its own lies in `deliveries_rest`: a delivery is never refused for want of one.
"""
for _statement in STORAGE:
    event.listen(deliveries, "after_create", DDL(_statement))  # type: ignore[no-untyped-call] # SQLAlchemy leaves DDL untyped

delivery_pages = Table(
    "delivery_pages",
    metadata,
    Column("delivery_id", BigInteger, primary_key=True),
    Column("page_id", Text, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Column("kinds", Json, nullable=False, comment="how many signals of each kind"),
    Index("ix_delivery_pages_store_id", "store_id", "delivery_id"),
    Index("ix_delivery_pages_receive_time", "receive_time", postgresql_using="brin"),
)
"""Whose signals a delivery brought when it was worked off: a row per Page that was somebody's."""

parked = Table(
    "parked",
    metadata,
    Column("id", BigInteger, primary_key=True, comment="its place in the order of deliveries"),
    Column("environment", Text, nullable=False),
    Column("object", Text, nullable=False, comment="Meta's name of what it is about: `page` or `instagram`"),
    Column("page_id", Text, nullable=False, comment="the Page, or account, it is about"),
    Column("body", LargeBinary, nullable=False, comment="the signal in an envelope of its own"),
    Column("digest", LargeBinary, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Column("due_time", Instant, comment="until when one that failed rests; NULL waits for its Page"),
    Column("attempts", Integer, nullable=False, server_default="0", comment="how often it failed"),
    Index("uq_parked_environment", "environment", "object", "page_id", "digest", unique=True),
    Index("ix_parked_due_time", "due_time", postgresql_where=text("due_time IS NOT NULL")),
    Index("ix_parked_receive_time", "receive_time", postgresql_using="brin"),
)
"""Signals that wait: of Pages that nobody connected, until somebody does, and those that failed, until their next try."""

QUARANTINED = text("state = 'QUARANTINED'")
signals = Table(
    "signals",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("store_id", Text, comment="whose Page it was when it was set aside"),
    Column("connection_id", Uuid),
    Column("environment", Text, nullable=False),
    Column("page_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0", comment="how often it was tried"),
    Column("raw", LargeBinary, nullable=False, comment="the signal in an envelope of its own"),
    Column("digest", LargeBinary, nullable=False),
    Column("receive_time", Instant, nullable=False),
    CheckConstraint("(store_id IS NULL) = (connection_id IS NULL)", "owner_is_whole"),
    Index("ix_signals_receive_time", "receive_time", postgresql_using="brin"),
    Index("ix_signals_store_id", "store_id", "id"),
    Index("ix_signals_quarantined", "connection_id", postgresql_where=QUARANTINED),
    Index("uq_signals_environment_page_id_digest", "environment", "page_id", "digest", unique=True),
)
