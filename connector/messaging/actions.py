"""What the connector does about messages.

What comes in is kept by Meta's own ids: repeated, late and reversed signals end in the same state. What goes out is stored
first, marked before the call to Meta begins, and never sent again while anybody might have received it: after a lost answer
the message is UNKNOWN until Meta's echo or a read-back of the conversation tells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox, throttles
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx, plain
from connector.errors import AlreadyExists, FailedPrecondition, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.events import db as events
from connector.events.model import Draft
from connector.graph.call import Call
from connector.graph.client import Access
from connector.messaging import db, graph
from connector.messaging.model import (
    OPEN,
    SETTLE_STEPS,
    UNAVAILABLE_LIMIT,
    UNPROVEN,
    Conversation,
    Delivered,
    Echo,
    Message,
    Origin,
    PersonMessage,
    Posted,
    Read,
    Sender,
    State,
    find_posted,
    next_look,
    policy,
    proves_absence,
    same_words,
)
from connector.runtime import Runtime

_PER_TURN = 20


# --- what comes in ----------------------------------------------------------------------------------------------------


async def receive_message(runtime: Runtime, tx: Tx, connection: Connection, signal: PersonMessage) -> None:
    """Keep what a person wrote or did and tell StormCom. Repeating it changes nothing: `mid` or `digest` is the key."""
    conversation = await _meet(runtime, tx, connection, signal.psid)
    message = await db.keep(
        tx,
        runtime.new_id(),
        conversation,
        origin=Origin.PERSON,
        state=State.RECEIVED,
        mid=signal.mid or None,
        digest=signal.digest or None,
        text=signal.text,
        attachments=signal.attachments,
        send_time=signal.send_time,
        unsupported_kind=signal.unsupported_kind,
        opens_window=signal.opens_window,
    )
    if message is not None:
        await _tell_received(runtime, tx, message)


async def receive_echo(runtime: Runtime, tx: Tx, connection: Connection, signal: Echo) -> None:
    """Recognise a message of ours by `mid`, `metadata` or its words, or keep one that the Page sent elsewhere.

    Repeating it changes nothing; it may come before Meta's answer to the call that sent the message.
    """
    conversation = await _meet(runtime, tx, connection, signal.psid)
    known = await db.by_mid(tx, connection.id, signal.mid)
    if known is None:
        ours = await _ours(runtime, tx, connection, conversation, signal)
        if ours is not None:
            await _prove(runtime, tx, ours, signal.mid, signal.send_time)
            return
        await _keep_elsewhere(runtime, tx, conversation, signal)
    elif known.send_time != signal.send_time and known.origin is Origin.STORMCOM:
        await db.change(tx, known.id, send_time=signal.send_time)
        await _advance(runtime, tx, await db.refresh(tx, conversation.id))


async def receive_delivery(runtime: Runtime, tx: Tx, connection: Connection, signal: Delivered) -> None:
    """Note that messages of the Page arrived."""
    conversation = await _meet(runtime, tx, connection, signal.psid)
    await db.raise_watermarks(tx, conversation.id, delivered=signal.watermark)
    await _advance(runtime, tx, await db.lock(tx, conversation.id), mids=signal.mids)


async def receive_read(runtime: Runtime, tx: Tx, connection: Connection, signal: Read) -> None:
    """Note that the person read what the Page sent."""
    conversation = await _meet(runtime, tx, connection, signal.psid)
    await db.raise_watermarks(tx, conversation.id, read=signal.watermark)
    await _advance(runtime, tx, await db.lock(tx, conversation.id))


async def _meet(runtime: Runtime, tx: Tx, connection: Connection, psid: str) -> Conversation:
    return await db.meet(tx, runtime.new_id(), store_id=connection.store_id, connection_id=connection.id, psid=psid)


async def _ours(
    runtime: Runtime, tx: Tx, connection: Connection, conversation: Conversation, signal: Echo
) -> Message | None:
    """Find the message of ours that an echo is of: by the id we put along; without one, by our app and the same words."""
    app = runtime.apps.get(connection.environment)
    if signal.metadata:
        message_id = _uuid(signal.metadata)
        named = await db.get(tx, message_id) if message_id else None
        return named if named and named.conversation_id == conversation.id and named.mid is None else None
    if app is None or signal.app_id != app.app_id:
        return None
    waiting = await db.unproven(tx, conversation.id)
    return next((one for one in waiting if same_words(one.text, signal.text)), None)


async def _keep_elsewhere(runtime: Runtime, tx: Tx, conversation: Conversation, signal: Echo) -> None:
    message = await db.keep(
        tx,
        runtime.new_id(),
        conversation,
        origin=Origin.ELSEWHERE,
        state=State.SENT,
        mid=signal.mid,
        text=signal.text,
        attachments=signal.attachments,
        send_time=signal.send_time,
        unsupported_kind="" if signal.text or signal.attachments else "message",
    )
    if message is not None:
        await _tell_received(runtime, tx, message)
        await _advance(runtime, tx, conversation)


# --- what goes out ----------------------------------------------------------------------------------------------------


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
        policy(sender, conversation.person_time, now=runtime.now())
        wish = {"request_id": request_id, "origin": Origin.STORMCOM, "state": State.PENDING, "sender": sender}
        message = await db.keep(tx, runtime.new_id(), conversation, text=text, send_time=runtime.now(), **wish)
        if message is None:  # the same id came at the same moment, for another conversation
            raise _reused(request_id)
        await db.refresh(tx, conversation.id)
        await _ask(tx, Task.SEND_MESSAGE, message, due=runtime.now(), connection_id=connection.id)
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


async def _ask(tx: Tx, name: Task, message: Message, *, due: datetime, connection_id: UUID) -> None:
    subject = message.conversation_id if name is Task.SEND_MESSAGE else message.id
    await outbox.add(
        tx,
        name,
        due=due,
        connection_id=connection_id,
        key=f"{name}:{subject}",
        arguments={"conversation_id": str(message.conversation_id), "message_id": str(message.id)},
    )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A message on its way to Meta."""

    message: Message
    connection: Connection
    call: Call[str]
    access: Access


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
        await outbox.hold(tx, task)
        conversation = await db.lock(tx, conversation_id)
        connection = await connections.by_id(tx, conversation.connection_id)
        while message := await db.next_open(tx, conversation_id):
            if message.state is State.ATTEMPTED:
                await _lose_sight(runtime, tx, message)
                continue
            try:
                attempt = _prepare(runtime, conversation, connection, message)
            except FailedPrecondition as refusal:
                await _fail(runtime, tx, message, refusal.reason)
                continue
            await throttles.require_open(tx, [attempt.call.bucket], at=runtime.now())
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
    access = connection_actions.access(runtime, connection, kind="page")
    call = graph.send_text(
        connection.page_id, conversation.psid, message.text, metadata=str(message.id), policy=allowed
    )
    return _Attempt(message, connection, call, access)


