"""What reading conversations back at Meta leaves behind: how far it came, what cannot be read any more, who keeps silent."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid

from connector.db.schema import Instant, metadata

backfills = Table(
    "backfills",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="what asked for it last"),
    Column("since_time", Instant, nullable=False, comment="older conversations are not looked at"),
    Column("from_time", Instant, nullable=False, comment="where this round ends"),
    Column("before_time", Instant, comment="how far it came: newer ones were looked at; NULL at the beginning"),
    Column("skip_count", Integer, nullable=False, server_default="0", comment="how many of that very second were"),
    Column(
        "round_time", Instant, nullable=False, comment="when this round began: what changes later is the next one's"
    ),
    Column("begin_time", Instant, nullable=False),
    Column("finish_time", Instant, comment="NULL while it is under way"),
    Column("conversation_count", Integer, nullable=False, server_default="0"),
    Column("message_count", Integer, nullable=False, server_default="0", comment="that no webhook had brought"),
    Column("cut", Boolean, nullable=False, server_default="false", comment="there were more than it may take"),
    PrimaryKeyConstraint("connection_id", "channel"),
)
message_gaps = Table(
    "message_gaps",
    metadata,
    Column("conversation_id", Uuid, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("begin_time", Instant, comment="of the last message before it; NULL: nothing before it is known"),
    Column("end_time", Instant, nullable=False, comment="of the first message behind it"),
    Column("message_count", Integer, comment="how many are missing, where Meta tells"),
    Column("create_time", Instant, nullable=False),
    PrimaryKeyConstraint("conversation_id", "end_time"),
    Index("ix_message_gaps_create_time", "create_time"),
)
silences = Table(
    "silences",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("check_time", Instant, nullable=False, comment="when Meta was last asked what no webhook had brought"),
    Column("since_time", Instant, comment="of the oldest message that no webhook brought; NULL: all is well"),
    Column("message_count", Integer, nullable=False, server_default="0"),
)
