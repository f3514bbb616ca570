"""What can be read: conversations and messages, from our own memory."""

from datetime import datetime
from uuid import UUID

from connector.connections import db as connections
from connector.messaging import db
from connector.messaging.model import Conversation, Message
from connector.runtime import Runtime


async def list_conversations(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
    unread_only: bool,
    since: datetime | None,
) -> list[Conversation]:
    """List a connection's conversations, the newest first."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.list_conversations(
            tx, connection.id, limit=limit, after=after, unread_only=unread_only, since=since
        )


async def list_messages(
    runtime: Runtime, store_id: str, conversation_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None
) -> list[Message]:
    """List messages of a conversation, the newest first."""
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        return await db.list_messages(tx, conversation.id, limit=limit, after=after)