async def _call(runtime: Runtime, task: Taken, attempt: _Attempt) -> None:
    """Call Meta once, and keep what came of it."""
    try:
        mid = await runtime.graph.send(attempt.call, attempt.access)
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
            await connection_actions.note_refusal(runtime, attempt.connection, refusal)
    else:
        async with runtime.db.begin() as tx:  # without the fence: it is true whoever says it
            await _prove(runtime, tx, attempt.message, mid, runtime.now())


async def _settle_attempt(runtime: Runtime, tx: Tx, task: Taken, message: Message, reason: str | None) -> None:
    """Note a call that did not succeed: refused for a `reason`, to be repeated (empty), or with unknown outcome (None)."""
    await outbox.hold(tx, task)
    await db.lock(tx, message.conversation_id)
    current = await db.get(tx, message.id)
    if current is None or current.state is not State.ATTEMPTED:
        return  # Meta's echo was faster
    if reason is None:
        await _lose_sight(runtime, tx, current)
    elif reason:
        await _fail(runtime, tx, current, reason)
    else:
        await db.change(tx, current.id, state=State.PENDING, attempt_time=None)


async def settle(runtime: Runtime, task: Taken) -> None:
    """Find out what became of a message whose call was cut off, by reading the conversation back.

    Found: SENT. Provably absent: FAILED. Neither after 24 hours: it stays UNKNOWN, and only Meta's echo can still settle it.
    """
    message_id = UUID(task.arguments["message_id"])
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        message = await db.get(tx, message_id)
        if message is None or message.state is not State.UNKNOWN:
            await outbox.done(tx, task, at=runtime.now())
            return
        conversation = await db.require(tx, message.store_id, message.conversation_id)
        connection = await connections.require_live(tx, message.store_id, message.connection_id)
        call = graph.read_back(connection.page_id, conversation.psid)
        await throttles.require_open(tx, [call.bucket], at=runtime.now())
        access = connection_actions.access(runtime, connection, kind="page")
    posted, complete = await runtime.graph.send(call, access)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await db.lock(tx, conversation.id)
        due = await _judge(runtime, tx, message_id, connection.page_id, posted, complete=complete)
        await (outbox.again(tx, task, due) if due else outbox.done(tx, task, at=runtime.now()))


