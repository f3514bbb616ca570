"""The rows of conversations: met, locked, refreshed from their messages, listed."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.connections.model import Connection
from connector.db.schema import Tx, plain
from connector.errors import NotFound
from connector.messaging.db.tables import CONVERSATION, conversations, read_conversation
from connector.messaging.model import (
    OUT,
    SNIPPET,
    Conversation,
)

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
        index_elements=[conversations.c.connection_id, conversations.c.channel, conversations.c.psid],
        set_={"psid": wish.excluded.psid},
    ).returning(*CONVERSATION)
    values = [
        {"id": new_id, "store_id": connection.store_id, "connection_id": connection.id, "psid": psid}
        for new_id, connection, psid in people
    ]
    found = [read_conversation(row) for row in await tx.execute(met, values)]
    return {(one.connection_id, one.psid): one for one in found}


async def require(tx: Tx, store_id: str, conversation_id: UUID) -> Conversation:
    """Find a store's conversation.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND, also for another store's.

    """
    same = conversations.c.store_id == store_id, conversations.c.id == conversation_id
    row = (await tx.execute(select(*CONVERSATION).where(*same))).one_or_none()
    if row is None:
        raise missing(str(conversation_id))
    return read_conversation(row)


async def lock(tx: Tx, conversation_id: UUID) -> Conversation:
    """Read a conversation that exists, and keep others from changing its messages."""
    wanted = select(*CONVERSATION).where(conversations.c.id == conversation_id)
    return read_conversation((await tx.execute(wanted.with_for_update())).one())


async def refresh(tx: Tx, conversation_id: UUID) -> Conversation:
    """Compute what a conversation with at least one message shows."""
    return (await refresh_all(tx, [conversation_id]))[conversation_id]


async def refresh_all(tx: Tx, conversation_ids: Sequence[UUID]) -> dict[UUID, Conversation]:
    """Compute what conversations with at least one message each show."""
    values = {"ids": list(conversation_ids), "snippet": SNIPPET, "answered": list(OUT)}
    return {row.id: read_conversation(row) for row in await tx.execute(_REFRESH, values)}


async def raise_watermarks(
    tx: Tx, conversation_id: UUID, *, delivered: datetime | None = None, read: datetime | None = None
) -> None:
    """Note up to when messages arrived or were read; an older word changes nothing. What was read has arrived."""
    values = {
        "delivered_time": func.greatest(conversations.c.delivered_time, delivered, read),
        "read_time": func.greatest(conversations.c.read_time, read),
    }
    await tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(**values))


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
    wanted = select(*CONVERSATION).where(
        conversations.c.connection_id == connection_id, conversations.c.last_message_time.is_not(None)
    )
    if after:
        wanted = wanted.where(place < after)
    if unread_only:
        wanted = wanted.where(conversations.c.unread_count > 0)
    if since:
        wanted = wanted.where(conversations.c.last_message_time >= since)
    newest = wanted.order_by(conversations.c.last_message_time.desc(), conversations.c.id.desc())
    return [read_conversation(row) for row in await tx.execute(newest.limit(limit))]
