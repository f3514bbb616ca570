"""Conversations and messages.

A message of Meta's exists once per connection, by its `mid` (or, for what has none, by a digest of its own bytes). What a
conversation shows is computed from its messages, so it does not depend on the order in which they became known.
Whoever changes a conversation's messages holds the lock of its row.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    Uuid,
    text,
)

from connector.db.schema import Instant, Json, metadata, plain
from connector.messaging.model import (
    Attachment,
    Conversation,
    Message,
    Origin,
    Sender,
    State,
)

CHANNEL = "messages"
conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("psid", Text, nullable=False),
    Column("person_name", Text, nullable=False, server_default=""),
    Column("person_time", Instant, comment="when the person last wrote: the windows count from here"),
    Column("snippet", Text, nullable=False, server_default=""),
    Column("unread_count", Integer, nullable=False, server_default="0"),
    Column("last_message_time", Instant),
    Column("delivered_time", Instant, comment="Meta's watermark: what the Page sent until then has arrived"),
    Column("read_time", Instant, comment="Meta's watermark: what the Page sent until then was read"),
    Index("uq_conversations_connection_id_psid", "connection_id", "psid", unique=True),
    Index("ix_conversations_connection_id_last_message_time", "connection_id", "last_message_time", "id"),
)
messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("conversation_id", Uuid, ForeignKey("conversations.id"), nullable=False),
    Column("request_id", Text, comment="the wish that made it: repeating it finds this row"),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("mid", Text, comment="Meta's id"),
    Column("digest", Text, comment="SHA-256 of a signal that has no mid"),
    Column("text", Text, nullable=False),
    Column("attachments", Json, nullable=False, server_default="[]"),
    Column("send_time", Instant, nullable=False, comment="by Meta's clock as soon as Meta told it"),
    Column("attempt_time", Instant, comment="when the call that sends it began"),
    Column("sender", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("unsupported_kind", Text, nullable=False, server_default=""),
    Column("opens_window", Boolean, nullable=False, server_default="false"),
    CheckConstraint("(origin = 'PERSON') = (state = 'RECEIVED')", "received_from_person"),
    CheckConstraint("origin <> 'STORMCOM' OR (request_id IS NOT NULL AND sender IS NOT NULL)", "ours_has_wish"),
    CheckConstraint("state NOT IN ('SENT', 'DELIVERED', 'READ') OR mid IS NOT NULL", "sent_has_mid"),
    CheckConstraint("(state = 'FAILED') = (reason <> '')", "failed_has_reason"),
    Index("uq_messages_store_id_request_id", "store_id", "request_id", unique=True),
    Index("uq_messages_connection_id_mid", "connection_id", "mid", unique=True),
    Index("uq_messages_connection_id_digest", "connection_id", "digest", unique=True),
    Index("ix_messages_conversation_id_send_time", "conversation_id", "send_time", "id"),
    Index(
        "ix_messages_send_time", "send_time", postgresql_using="brin"
    ),  # for the sweep; costs next to nothing to keep
    Index("ix_messages_open", "conversation_id", postgresql_where=text("state IN ('PENDING', 'ATTEMPTED')")),
)
CONVERSATION = [conversations.c[field.name] for field in fields(Conversation)]
MESSAGE = [messages.c[field.name] for field in fields(Message)]


def written(attachments: Sequence[Attachment]) -> list[dict[str, str]]:
    """Write attachments as the column keeps them."""
    return [{name: plain(value) for name, value in asdict(one).items()} for one in attachments]


def read_conversation(row: Row[Any]) -> Conversation:
    """Read a row of `CONVERSATION`."""
    return Conversation(**row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping


def read_message(row: Row[Any]) -> Message:
    """Read a row of `MESSAGE`."""
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Message(
        **values
        | {
            "origin": Origin(row.origin),
            "state": State(row.state),
            "sender": row.sender and Sender(row.sender),
            "attachments": tuple(Attachment(**one) for one in row.attachments),
        }
    )
