"""Conversations and messages.

A message of Meta's exists once per connection, by its `mid` (or, for what has none, by a digest of its own bytes). What a
conversation shows is computed from its messages, so it does not depend on the order in which they became known.
Whoever changes a conversation's messages holds the lock of its row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

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
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.connections.model import Connection
from connector.db.bell import ring
from connector.db.schema import Instant, Json, Tx, metadata, plain
from connector.errors import NotFound
from connector.messaging.model import (
    OPEN,
    OUT,
    SNIPPET,
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
_CONVERSATION = [conversations.c[field.name] for field in fields(Conversation)]
_FOREIGN = ("text", "mid", "unsupported_kind")
_MESSAGE = [messages.c[field.name] for field in fields(Message)]

# What a conversation shows, computed from its messages: the same in whatever order they became known.
_REFRESH = text(f"""
    UPDATE conversations AS c SET
        person_time = (SELECT max(send_time) FROM messages WHERE conversation_id = c.id AND opens_window),
        last_message_time = newest.send_time,
        snippet = left(newest.text, :snippet),
        unread_count = (
            SELECT count(*) FROM messages WHERE conversation_id = c.id AND origin = 'PERSON' AND send_time > coalesce(
                (SELECT max(send_time) FROM messages WHERE conversation_id = c.id AND state = ANY(:answered)), '-infinity'))
    FROM unnest(:ids) AS wanted(id), LATERAL (
        SELECT send_time, text FROM messages WHERE conversation_id = wanted.id
        ORDER BY send_time DESC, coalesce(mid, digest, id::text) DESC LIMIT 1
    ) AS newest
    WHERE c.id = wanted.id RETURNING {", ".join(f"c.{field.name}" for field in fields(Conversation))}
""")  # noqa: S608 – only column names of ours are written in


def missing(conversation_id: str) -> NotFound:
    """Say that a store has no such conversation, alike for malformed, foreign and absent ids."""
    return NotFound("CONVERSATION_NOT_FOUND", "No such conversation in this store", conversation_id=conversation_id)


async def meet(tx: Tx, people: Sequence[tuple[UUID, Connection, str]]) -> dict[tuple[UUID, str], Conversation]:
    """Find the conversations with people (each named once), begun under the given ids if there are none; lock them."""
    wish = insert(conversations)
    met = wish.on_conflict_do_update(
        index_elements=[conversations.c.connection_id, conversations.c.psid], set_={"psid": wish.excluded.psid}
    ).returning(*_CONVERSATION)
    values = [
        {"id": new_id, "store_id": connection.store_id, "connection_id": connection.id, "psid": psid}
        for new_id, connection, psid in people
    ]
    found = [_conversation(row) for row in await tx.execute(met, values)]
    return {(one.connection_id, one.psid): one for one in found}


async def require(tx: Tx, store_id: str, conversation_id: UUID) -> Conversation:
    """Find a store's conversation.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND, also for another store's.

    """
    same = conversations.c.store_id == store_id, conversations.c.id == conversation_id
    row = (await tx.execute(select(*_CONVERSATION).where(*same))).one_or_none()
    if row is None:
        raise missing(str(conversation_id))
    return _conversation(row)


async def lock(tx: Tx, conversation_id: UUID) -> Conversation:
    """Read a conversation that exists, and keep others from changing its messages."""
    wanted = select(*_CONVERSATION).where(conversations.c.id == conversation_id)
    return _conversation((await tx.execute(wanted.with_for_update())).one())


async def refresh(tx: Tx, conversation_id: UUID) -> Conversation:
    """Compute what a conversation with at least one message shows."""
    return (await refresh_all(tx, [conversation_id]))[conversation_id]


async def refresh_all(tx: Tx, conversation_ids: Sequence[UUID]) -> dict[UUID, Conversation]:
    """Compute what conversations with at least one message each show."""
    values = {"ids": list(conversation_ids), "snippet": SNIPPET, "answered": list(OUT)}
    return {row.id: _conversation(row) for row in await tx.execute(_REFRESH, values)}


async def raise_watermarks(
    tx: Tx, conversation_id: UUID, *, delivered: datetime | None = None, read: datetime | None = None
) -> None:
    """Note up to when messages arrived or were read; an older word changes nothing. What was read has arrived."""
    values = {
        "delivered_time": func.greatest(conversations.c.delivered_time, delivered, read),
        "read_time": func.greatest(conversations.c.read_time, read),
    }
    await tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(**values))


async def advance(tx: Tx, conversation: Conversation, *, delivered_mids: Sequence[str] = ()) -> list[Message]:
    """Move the Page's messages as far as the watermarks say; tells which of them moved, oldest first."""
    arrived = or_(
        messages.c.send_time <= literal(conversation.delivered_time, Instant),
        messages.c.mid.in_([plain(mid) for mid in delivered_mids]),
    )
    read = func.coalesce(messages.c.send_time <= literal(conversation.read_time, Instant), False)
    state = case((read, State.READ), (messages.c.state == State.SENT, State.DELIVERED), else_=messages.c.state)
    moves = or_(
        and_(messages.c.state == State.SENT, or_(func.coalesce(arrived, False), read)),
        and_(messages.c.state == State.DELIVERED, read),
    )
    wanted = messages.c.conversation_id == conversation.id, messages.c.state.in_([State.SENT, State.DELIVERED]), moves
    rows = await tx.execute(update(messages).where(*wanted).values(state=state).returning(*_MESSAGE))
    return sorted((_message(row) for row in rows), key=lambda message: (message.send_time, message.id))


