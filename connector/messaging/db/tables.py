"""Conversations and messages.

A message of Meta's exists once per connection, by its `mid` (or, for what has none, by a digest of its own bytes). What a
conversation shows is computed from its messages, so it does not depend on the order in which they became known.
Whoever changes a conversation's messages holds the lock of its row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    Uuid,
    text,
)

from connector.db.schema import Instant, Json, metadata, plain
from connector.messaging.model import (
    Attachment,
    Channel,
    Conversation,
    Kind,
    Message,
    Origin,
    Sender,
    State,
)

CHANNEL = "messages"
# A text's words are looked for within one connection, so its id is one of them. Longer texts would not fit.
WORDS = "(array_to_tsvector(ARRAY[connection_id::text]) || to_tsvector('simple', left(text, 20000)))"
NAME_WORDS = "(array_to_tsvector(ARRAY[connection_id::text]) || to_tsvector('simple', person_name))"
conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("psid", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default="MESSENGER"),
    Column("thread_id", Text, nullable=False, server_default="", comment="Meta's id of the conversation"),
    Column("person_name", Text, nullable=False, server_default=""),
    Column("person_username", Text, nullable=False, server_default="", comment="on Instagram"),
    Column("picture_url", Text, nullable=False, server_default=""),
    Column("picture_expire_time", Instant, comment="Meta's links to pictures end"),
    Column("profile_due_time", Instant, comment="when Meta is next asked who it is; NULL: at once"),
    Column("seen_time", Instant, comment="our mark: what the person wrote until then was read"),
    Column(
        "agent_id", Text, nullable=False, server_default="", comment="who at StormCom looks after it; empty: nobody"
    ),
    Column("person_time", Instant, comment="when the person last wrote: the windows count from here"),
    Column("snippet", Text, nullable=False, server_default=""),
    Column("unread_count", Integer, nullable=False, server_default="0"),
    Column("last_message_time", Instant),
    Column("delivered_time", Instant, comment="Meta's watermark: what the Page sent until then has arrived"),
    Column("read_time", Instant, comment="Meta's watermark: what the Page sent until then was read"),
    Column("direct_time", Instant, comment="when the person last wrote to us, not to another app that owns the thread"),
    Column("standby_time", Instant, comment="when the person last wrote while another app owned the thread"),
    Column("owner", Json, nullable=False, server_default="{}", comment="which app Meta last gave the thread to"),
    Column("owner_request", Json, nullable=False, server_default="{}", comment="which app last asked for the thread"),
    Column("referral", Json, nullable=False, server_default="{}", comment="where the person last came from"),
    Column("opt_in", Json, nullable=False, server_default="{}", comment="what the person last allowed, or no longer"),
    Column("account_link", Json, nullable=False, server_default="{}", comment="whether an account is linked"),
    Column("note_time", Instant, comment="of the latest of these notes"),
    Index("uq_conversations_connection_id_channel_psid", "connection_id", "channel", "psid", unique=True),
    Index("ix_conversations_connection_id_last_message_time", "connection_id", "last_message_time", "id"),
    Index(  # what a desk asks for most; few are unread, however many there are
        "ix_conversations_unread",
        "connection_id",
        "last_message_time",
        "id",
        postgresql_where=text("unread_count > 0"),
    ),
    Index("ix_conversations_agent_id", "connection_id", "agent_id", postgresql_where=text("agent_id <> ''")),
    Index(
        "ix_conversations_name_words",
        text(NAME_WORDS),
        postgresql_using="gin",
    ),
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
    Column("kind", Text, nullable=False, server_default="TEXT", comment="what it holds beside a text"),
    Column("content", Json, nullable=False, server_default="{}", comment="what it holds, by kind; ours only"),
    Column("part", Integer, nullable=False, server_default="0", comment="its place among the messages of one wish"),
    Column("reply_to_mid", Text, nullable=False, server_default="", comment="Meta's id of the message it answers"),
    Column("agent_id", Text, nullable=False, server_default="", comment="StormCom's id of who or what wrote it"),
    Column("agent_name", Text, nullable=False, server_default=""),
    Column("disclosed", Boolean, nullable=False, server_default="false", comment="it says that a program writes"),
    Column(
        "bulk", Boolean, nullable=False, server_default="false", comment="gives way to those that a person waits for"
    ),
    Column("edit_count", Integer, nullable=False, server_default="0"),
    Column("edit_time", Instant, comment="when the text became what it is, if it was another one"),
    Column("delete_time", Instant, comment="when its author took it back: what it said is gone"),
    Column("reactions", Json, nullable=False, server_default="[]"),
    Column("payload", Text, nullable=False, server_default="", comment="of the button or quick reply that was pressed"),
    Column(
        "standby", Boolean, nullable=False, server_default="false", comment="came while another app owned the thread"
    ),
    Column("referral", Json, nullable=False, server_default="{}", comment="where the person came from to say it"),
    Column(
        "backfilled", Boolean, nullable=False, server_default="false", comment="found by looking, told by no webhook"
    ),
    CheckConstraint("(origin = 'PERSON') = (state = 'RECEIVED')", "received_from_person"),
    CheckConstraint("origin <> 'STORMCOM' OR (request_id IS NOT NULL AND sender IS NOT NULL)", "ours_has_wish"),
    CheckConstraint("state NOT IN ('SENT', 'DELIVERED', 'READ') OR mid IS NOT NULL", "sent_has_mid"),
    CheckConstraint("(state = 'FAILED') = (reason <> '')", "failed_has_reason"),
    Index("uq_messages_store_id_request_id_part", "store_id", "request_id", "part", unique=True),
    Index("uq_messages_connection_id_mid", "connection_id", "mid", unique=True),
    Index("uq_messages_connection_id_digest", "connection_id", "digest", unique=True),
    Index("ix_messages_conversation_id_send_time", "conversation_id", "send_time", "id"),
    Index(
        "ix_messages_send_time", "send_time", postgresql_using="brin"
    ),  # for the sweep; costs next to nothing to keep
    Index("ix_messages_words", text(WORDS), postgresql_using="gin"),
    Index("ix_messages_unknown", "connection_id", "attempt_time", postgresql_where=text("state = 'UNKNOWN'")),
    Index("ix_messages_open", "conversation_id", postgresql_where=text("state IN ('PENDING', 'ATTEMPTED')")),
)
uploads = Table(
    "uploads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("received_bytes", Integer, nullable=False, server_default="0"),
    Column("attachment_id", Text, nullable=False, server_default="", comment="Meta's id; then its pieces are gone"),
    Column("create_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    CheckConstraint("received_bytes <= size_bytes", "no_more_than_announced"),
    Index("uq_uploads_connection_id_sha256", "connection_id", "sha256", unique=True),
    Index("ix_uploads_expire_time", "expire_time"),
)
upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload_id", Uuid, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("first_byte", Integer, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
)
message_templates = Table(
    "message_templates",
    metadata,
    Column("id", Text, primary_key=True, comment="Meta's id"),
    Column("connection_id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("category", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False, server_default=""),
    Column("parameter_count", Integer, nullable=False, server_default="0"),
    Column("update_time", Instant, nullable=False),
    Index("uq_message_templates_connection_id_name_language", "connection_id", "name", "language", unique=True),
)
page_sendings = Table(
    "page_sendings",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("disclosure", Text, nullable=False, server_default="", comment="what a program's first message begins with"),
    Column("human_agent_refusal_time", Instant, comment="when Meta last refused its Human Agent feature"),
)
page_paces = Table(
    "page_paces",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("medium", Text, primary_key=True, comment="TEXT or MEDIA"),
    Column("store_id", Text, nullable=False),
    Column("busy_time", Instant, nullable=False, comment="until when the Page's pace is spent"),
    Column("bulk_time", Instant, nullable=False, comment="when the next bulk message may begin"),
)
message_changes = Table(
    "message_changes",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("mid", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="`edit`, `delete`, or `reaction:` and whose"),
    Column("conversation_id", Uuid, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False, comment="of an edit: the how manieth; the highest counts"),
    Column("change_time", Instant, nullable=False, comment="the latest counts"),
    Column("body", Json, nullable=False, comment="what it became"),
    PrimaryKeyConstraint("connection_id", "mid", "subject"),
    Index("ix_message_changes_conversation_id", "conversation_id"),
    Index("ix_message_changes_change_time", "change_time", postgresql_using="brin"),
)
"""What happened to messages after they were sent, kept beside them: it may become known before they do."""
CONVERSATION = [conversations.c[field.name] for field in fields(Conversation)]
MESSAGE = [messages.c[field.name] for field in fields(Message)]


def written(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    """Write attachments as the column keeps them."""
    return [storable(one.document()) for one in attachments]


def storable(value: Any) -> Any:
    """Make every text in a structure storable."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {name: storable(inner) for name, inner in value.items()}
    return [storable(inner) for inner in value] if isinstance(value, list | tuple) else value


def read_conversation(row: Row[Any]) -> Conversation:
    """Read a row of `CONVERSATION`."""
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Conversation(**values | {"channel": Channel(row.channel)})


def read_message(row: Row[Any]) -> Message:
    """Read a row of `MESSAGE`."""
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Message(
        **values
        | {
            "origin": Origin(row.origin),
            "state": State(row.state),
            "kind": Kind(row.kind),
            "sender": row.sender and Sender(row.sender),
            "attachments": tuple(Attachment.of(one) for one in row.attachments),
        }
    )
