"""How messages move on, and how StormCom learns of it: always in the transaction of what made them move."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.messaging import db
from connector.messaging.db import changes
from connector.messaging.model import SETTLE_LIMIT, SETTLE_STEPS, UNPROVEN, Conversation, Message, Origin, State
from connector.runtime import Runtime

_WATCHED = timedelta(days=7)
_UNSETTLED_TITLE = "It is not known whether messages went out"
_UNSETTLED_BODY = (
    "Facebook's answers to them were lost, and a day of looking did not find them. Look into the Page's inbox; they are never"
    " sent again by themselves."
)
_MAIL_GATHER = timedelta(seconds=10)
"""How long a message waits for others before it is forwarded: people write in short lines."""


async def ask(tx: Tx, name: Task, message: Message, *, due: datetime, connection_id: UUID) -> None:
    """Ask for a task: one per conversation that sends, one per message that settles."""
    subject = message.conversation_id if name is Task.SEND_MESSAGE else message.id
    await outbox.add(
        tx,
        name,
        due=due,
        connection_id=connection_id,
        key=f"{name}:{subject}",
        arguments={"conversation_id": str(message.conversation_id), "message_id": str(message.id)},
    )


async def prove(runtime: Runtime, tx: Tx, message: Message, mid: str, send_time: datetime) -> None:
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
    sent = (await changes.apply(tx, [(sent.connection_id, mid)])).get(sent.id, sent)  # a reaction may be quicker
    conversation = await db.refresh(tx, message.conversation_id)
    await tell_changed(runtime, tx, [sent])
    await advance(runtime, tx, conversation)
    if current.attempt_time and current.attempt_time <= runtime.now() - SETTLE_LIMIT:
        await watch_unsettled(runtime, tx, sent.store_id, sent.connection_id)


async def advance(runtime: Runtime, tx: Tx, conversation: Conversation, *, mids: tuple[str, ...] = ()) -> None:
    """Move the Page's messages as far as the conversation's watermarks say."""
    moved = await db.advance(tx, conversation, delivered_mids=mids)
    await tell_changed(runtime, tx, [message for message in moved if message.origin is Origin.STORMCOM])


async def lose_sight(runtime: Runtime, tx: Tx, message: Message) -> None:
    """Note that nobody knows whether a message went out, and ask for the task that finds out."""
    changed = await db.change(tx, message.id, state=State.UNKNOWN)
    due = runtime.now() + SETTLE_STEPS[0]
    await ask(tx, Task.SETTLE_MESSAGE, changed, due=due, connection_id=message.connection_id)
    await tell_changed(runtime, tx, [changed])


async def watch_unsettled(runtime: Runtime, tx: Tx, store_id: str, connection_id: UUID) -> None:
    """Alert the merchant while nobody knows of messages of the last week whether they went out."""
    now = runtime.now()
    count = await db.count_unsettled(tx, connection_id, begin=now - _WATCHED, end=now - SETTLE_LIMIT)
    if count:
        alert = Alert("MESSAGES_UNSETTLED", _UNSETTLED_TITLE, _UNSETTLED_BODY, item_count=count)
        await alerts.open_alert(tx, store_id, connection_id, alert, at=now)
    else:
        await alerts.close_alert(tx, store_id, connection_id, "MESSAGES_UNSETTLED", at=now)


async def fail(
    runtime: Runtime, tx: Tx, message: Message, reason: str, *, attempt_time: datetime | None = None
) -> None:
    """Note that a message did not go out and will not, nor what was to follow it.

    An `attempt_time` stays where the person might have it after all: such a message is not sent again.
    """
    ended = {"state": State.FAILED, "attempt_time": attempt_time}
    changed = [await db.change(tx, message.id, reason=reason, **ended)]
    changed += [
        await db.change(tx, later.id, reason="MESSAGE_PART_FAILED", **ended)
        for later in await db.later_parts(tx, message)
    ]
    await tell_changed(runtime, tx, changed)


async def tell_received(runtime: Runtime, tx: Tx, received: Sequence[Message]) -> None:
    """Tell StormCom of messages that somebody else wrote, in this order, each with its conversation as it now is."""
    if not received:
        return
    shown = await db.refresh_all(tx, list({message.conversation_id for message in received}))
    drafts = [
        _draft(
            one,
            "message_received",
            {"conversation": shown[one.conversation_id].document(), "message": one.document()},
        )
        for one in received
    ]
    await events.append(tx, *drafts, at=runtime.now())


async def have_mailed(tx: Tx, kept: Sequence[Message], connection_ids: Collection[UUID], *, at: datetime) -> None:
    """Ask for what people wrote to be forwarded by e-mail, where that is wanted: once per conversation, when it has gathered."""
    due = at + _MAIL_GATHER
    for conversation_id, one in {one.conversation_id: one for one in kept}.items():
        if one.connection_id in connection_ids:
            key, about = f"{Task.MAIL_MESSAGES}:{conversation_id}", {"conversation_id": str(conversation_id)}
            mail = Task.MAIL_MESSAGES
            await outbox.add(tx, mail, due=due, connection_id=one.connection_id, key=key, arguments=about)


async def tell_changed(runtime: Runtime, tx: Tx, changed: Iterable[Message]) -> None:
    """Tell StormCom how its messages moved on."""
    drafts = [_draft(one, "message_state_changed", {"message": one.document()}) for one in changed]
    await events.append(tx, *drafts, at=runtime.now())


def _draft(message: Message, kind: str, body: Mapping[str, Any]) -> Draft:
    return Draft(message.store_id, message.connection_id, f"conversation:{message.conversation_id}", kind, body)
