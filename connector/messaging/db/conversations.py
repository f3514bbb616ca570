"""The rows of conversations: met, locked, refreshed from their messages, changed."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    func,
    or_,
    select,
    text,
    update,
)

from connector.connections.model import Connection
from connector.db.schema import Tx, plain
from connector.db.sets import insertion, sent
from connector.errors import NotFound
from connector.messaging.db.tables import CONVERSATION, conversations, read_conversation
from connector.messaging.model import (
    OUT,
    SNIPPET,
    Channel,
    Conversation,
)

# What a conversation shows, computed from its messages: the same in whatever order they became known.
_REFRESH = text(f"""
    UPDATE conversations AS c SET
        (person_time, direct_time, standby_time) = (
            SELECT max(send_time) FILTER (WHERE opens_window), max(send_time) FILTER (WHERE NOT standby),
                max(send_time) FILTER (WHERE standby)
            FROM messages WHERE conversation_id = c.id AND origin = 'PERSON'),
        last_message_time = newest.send_time,
        snippet = left(newest.text, :snippet),
        unread_count = (
            SELECT count(*) FROM messages WHERE conversation_id = c.id AND origin = 'PERSON' AND send_time > greatest(
                (SELECT max(send_time) FROM messages WHERE conversation_id = c.id AND state = ANY(:answered)),
                c.seen_time, '-infinity'))
    FROM unnest(:ids) AS wanted(id), LATERAL (
        SELECT send_time, text FROM messages WHERE conversation_id = wanted.id
        ORDER BY send_time DESC, coalesce(mid, digest, id::text) DESC LIMIT 1
    ) AS newest
    WHERE c.id = wanted.id RETURNING {", ".join(f"c.{field.name}" for field in fields(Conversation))}
""")  # noqa: S608 – only column names of ours are written in


def missing(conversation_id: str) -> NotFound:
    """Say that a store has no such conversation, alike for malformed, foreign and absent ids."""
    return NotFound("CONVERSATION_NOT_FOUND", "No such conversation in this store", conversation_id=conversation_id)


async def meet(
    tx: Tx, people: Sequence[tuple[UUID, Connection, str]], *, channel: Channel = Channel.MESSENGER
) -> dict[tuple[UUID, str], Conversation]:
    """Find the conversations with people (each named once) in a channel, begun under the given ids if there are none; lock them."""
    wish = insertion(conversations, ("id", "store_id", "connection_id", "channel", "psid"))
    met = wish.on_conflict_do_update(
        index_elements=[conversations.c.connection_id, conversations.c.channel, conversations.c.psid],
        set_={"psid": wish.excluded.psid},
    ).returning(*CONVERSATION)
    values = [
        {
            "id": new_id,
            "store_id": connection.store_id,
            "connection_id": connection.id,
            "channel": channel,
            "psid": psid,
        }
        for new_id, connection, psid in people
    ]
    found = [read_conversation(row) for row in await tx.execute(met, sent(values))]
    return {(one.connection_id, one.psid): one for one in found}


async def require(tx: Tx, store_id: str, conversation_id: UUID, *, lock: bool = False) -> Conversation:
    """Find a store's conversation; `lock` keeps others from changing its messages, and from deleting it.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND, also for another store's.

    """
    same = conversations.c.store_id == store_id, conversations.c.id == conversation_id
    wanted = select(*CONVERSATION).where(*same)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    if row is None:
        raise missing(str(conversation_id))
    return read_conversation(row)


async def find(tx: Tx, conversation_id: UUID) -> Conversation | None:
    """Read a conversation by our own id, for background work."""
    row = (await tx.execute(select(*CONVERSATION).where(conversations.c.id == conversation_id))).one_or_none()
    return None if row is None else read_conversation(row)


async def find_all(tx: Tx, conversation_ids: Sequence[UUID]) -> dict[UUID, Conversation]:
    """Read some conversations; those that are gone are left out."""
    wanted = select(*CONVERSATION).where(conversations.c.id.in_(conversation_ids))
    return {row.id: read_conversation(row) for row in await tx.execute(wanted)} if conversation_ids else {}


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


async def alter(tx: Tx, conversation_id: UUID, **values: Any) -> Conversation:
    """Change columns of a conversation that exists, beside what follows from its messages."""
    changed = await alter_if_there(tx, conversation_id, **values)
    assert changed is not None  # noqa: S101 – its row is locked
    return changed


async def alter_if_there(tx: Tx, conversation_id: UUID, **values: Any) -> Conversation | None:
    """Change columns of a conversation; None when it is gone."""
    stored = {name: plain(value) if isinstance(value, str) else value for name, value in values.items()}
    changed = update(conversations).where(conversations.c.id == conversation_id).values(**stored)
    row = (await tx.execute(changed.returning(*CONVERSATION))).one_or_none()
    return None if row is None else read_conversation(row)


async def unknown_people(
    tx: Tx, connection_id: UUID, *, since: datetime, at: datetime, limit: int
) -> list[Conversation]:
    """List conversations of people who wrote lately and whom it is time to look up, the newest first."""
    due = or_(conversations.c.profile_due_time.is_(None), conversations.c.profile_due_time <= at)
    wanted = select(*CONVERSATION).where(
        conversations.c.connection_id == connection_id, conversations.c.last_message_time >= since, due
    )
    newest = wanted.order_by(conversations.c.last_message_time.desc()).limit(limit)
    return [read_conversation(row) for row in await tx.execute(newest)]


async def mark_seen(tx: Tx, conversation_id: UUID, until: datetime) -> None:
    """Note up to when the Page has read; a mark never moves back. What is unread has to be counted anew then."""
    seen = func.greatest(conversations.c.seen_time, until)
    await tx.execute(update(conversations).where(conversations.c.id == conversation_id).values(seen_time=seen))
