"""What comes in: a person wrote, the Page wrote, messages arrived or were read. Each in the caller's transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from connector.connections.model import Connection
from connector.db.schema import Tx, plain
from connector.messaging import db
from connector.messaging.actions import outcomes
from connector.messaging.model import (
    Conversation,
    Delivered,
    Echo,
    Message,
    Origin,
    PersonMessage,
    Read,
    State,
    same_words,
)
from connector.runtime import Runtime

Arrived = Sequence[tuple[Connection, PersonMessage]]


async def receive_messages(runtime: Runtime, tx: Tx, arrived: Arrived) -> None:
    """Keep what people wrote or did and tell StormCom, in this order. Repeating it changes nothing: `mid` or `digest` is the key.

    Many at once cost little more than one.
    """
    people = {(connection.id, plain(signal.psid)): connection for connection, signal in arrived}
    met = await db.meet(tx, [(runtime.new_id(), connection, psid) for (_, psid), connection in people.items()])
    drafts = [
        (runtime.new_id(), met[connection.id, plain(signal.psid)], _values(signal)) for connection, signal in arrived
    ]
    kept = await db.keep_all(tx, drafts)
    await outcomes.tell_received(runtime, tx, kept)
    if mailing := {connection.id for connection, _ in arrived if connection.forwards_mail}:
        await outcomes.have_mailed(tx, kept, mailing, at=runtime.now())


def _values(signal: PersonMessage) -> dict[str, Any]:
    return {
        "origin": Origin.PERSON,
        "state": State.RECEIVED,
        "mid": signal.mid or None,
        "digest": signal.digest or None,
        "text": signal.text,
        "attachments": signal.attachments,
        "send_time": signal.send_time,
        "unsupported_kind": signal.unsupported_kind,
        "opens_window": signal.opens_window,
    }


async def receive_echo(runtime: Runtime, tx: Tx, connection: Connection, signal: Echo) -> None:
    """Recognise a message of ours by `mid`, `metadata` or its words, or keep one that the Page sent elsewhere.

    Repeating it changes nothing; it may come before Meta's answer to the call that sent the message.
    """
    conversation = await _meet(runtime, tx, connection, signal.psid)
    known = await db.by_mid(tx, connection.id, signal.mid)
    if known is None:
        ours = await _ours(runtime, tx, connection, conversation, signal)
        if ours is not None:
            await outcomes.prove(runtime, tx, ours, signal.mid, signal.send_time)
            return
        await _keep_elsewhere(runtime, tx, conversation, signal)
    elif known.send_time != signal.send_time and known.origin is Origin.STORMCOM:
        await db.change(tx, known.id, send_time=signal.send_time)
        await outcomes.advance(runtime, tx, await db.refresh(tx, conversation.id))


async def receive_delivery(runtime: Runtime, tx: Tx, connection: Connection, signal: Delivered) -> None:
    """Note that messages of the Page arrived."""
    conversation = await _meet(runtime, tx, connection, signal.psid)
    await db.raise_watermarks(tx, conversation.id, delivered=signal.watermark)
    await outcomes.advance(runtime, tx, await db.lock(tx, conversation.id), mids=signal.mids)


async def receive_read(runtime: Runtime, tx: Tx, connection: Connection, signal: Read) -> None:
    """Note that the person read what the Page sent."""
    conversation = await _meet(runtime, tx, connection, signal.psid)
    await db.raise_watermarks(tx, conversation.id, read=signal.watermark)
    await outcomes.advance(runtime, tx, await db.lock(tx, conversation.id))


async def _meet(runtime: Runtime, tx: Tx, connection: Connection, psid: str) -> Conversation:
    met = await db.meet(tx, [(runtime.new_id(), connection, plain(psid))])
    return met[connection.id, plain(psid)]


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
        await outcomes.tell_received(runtime, tx, [message])
        await outcomes.advance(runtime, tx, conversation)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
