"""Lists of conversations and messages, and the search in them: bounded by an index, whatever is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, cast, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY

from connector.db.schema import Tx
from connector.messaging.db.tables import (
    CONVERSATION,
    MESSAGE,
    NAME_WORDS,
    WORDS,
    conversations,
    messages,
    read_conversation,
    read_message,
)
from connector.messaging.model import Channel, Conversation, Message

MOST_WORDS = 10
_SIMPLE: ColumnElement[str] = literal_column("'simple'::regconfig")
Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversations are asked for. `agent_id`: None any, empty those that nobody looks after."""

    unread_only: bool = False
    since: datetime | None = None
    channel: Channel | None = None
    agent_id: str | None = None
    words: tuple[str, ...] = ()


def words_of(query: str) -> tuple[str, ...]:
    """Take a question apart into the words that are looked for."""
    words = (word.replace("\\", "").replace("'", "") for word in query.split())
    return tuple(dict.fromkeys(word for word in words if any(map(str.isalnum, word))))[:MOST_WORDS]


async def list_conversations(
    tx: Tx, connection_id: UUID, wanted: Wanted, *, limit: int, after: Place | None = None
) -> list[Conversation]:
    """List a connection's conversations, the one with the newest message first."""
    newest = listed(connection_id, wanted, after=after).limit(limit)
    return [read_conversation(row) for row in await tx.execute(newest)]


def listed(connection_id: UUID, wanted: Wanted, *, after: Place | None = None) -> Select[Any]:
    """Write the question for them."""
    place = tuple_(conversations.c.last_message_time, conversations.c.id)
    asked = select(*CONVERSATION).where(
        conversations.c.connection_id == connection_id,
        conversations.c.last_message_time.is_not(None),
        *_conditions(wanted),
    )
    if after:
        asked = asked.where(place < after)
    if wanted.words:
        asked = asked.where(conversations.c.id.in_(_saying(connection_id, wanted.words)))
    return asked.order_by(conversations.c.last_message_time.desc(), conversations.c.id.desc())


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    return [
        *([conversations.c.unread_count > literal_column("0")] if wanted.unread_only else []),  # as the index says it
        *([conversations.c.last_message_time >= wanted.since] if wanted.since else []),
        *([conversations.c.channel == wanted.channel] if wanted.channel else []),
        *([conversations.c.agent_id == wanted.agent_id] if wanted.agent_id is not None else []),
    ]


def _saying(connection_id: UUID, words: Sequence[str]) -> Select[tuple[UUID]]:
    """Find the conversations of which a message, or the person's name, has all words.

    The connection's id is one of the words of both indexes, so that other connections' rows are hardly ever looked at; whoever asks
    takes only conversations of the connection. Asked for here as well, PostgreSQL would go through all of its messages.
    """
    own = cast(f"'{connection_id}'", TSQUERY)
    asked = own.op("&&")(func.to_tsquery(_SIMPLE, " & ".join(f"'{word}':*" for word in words)))
    said = select(messages.c.conversation_id).where(literal_column(WORDS).op("@@")(asked))
    named = select(conversations.c.id).where(literal_column(NAME_WORDS).op("@@")(asked))
    return select(said.union(named).subquery().c[0])


async def list_messages(
    tx: Tx, conversation_id: UUID, *, limit: int, place: Place | None = None, newer: bool = False, itself: bool = False
) -> list[Message]:
    """List messages from a place on, towards the older or the newer ones; with `itself` the one at the place is among them."""
    at, own = tuple_(messages.c.send_time, messages.c.id), messages.c.conversation_id == conversation_id
    asked = select(*MESSAGE).where(own)
    if place and newer:
        asked = asked.where(at >= place if itself else at > place)
    elif place:
        asked = asked.where(at <= place if itself else at < place)
    columns = messages.c.send_time, messages.c.id
    order = [column.asc() if newer else column.desc() for column in columns]
    return [read_message(row) for row in await tx.execute(asked.order_by(*order).limit(limit))]