async def keep(tx: Tx, message_id: UUID, conversation: Conversation, **values: Any) -> Message | None:
    """Keep a message; None when it is known already (by mid, digest or request id)."""
    kept = await keep_all(tx, [(message_id, conversation, values)])
    return kept[0] if kept else None


async def keep_all(tx: Tx, drafts: Sequence[tuple[UUID, Conversation, Mapping[str, Any]]]) -> list[Message]:
    """Keep messages, all with values for the same columns; returns those that were not known, in the order given."""
    rows = [
        {
            **{
                name: plain(value) if name in _FOREIGN and value is not None else value
                for name, value in values.items()
            },
            "id": message_id,
            "store_id": conversation.store_id,
            "connection_id": conversation.connection_id,
            "conversation_id": conversation.id,
            "attachments": _written(values.get("attachments", ())),
        }
        for message_id, conversation, values in drafts
    ]
    kept = insert(messages).on_conflict_do_nothing().returning(*_MESSAGE)
    found = {row.id: _message(row) for row in await tx.execute(kept, rows)}
    return [found[message_id] for message_id, _, _ in drafts if message_id in found]


async def change(tx: Tx, message_id: UUID, **values: Any) -> Message:
    """Change columns of a message and wake who waits for it."""
    row = (
        await tx.execute(update(messages).where(messages.c.id == message_id).values(**values).returning(*_MESSAGE))
    ).one()
    await ring(tx, CHANNEL, str(message_id))
    return _message(row)


async def get(tx: Tx, message_id: UUID) -> Message | None:
    """Read a message by our id."""
    row = (await tx.execute(select(*_MESSAGE).where(messages.c.id == message_id))).one_or_none()
    return None if row is None else _message(row)


async def by_request(tx: Tx, store_id: str, request_id: str) -> Message | None:
    """Read the message that a wish of the store made."""
    same = messages.c.store_id == store_id, messages.c.request_id == request_id
    row = (await tx.execute(select(*_MESSAGE).where(*same))).one_or_none()
    return None if row is None else _message(row)


async def by_mid(tx: Tx, connection_id: UUID, mid: str) -> Message | None:
    """Read the message that Meta knows under a `mid`."""
    same = messages.c.connection_id == connection_id, messages.c.mid == plain(mid)
    row = (await tx.execute(select(*_MESSAGE).where(*same))).one_or_none()
    return None if row is None else _message(row)


async def known_mids(tx: Tx, connection_id: UUID, mids: Sequence[str]) -> frozenset[str]:
    """Tell which of these `mid`s stand for a message already."""
    rows = await tx.execute(
        select(messages.c.mid).where(messages.c.connection_id == connection_id, messages.c.mid.in_(mids))
    )
    return frozenset(row.mid for row in rows)


async def unproven(tx: Tx, conversation_id: UUID) -> list[Message]:
    """List our messages of a conversation whose call to Meta began but whose `mid` is not known, oldest first."""
    wanted = (
        messages.c.conversation_id == conversation_id,
        messages.c.origin == Origin.STORMCOM,
        messages.c.mid.is_(None),
        messages.c.attempt_time.is_not(None),
    )
    rows = await tx.execute(select(*_MESSAGE).where(*wanted).order_by(messages.c.attempt_time, messages.c.id))
    return [_message(row) for row in rows]


async def next_open(tx: Tx, conversation_id: UUID) -> Message | None:
    """Read the oldest message of a conversation that is still to be sent."""
    wanted = messages.c.conversation_id == conversation_id, messages.c.state.in_(OPEN)
    oldest = select(*_MESSAGE).where(*wanted).order_by(messages.c.send_time, messages.c.id).limit(1)
    row = (await tx.execute(oldest)).one_or_none()
    return None if row is None else _message(row)


async def forget(tx: Tx, message_id: UUID) -> None:
    """Delete a message that turned out to be another one."""
    await tx.execute(delete(messages).where(messages.c.id == message_id))


async def name_person(tx: Tx, conversation_id: UUID, name: str) -> None:
    """Note the name that Meta told of a person."""
    await tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(person_name=plain(name)))


async def list_conversations(
    tx: Tx,
    connection_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
    unread_only: bool,
    since: datetime | None,
) -> list[Conversation]:
    """List a connection's conversations, the one with the newest message first."""
    place = tuple_(conversations.c.last_message_time, conversations.c.id)
    wanted = select(*_CONVERSATION).where(
        conversations.c.connection_id == connection_id, conversations.c.last_message_time.is_not(None)
    )
    if after:
        wanted = wanted.where(place < after)
    if unread_only:
        wanted = wanted.where(conversations.c.unread_count > 0)
    if since:
        wanted = wanted.where(conversations.c.last_message_time >= since)
    newest = wanted.order_by(conversations.c.last_message_time.desc(), conversations.c.id.desc())
    return [_conversation(row) for row in await tx.execute(newest.limit(limit))]


async def list_messages(
    tx: Tx, conversation_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None
) -> list[Message]:
    """List a conversation's messages, the newest first."""
    wanted = select(*_MESSAGE).where(messages.c.conversation_id == conversation_id)
    if after:
        wanted = wanted.where(tuple_(messages.c.send_time, messages.c.id) < after)
    newest = wanted.order_by(messages.c.send_time.desc(), messages.c.id.desc())
    return [_message(row) for row in await tx.execute(newest.limit(limit))]


def _written(attachments: Sequence[Attachment]) -> list[dict[str, str]]:
    return [{name: plain(value) for name, value in asdict(one).items()} for one in attachments]


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(**row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping


def _message(row: Row[Any]) -> Message:
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
