"""What can be read: conversations and messages, from our own memory."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from uuid import UUID

from connector.connections import db as connections
from connector.db import walls
from connector.db.schema import Tx
from connector.messaging import db
from connector.messaging.actions.desk import require_message
from connector.messaging.db import Place, Wanted
from connector.messaging.model import Conversation, Gap, Message
from connector.runtime import Runtime


async def list_conversations(
    runtime: Runtime, store_id: str, connection_id: str, wanted: Wanted, *, limit: int, after: Place | None
) -> list[Conversation]:
    """List a connection's conversations, the newest first."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
    # Behind the wall PostgreSQL uses no index of words: which rows exist could be told by how long it takes. The query names
    # the connection, and the wall has just shown it.
    with walls.beyond() if wanted.words else nullcontext():
        async with runtime.db.begin() as tx:
            return await db.list_conversations(tx, connection.id, wanted, limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Messages of a conversation, the oldest first; where some are missing before one of these; whether there are older or newer ones."""

    messages: Sequence[Message]
    gaps: Sequence[Gap]
    older: bool
    newer: bool


async def list_messages(
    runtime: Runtime, store_id: str, conversation_id: UUID, *, limit: int, place: Place | None, newer: bool
) -> Leaf:
    """List messages of a conversation from a place on, towards the newer or the older ones.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        found = await db.list_messages(tx, conversation.id, limit=limit + 1, place=place, newer=newer)
        shown = found[:limit] if newer else found[:limit][::-1]
        gaps = await _gaps(tx, conversation, shown)
    more, came = len(found) > limit, place is not None
    return Leaf(shown, gaps, older=came if newer else more, newer=more if newer else came)


async def list_around(runtime: Runtime, store_id: str, conversation_id: UUID, message_id: str, *, limit: int) -> Leaf:
    """List the messages around one: half of them newer, the other half it and older.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND.

    """
    behind = limit // 2
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        middle = await require_message(tx, conversation, message_id)
        place = middle.send_time, middle.id
        newer = await db.list_messages(tx, conversation.id, limit=behind + 1, place=place, newer=True)
        older = await db.list_messages(tx, conversation.id, limit=limit - behind + 1, place=place, itself=True)
        shown = [*older[: limit - behind][::-1], *newer[:behind]]
        gaps = await _gaps(tx, conversation, shown)
    return Leaf(shown, gaps, older=len(older) > limit - behind, newer=len(newer) > behind)


async def _gaps(tx: Tx, conversation: Conversation, shown: Sequence[Message]) -> list[Gap]:
    if not shown:
        return []
    return await db.list_gaps(tx, conversation.id, since=shown[0].send_time, until=shown[-1].send_time)
