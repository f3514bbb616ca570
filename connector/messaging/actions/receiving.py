"""What comes in: a person wrote, or the Page wrote. In the caller's transaction; many at once cost little more than one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.messaging import db
from connector.messaging.actions import outcomes
from connector.messaging.actions.changing import catch_up
from connector.messaging.actions.meeting import meet, place
from connector.messaging.actions.noting import note_referrals
from connector.messaging.db import watermarks
from connector.messaging.db.tables import storable
from connector.messaging.model import (
    Conversation,
    Echo,
    Message,
    Origin,
    PersonMessage,
    State,
    same_words,
)
from connector.runtime import Runtime

Arrived = Sequence[tuple[Connection, PersonMessage]]


async def receive_messages(runtime: Runtime, tx: Tx, arrived: Arrived) -> list[Message]:
    """Keep what people wrote or did and tell StormCom, in this order; what is new is returned.

    Repeating it changes nothing: `mid` or `digest` is the key. Many at once cost little more than one.
    """
    met = await meet(runtime, tx, arrived)
    drafts = [(runtime.new_id(), met[place(connection, signal)], _values(signal)) for connection, signal in arrived]
    kept = await catch_up(tx, await db.keep_all(tx, drafts))
    if len(kept) < len(drafts):
        await db.hear(tx, {connection.id for connection, _ in arrived}, [signal.mid for _, signal in arrived])
    await note_referrals(runtime, tx, arrived)
    await outcomes.tell_received(runtime, tx, kept)
    if mailing := {connection.id for connection, _ in arrived if connection.forwards_mail}:
        await outcomes.have_mailed(tx, kept, mailing, at=runtime.now())
    return kept


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
        "reply_to_mid": signal.reply_to_mid,
        "payload": signal.payload,
        "standby": signal.standby,
        "referral": storable(signal.referral),
    }


async def receive_echoes(runtime: Runtime, tx: Tx, arrived: Sequence[tuple[Connection, Echo]]) -> None:
    """Recognise messages of ours by `mid`, `metadata` or their words, and keep those that the Page sent elsewhere.

    Repeating it changes nothing; an echo may come before Meta's answer to the call that sent the message.
    """
    met = await meet(runtime, tx, arrived)
    elsewhere: list[tuple[Conversation, Echo]] = []
    for connection, signal in arrived:
        conversation = met[place(connection, signal)]
        if not await _recognise(runtime, tx, connection, conversation, signal=signal):
            elsewhere.append((conversation, signal))
    await _keep_elsewhere(runtime, tx, elsewhere)


async def _recognise(
    runtime: Runtime, tx: Tx, connection: Connection, conversation: Conversation, *, signal: Echo
) -> bool:
    """Move on a message of ours, or one that is known, as its echo says; tells whether there was one."""
    known = await db.by_mid(tx, connection.id, signal.mid)
    if known is None:
        ours = await _ours(runtime, tx, connection, conversation, signal)
        if ours is not None:
            await outcomes.prove(runtime, tx, ours, signal.mid, signal.send_time)
        return ours is not None
    if known.backfilled:
        await db.hear(tx, [connection.id], [signal.mid])
    if known.send_time != signal.send_time and known.origin is Origin.STORMCOM:
        await db.change(tx, known.id, send_time=signal.send_time)
        await outcomes.advance(runtime, tx, await db.refresh(tx, conversation.id))
    return True


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


async def _keep_elsewhere(runtime: Runtime, tx: Tx, echoes: Sequence[tuple[Conversation, Echo]]) -> None:
    drafts = [(runtime.new_id(), conversation, _echoed(signal)) for conversation, signal in echoes]
    kept = await catch_up(tx, await db.keep_all(tx, drafts)) if drafts else []
    await outcomes.tell_received(runtime, tx, kept)
    if kept:  # nobody waits to hear how far a message went that was not sent through us
        await watermarks.advance_all(tx, [message.conversation_id for message in kept])


def _echoed(signal: Echo) -> dict[str, Any]:
    return {
        "origin": Origin.ELSEWHERE,
        "state": State.SENT,
        "mid": signal.mid,
        "text": signal.text,
        "attachments": signal.attachments,
        "send_time": signal.send_time,
        "unsupported_kind": "" if signal.text or signal.attachments else "message",
        "reply_to_mid": signal.reply_to_mid,
        "standby": signal.standby,
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
