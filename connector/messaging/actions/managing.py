"""What can be done about messages of ours: looked at, taken back while they wait, sent again when Meta refused them."""

from uuid import UUID

from connector.connections import db as connections
from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.messaging import db
from connector.messaging.actions import outcomes
from connector.messaging.actions.wishing import ask_to_send, require_sendable
from connector.messaging.model import Conversation, Message, Origin, Part, Sender, State, Wish
from connector.runtime import Runtime


async def get_message(runtime: Runtime, store_id: str, message_id: UUID) -> Message:
    """Tell how far a message came.

    Raises:
        NotFound: MESSAGE_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        return await db.require_message(tx, store_id, message_id)


async def cancel_message(runtime: Runtime, store_id: str, message_id: UUID) -> Message:
    """Take back a message that waits. Whoever sends holds the same lock: it is either on its way or never goes.

    Raises:
        NotFound: MESSAGE_NOT_FOUND.
        FailedPrecondition: MESSAGE_NOT_CANCELLABLE.

    """
    async with runtime.db.begin() as tx:
        message, _ = await _locked(tx, store_id, message_id)
        if message.reason == _CANCELLED:
            return message
        if message.state is not State.PENDING or message.origin is not Origin.STORMCOM:
            words = "The message is on its way, or has ended: only a waiting one can be taken back"
            raise FailedPrecondition("MESSAGE_NOT_CANCELLABLE", words, state=_shown(message))
        cancelled = await db.change(tx, message.id, state=State.FAILED, reason=_CANCELLED)
        await outcomes.tell_changed(runtime, tx, [cancelled])
        return cancelled


async def retry_message(runtime: Runtime, store_id: str, message_id: UUID) -> Message:
    """Send a message again that the person cannot have: Meta refused it, or was never asked.

    Raises:
        NotFound: MESSAGE_NOT_FOUND.
        FailedPrecondition: MESSAGE_NOT_RETRYABLE, or it may not be sent now.

    """
    async with runtime.db.begin() as tx:
        message, conversation = await _locked(tx, store_id, message_id)
        if message.state is State.PENDING and message.origin is Origin.STORMCOM:
            return message
        if message.state is not State.FAILED or message.attempt_time is not None:
            words = "The message is not FAILED, or the person may have it: look into the Page's inbox first"
            raise FailedPrecondition("MESSAGE_NOT_RETRYABLE", words, state=_shown(message))
        again = Part(message.kind, message.text, message.content)
        wish = Wish(message.request_id or "", (again,), message.sender or Sender.AUTOMATION, bulk=message.bulk)
        connection = await require_sendable(runtime, tx, conversation, wish)
        waiting = await db.change(tx, message.id, state=State.PENDING, reason="", send_time=runtime.now())
        await db.refresh(tx, conversation.id)
        await ask_to_send(runtime, tx, connection, waiting)
        await outcomes.tell_changed(runtime, tx, [waiting])
        return waiting


_CANCELLED = "MESSAGE_CANCELLED"


def _shown(message: Message) -> str:
    return State.PENDING if message.state is State.ATTEMPTED else message.state


async def _locked(tx: Tx, store_id: str, message_id: UUID) -> tuple[Message, Conversation]:
    """Find a message, and keep others from changing it."""
    found = await db.require_message(tx, store_id, message_id)
    conversation = await db.lock(tx, found.conversation_id)
    return await db.require_message(tx, store_id, message_id), conversation


async def read_disclosure(runtime: Runtime, store_id: str, connection_id: str) -> str:
    """Tell what the first message of a program in a conversation begins with."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.disclosure(tx, connection.id)


async def set_disclosure(runtime: Runtime, store_id: str, connection_id: str, words: str) -> None:
    """Change what the first message of a program in a conversation begins with."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        await db.set_disclosure(tx, connection, words)
