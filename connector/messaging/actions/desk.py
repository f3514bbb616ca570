"""What people at a desk do with a conversation beside answering: read it, type, give it to somebody."""

from datetime import datetime, timedelta
from uuid import UUID

from connector.budgets.model import Urgency
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityKind
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused, NotFound
from connector.graph.faults import REASONS, Kind
from connector.messaging import db, graph
from connector.messaging.actions.telling import tell_conversation
from connector.messaging.actions.wishing import require_granted
from connector.messaging.model import Asked, Conversation, Gap, Message, Sender, policy
from connector.runtime import Runtime

TYPING_TIME, SEEN_TIME = timedelta(seconds=10), timedelta(hours=1)
"""How long each is worth telling a person."""


async def get_conversation(runtime: Runtime, store_id: str, conversation_id: UUID) -> tuple[Conversation, list[Gap]]:
    """Read a conversation, and where messages are missing in it.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        return conversation, await db.list_gaps(tx, conversation.id)


async def mark_read(runtime: Runtime, store_id: str, conversation_id: UUID, *, message_id: str) -> Conversation:
    """Mark messages as read, up to one of them or all that are known, here and at Meta. A mark never moves back.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.lock(tx, (await db.require(tx, store_id, conversation_id)).id)
        until = await _until(tx, conversation, message_id)
        if until is None or (conversation.seen_time and conversation.seen_time >= until):
            return conversation
        await db.mark_seen(tx, conversation.id, until)
        changed = await db.refresh(tx, conversation.id)
        await tell_conversation(runtime, tx, changed, "CHANGE_READ")
        if conversation.unread_count:
            await _ask(runtime, tx, conversation, "mark_seen", SEEN_TIME)
    return changed


async def _until(tx: Tx, conversation: Conversation, message_id: str) -> datetime | None:
    if not message_id:
        return conversation.last_message_time
    return (await require_message(tx, conversation, message_id)).send_time


async def require_message(tx: Tx, conversation: Conversation, message_id: str) -> Message:
    """Find a message of a conversation.

    Raises:
        NotFound: MESSAGE_NOT_FOUND, alike for malformed, foreign and absent ids.

    """
    try:
        message = await db.get(tx, UUID(message_id))
    except ValueError:
        message = None
    if message is None or message.conversation_id != conversation.id:
        raise NotFound("MESSAGE_NOT_FOUND", "No such message in this conversation", message_id=message_id)
    return message


async def set_typing(runtime: Runtime, store_id: str, conversation_id: UUID, *, typing: bool) -> datetime:
    """Show the person that somebody types, or no longer; tells until when it is tried.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND.
        FailedPrecondition: the connection cannot send, INSTAGRAM_NOT_GRANTED, or MESSAGING_WINDOW_CLOSED.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        connection = await connections.require_live(tx, store_id, conversation.connection_id)
        connection_actions.require_capability(connection, CapabilityKind.MESSAGING)
        require_granted(connection, conversation)
        policy(Asked(Sender.HUMAN, conversation.channel), conversation.person_time, now=runtime.now())
        return await _ask(runtime, tx, conversation, "typing_on" if typing else "typing_off", TYPING_TIME)


async def assign(runtime: Runtime, store_id: str, conversation_id: UUID, *, agent_id: str) -> Conversation:
    """Give a conversation to an agent, or to nobody. Repeating it changes nothing.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.lock(tx, (await db.require(tx, store_id, conversation_id)).id)
        if conversation.agent_id == agent_id:
            return conversation
        changed = await db.alter(tx, conversation.id, agent_id=agent_id)
        await tell_conversation(runtime, tx, changed, "CHANGE_ASSIGNED")
    return changed


async def _ask(runtime: Runtime, tx: Tx, conversation: Conversation, action: str, worth: timedelta) -> datetime:
    """Have an action shown to the person; the newest wish of a kind is the one that counts."""
    now = runtime.now()
    arguments = {
        "conversation_id": str(conversation.id),
        "action": action,
        "expire_time": (now + worth).isoformat(),
    }
    key = f"show:{conversation.id}:{action.partition('_')[0]}"
    connection_id = conversation.connection_id
    await outbox.add(tx, Task.SHOW_ACTION, due=now, connection_id=connection_id, key=key, arguments=arguments)
    return now + worth


async def show_action(runtime: Runtime, task: Taken) -> None:
    """Show an action to the person, unless it is too late for it. That Meta refuses it harms nobody."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        wish = task.arguments
        conversation = await db.find(tx, UUID(wish["conversation_id"]))
        if conversation is None or runtime.now() >= datetime.fromisoformat(wish["expire_time"]):
            await outbox.done(tx, task, at=runtime.now())
            return
        connection = await connections.of_task(tx, task)
        call = graph.show_action(connection.page_id, conversation.psid, wish["action"])
        await connection_actions.require_room(runtime, tx, connection, call.bucket, urgency=Urgency.URGENT)
    try:
        await runtime.graph.send(call, await connection_actions.access(runtime, connection, kind="page"))
    except MetaRefused as refusal:
        if refusal.reason == REASONS[Kind.TOKEN]:
            raise
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await outbox.done(tx, task, at=runtime.now())
