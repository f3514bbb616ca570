"""Tells StormCom what changed about a conversation beside its messages, in the transaction that changed it."""

from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.messaging.model import Conversation
from connector.runtime import Runtime


async def tell_conversation(runtime: Runtime, tx: Tx, conversation: Conversation, change: str) -> None:
    """Tell what changed, by its name in the contract, and the conversation as it is now."""
    body = {"conversation": conversation.document(), "change": change}
    key = f"conversation:{conversation.id}"
    draft = Draft(conversation.store_id, conversation.connection_id, key, "conversation_changed", body)
    await events.append(tx, draft, at=runtime.now())
