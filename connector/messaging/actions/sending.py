"""What goes out: a task sends what waits in a conversation, one message after the other.

Before each call the message is marked ATTEMPTED in a committed transaction. One that is found so at the beginning of a turn
was cut off during its call: nobody knows whether it went out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connector.budgets.model import Urgency
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.graph.client import Access
from connector.messaging import db, graph
from connector.messaging.actions import outcomes
from connector.messaging.actions.wishing import not_showable, require_allowed, require_granted
from connector.messaging.graph import Outgoing
from connector.messaging.model import (
    OPEN,
    UNAVAILABLE_LIMIT,
    Channel,
    Conversation,
    Kind,
    Message,
    Policy,
    Sender,
    State,
    medium,
)
from connector.runtime import Runtime

_PER_TURN = 20


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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A message on its way to Meta."""

    message: Message
    connection: Connection
    conversation: Conversation
    policy: Policy


async def send_pending(runtime: Runtime, task: Taken) -> None:
    """Send what waits in one conversation, one after the other, oldest first.

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
    """Mark the next message that may go out as attempted; when there is none, finish the task, or come back in time."""
    async with runtime.db.begin() as tx:
        conversation = await db.lock(tx, conversation_id)  # before the task's, as everywhere
        await outbox.hold(tx, task)
        connection = await connections.by_id(tx, conversation.connection_id)
        while message := await db.next_open(tx, conversation_id):
            if message.state is State.ATTEMPTED:
                await outcomes.lose_sight(runtime, tx, message)
                continue
            try:
                attempt = await _prepare(runtime, tx, conversation, connection, message)
            except FailedPrecondition as refusal:
                await outcomes.fail(runtime, tx, message, refusal.reason)
                continue
            if due := await _room(runtime, tx, attempt):
                await outbox.again(tx, task, due)
                return None
            await db.change(tx, message.id, state=State.ATTEMPTED, attempt_time=runtime.now())
            return attempt
        await outbox.done(tx, task, at=runtime.now())
        return None


async def _prepare(
    runtime: Runtime, tx: Tx, conversation: Conversation, connection: Connection | None, message: Message
) -> _Attempt:
    """Look whether a message may be sent now, and by which rule."""
    if connection is None:
        raise connections.not_connected()
    connection = connections.require_connected(connection)
    require_granted(connection, conversation)
    sender = message.sender or Sender.AUTOMATION
    allowed = await require_allowed(runtime, tx, conversation, sender, message.kind)
    return _Attempt(message, connection, conversation, allowed)


async def _room(runtime: Runtime, tx: Tx, attempt: _Attempt) -> datetime | None:
    """Look whether there is room in Meta's allowance and the Page's pace; tells when there will be, None for now.

    Raises:
        Throttled: Meta's allowance is used up, or Meta wants a pause.

    """
    message, connection = attempt.message, attempt.connection
    urgency = Urgency.PATIENT if message.bulk else Urgency.URGENT
    await connection_actions.require_room(runtime, tx, connection, graph.bucket(connection.page_id), urgency=urgency)
    way, paces = medium(message.kind, message.content), runtime.paces
    per_second = paces.media if way == "MEDIA" else paces.text
    return await db.take_turn(tx, connection, way, per_second=per_second, bulk=message.bulk, at=runtime.now())


async def _call(runtime: Runtime, task: Taken, attempt: _Attempt) -> None:
    """Call Meta once, and keep what came of it."""
    try:
        items = await _items(runtime, attempt)
        outgoing = Outgoing(attempt.message, attempt.policy, items)
        call = graph.send(attempt.connection.page_id, attempt.conversation.psid, outgoing)
        access = await connection_actions.access(runtime, attempt.connection, kind="page")
        mid = await runtime.graph.send(call, access)
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
        await _refused(runtime, task, attempt, refusal)
    else:
        async with runtime.db.begin() as tx:  # without the fence: it is true whoever says it
            await outcomes.prove(runtime, tx, attempt.message, mid, runtime.now())


async def _items(runtime: Runtime, attempt: _Attempt) -> dict[str, str]:
    """Ask Meta for its ids of the products that a message shows: of those that buyers see now.

    Raises:
        FailedPrecondition: PRODUCT_NOT_SHOWABLE.

    """
    if attempt.message.kind is not Kind.PRODUCTS:
        return {}
    names = list(attempt.message.content["retailer_ids"])
    access: Access = await connection_actions.access(runtime, attempt.connection, kind="user")
    shown = await runtime.graph.send(graph.shown_items(attempt.connection.catalog_id, names), access)
    items = dict(shown.entries)
    if missing := [name for name in names if name not in items]:
        raise not_showable(missing)
    return items


async def _refused(runtime: Runtime, task: Taken, attempt: _Attempt, refusal: FailedPrecondition) -> None:
    """Note that Meta refused a message; what that says about more than this message is noted too."""
    reason = refusal.reason
    no_feature = attempt.policy.tag == "HUMAN_AGENT" and reason == "MESSAGING_WINDOW_CLOSED"
    async with runtime.db.begin() as tx:
        # Unverified: that a missing feature is refused like a closed window; by our reckoning this one is open.
        if no_feature:
            await db.note_human_agent_refusal(tx, attempt.connection, at=runtime.now())
        told = "HUMAN_AGENT_NOT_APPROVED" if no_feature else reason
        await _settle_attempt(runtime, tx, task, attempt.message, told)
    if isinstance(refusal, MetaRefused):  # Messenger does not depend on what Instagram refuses
        messenger = attempt.conversation.channel is Channel.MESSENGER
        concerned = task.name if messenger else None
        await connection_actions.note_refusal(runtime, attempt.connection, refusal, task=concerned)


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
