"""What goes out: a wish is stored, and a task sends what waits in a conversation, one message after the other.

Before each call the message is marked ATTEMPTED in a committed transaction. One that is found so at the beginning of a turn
was cut off during its call: nobody knows whether it went out.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from connector.budgets.model import Urgency
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx, plain
from connector.errors import AlreadyExists, FailedPrecondition, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.graph.call import Call
from connector.messaging import db, graph
from connector.messaging.actions import outcomes
from connector.messaging.model import OPEN, UNAVAILABLE_LIMIT, Conversation, Message, Origin, Sender, State, policy
from connector.runtime import Runtime

_PER_TURN = 20


async def send_message(
    runtime: Runtime, store_id: str, conversation_id: UUID, *, request_id: str, text: str, sender: Sender
) -> Message:
    """Store the wish to send a text, and ask for the task that does it. The same `request_id` returns the same message.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND.
        AlreadyExists: REQUEST_ID_REUSED, for other words or another person.
        FailedPrecondition: the connection cannot send, or MESSAGING_WINDOW_CLOSED.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        conversation = await db.lock(tx, conversation.id)
        known = await db.by_request(tx, store_id, request_id)
        if known is not None:
            return _same_wish(known, conversation, text, sender)
        connection = await connections.require_live(tx, store_id, conversation.connection_id)
        connection_actions.require_capability(connection, CapabilityKind.MESSAGING)
        policy(sender, conversation.person_time, now=runtime.now())
        wish = {"request_id": request_id, "origin": Origin.STORMCOM, "state": State.PENDING, "sender": sender}
        message = await db.keep(tx, runtime.new_id(), conversation, text=text, send_time=runtime.now(), **wish)
        if message is None:  # the same id came at the same moment, for another conversation
            raise _reused(request_id)
        await db.refresh(tx, conversation.id)
        await outcomes.ask(tx, Task.SEND_MESSAGE, message, due=runtime.now(), connection_id=connection.id)
    return message


async def wait_for(runtime: Runtime, message: Message, timeout: timedelta) -> Message:
    """Wait until Meta answered for a message of ours, at most `timeout`; tells it as it then is."""
    end = runtime.now() + timeout
    while True:
        ear = runtime.bell.ear(db.CHANNEL, str(message.id))
        async with runtime.db.begin() as tx:
            message = await db.get(tx, message.id) or message
        left = end - runtime.now()
        if message.state not in OPEN or left <= timedelta():
            return message
        await runtime.bell.wait(ear, min(left, timedelta(seconds=1)))


def _same_wish(known: Message, conversation: Conversation, text: str, sender: Sender) -> Message:
    if (known.conversation_id, known.text, known.sender) != (conversation.id, plain(text), sender):
        raise _reused(known.request_id or "")
    return known


def _reused(request_id: str) -> AlreadyExists:
    message = "This request_id was used for another message: take a new one for a new wish"
    return AlreadyExists("REQUEST_ID_REUSED", message, request_id=request_id)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A message on its way to Meta."""

    message: Message
    connection: Connection
    call: Call[str]


async def send_pending(runtime: Runtime, task: Taken) -> None:
    """Send what waits in one conversation, one after the other, oldest first.

    Before each call the message is marked ATTEMPTED in a committed transaction. One that is found so at the beginning was cut
    off during its call: nobody knows whether it went out.

    Raises:
        Throttled, Unavailable: it did not go out and waits for the next turn.

    """
    conversation_id = UUID(task.arguments["conversation_id"])
    for _ in range(_PER_TURN):
        attempt = await _begin(runtime, task, conversation_id)
        if attempt is None:
            return
        await _call(runtime, task, attempt)
    async with runtime.db.begin() as tx:
        await outbox.again(tx, task, runtime.now())


async def _begin(runtime: Runtime, task: Taken, conversation_id: UUID) -> _Attempt | None:
    """Mark the next message that may go out as attempted; when there is none, finish the task."""
    async with runtime.db.begin() as tx:
        conversation = await db.lock(tx, conversation_id)  # before the task's, as everywhere
        await outbox.hold(tx, task)
        connection = await connections.by_id(tx, conversation.connection_id)
        while message := await db.next_open(tx, conversation_id):
            if message.state is State.ATTEMPTED:
                await outcomes.lose_sight(runtime, tx, message)
                continue
            try:
                attempt = _prepare(runtime, conversation, connection, message)
            except FailedPrecondition as refusal:
                await outcomes.fail(runtime, tx, message, refusal.reason)
                continue
            urgent = {"urgency": Urgency.URGENT}
            await connection_actions.require_room(runtime, tx, attempt.connection, attempt.call.bucket, **urgent)
            await db.change(tx, message.id, state=State.ATTEMPTED, attempt_time=runtime.now())
            return attempt
        await outbox.done(tx, task, at=runtime.now())
        return None


def _prepare(runtime: Runtime, conversation: Conversation, connection: Connection | None, message: Message) -> _Attempt:
    """Write the call that sends a message, if it may be sent now."""
    if connection is None:
        raise connections.not_connected()
    connection = connections.require_connected(connection)
    allowed = policy(message.sender or Sender.AUTOMATION, conversation.person_time, now=runtime.now())
    call = graph.send_text(
        connection.page_id, conversation.psid, message.text, metadata=str(message.id), policy=allowed
    )
    return _Attempt(message, connection, call)


async def _call(runtime: Runtime, task: Taken, attempt: _Attempt) -> None:
    """Call Meta once, and keep what came of it."""
    try:
        access = await connection_actions.access(runtime, attempt.connection, kind="page")
        mid = await runtime.graph.send(attempt.call, access)
    except OutcomeUnknown:
        async with runtime.db.begin() as tx:
            await _settle_attempt(runtime, tx, task, attempt.message, None)
    except (Throttled, Unavailable) as refusal:
        waited = runtime.now() - attempt.message.send_time
        too_long = isinstance(refusal, Unavailable) and waited >= UNAVAILABLE_LIMIT
        async with runtime.db.begin() as tx:
            await _settle_attempt(runtime, tx, task, attempt.message, refusal.reason if too_long else "")
        if not too_long:
            raise
    except FailedPrecondition as refusal:
        async with runtime.db.begin() as tx:
            await _settle_attempt(runtime, tx, task, attempt.message, refusal.reason)
        if isinstance(refusal, MetaRefused):
            await connection_actions.note_refusal(runtime, attempt.connection, refusal, task=task.name)
    else:
        async with runtime.db.begin() as tx:  # without the fence: it is true whoever says it
            await outcomes.prove(runtime, tx, attempt.message, mid, runtime.now())


async def _settle_attempt(runtime: Runtime, tx: Tx, task: Taken, message: Message, reason: str | None) -> None:
    """Note a call that did not succeed: refused for a `reason`, to be repeated (empty), or with unknown outcome (None)."""
    await db.lock(tx, message.conversation_id)
    await outbox.hold(tx, task)
    current = await db.get(tx, message.id)
    if current is None or current.state is not State.ATTEMPTED:
        return  # Meta's echo was faster
    if reason is None:
        await outcomes.lose_sight(runtime, tx, current)
    elif reason:
        await outcomes.fail(runtime, tx, current, reason)
    else:
        await db.change(tx, current.id, state=State.PENDING, attempt_time=None)