async def _judge(
    runtime: Runtime, tx: Tx, message_id: UUID, page_id: str, posted: tuple[Posted, ...], *, complete: bool
) -> datetime | None:
    """Settle an UNKNOWN message by what Meta shows; tells when to look again, None for never."""
    message = await db.get(tx, message_id)
    if message is None or message.state is not State.UNKNOWN:
        return None
    known = await db.known_mids(tx, message.connection_id, [one.mid for one in posted])
    found = find_posted(message, posted, page_id=page_id, known=known)
    if found is not None:
        await _prove(runtime, tx, message, found.mid, found.create_time)
        return None
    if proves_absence(message, posted, complete=complete, now=runtime.now()):
        await _fail(runtime, tx, message, "META_UNAVAILABLE")
        return None
    due = next_look(message, now=runtime.now())
    if due is None:
        await _tell_changed(runtime, tx, [message])
    return due


# --- what both share --------------------------------------------------------------------------------------------------


async def _prove(runtime: Runtime, tx: Tx, message: Message, mid: str, send_time: datetime) -> None:
    """Note that a message of ours went out under a `mid`, however that became known. Once is enough."""
    await db.lock(tx, message.conversation_id)
    current = await db.get(tx, message.id)
    if current is None or current.state not in UNPROVEN:
        return
    double = await db.by_mid(tx, message.connection_id, mid)
    if double is not None:  # its echo could not be told from a message sent elsewhere
        await db.forget(tx, double.id)
        send_time = double.send_time
    sent = await db.change(tx, message.id, state=State.SENT, mid=mid, send_time=send_time, reason="")
    conversation = await db.refresh(tx, message.conversation_id)
    await _tell_changed(runtime, tx, [sent])
    await _advance(runtime, tx, conversation)


async def _advance(runtime: Runtime, tx: Tx, conversation: Conversation, *, mids: tuple[str, ...] = ()) -> None:
    moved = await db.advance(tx, conversation, delivered_mids=mids)
    await _tell_changed(runtime, tx, [message for message in moved if message.origin is Origin.STORMCOM])


async def _lose_sight(runtime: Runtime, tx: Tx, message: Message) -> None:
    """Note that nobody knows whether a message went out, and ask for the task that finds out."""
    changed = await db.change(tx, message.id, state=State.UNKNOWN)
    due = runtime.now() + SETTLE_STEPS[0]
    await _ask(tx, Task.SETTLE_MESSAGE, changed, due=due, connection_id=message.connection_id)
    await _tell_changed(runtime, tx, [changed])


async def _fail(runtime: Runtime, tx: Tx, message: Message, reason: str) -> None:
    changed = await db.change(tx, message.id, state=State.FAILED, reason=reason)
    await _tell_changed(runtime, tx, [changed])


async def _tell_received(runtime: Runtime, tx: Tx, message: Message) -> None:
    conversation = await db.refresh(tx, message.conversation_id)
    body = {"conversation": conversation.document(), "message": message.document()}
    await events.append(tx, _draft(message, "message_received", body), at=runtime.now())


async def _tell_changed(runtime: Runtime, tx: Tx, changed: Iterable[Message]) -> None:
    drafts = [_draft(one, "message_state_changed", {"message": one.document()}) for one in changed]
    await events.append(tx, *drafts, at=runtime.now())


def _draft(message: Message, kind: str, body: Mapping[str, Any]) -> Draft:
    return Draft(message.store_id, message.connection_id, f"conversation:{message.conversation_id}", kind, body)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# --- what can be read -------------------------------------------------------------------------------------------------


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
