"""Messages change after they were sent: edited, taken back, reacted to. In the caller's transaction, in any order, any number of times."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.messaging import db
from connector.messaging.actions.meeting import Met, meet, place
from connector.messaging.db import changes
from connector.messaging.model import Change, Deleted, Edited, Message, Reacted, told
from connector.runtime import Runtime

_WORDS = {changes.EDIT: "CHANGE_EDITED", changes.DELETE: "CHANGE_DELETED"}


async def receive_changes(runtime: Runtime, tx: Tx, arrived: Sequence[tuple[Connection, Change]]) -> None:
    """Keep what happened to messages, and tell StormCom of those that it changed. One that is not known yet finds it when it comes."""
    met = await meet(runtime, tx, arrived)
    kept = [_told(met, connection, signal) for connection, signal in arrived]
    await changes.keep(tx, kept)
    changed = await changes.apply(tx, [(one.connection_id, one.mid) for one in kept])
    if any(not isinstance(signal, Reacted) for _, signal in arrived) and changed:
        await db.refresh_all(tx, list({message.conversation_id for message in changed.values()}))
    about = {(message.connection_id, message.mid): message for message in changed.values()}
    words: dict[UUID, dict[str, None]] = {}
    for one in kept:
        if message := about.get((one.connection_id, one.mid)):
            words.setdefault(message.id, {})[_WORDS.get(one.subject, "CHANGE_REACTED")] = None
    await _tell(runtime, tx, [(changed[message_id], list(said)) for message_id, said in words.items()])


async def catch_up(tx: Tx, messages: Sequence[Message]) -> list[Message]:
    """Write onto messages that just became known what happened to them before; tells them as they are then."""
    changed = await changes.apply(tx, [(one.connection_id, one.mid) for one in messages if one.mid])
    return [changed.get(one.id, one) for one in messages]


def _told(met: Met, connection: Connection, signal: Change) -> changes.Told:
    conversation = met[place(connection, signal)]
    match signal:
        case Edited():
            subject, number, body = changes.EDIT, signal.number, {"text": signal.text}
        case Deleted():
            subject, number, body = changes.DELETE, 0, {}
        case Reacted():
            subject, number, body = changes.REACTION + signal.actor_id, 0, _reaction(signal)
    return changes.Told(connection.id, conversation.id, signal.mid, subject, number, signal.time, body)


def _reaction(signal: Reacted) -> dict[str, Any]:
    if not signal.emoji:
        return {}
    named = {"actor_id": signal.actor_id, "reaction": signal.reaction, "emoji": signal.emoji}
    return named | {"react_time": told(signal.time)}


async def _tell(runtime: Runtime, tx: Tx, changed: Iterable[tuple[Message, list[str]]]) -> None:
    drafts = [
        Draft(
            message.store_id,
            message.connection_id,
            f"conversation:{message.conversation_id}",
            "message_changed",
            {"message": message.document(), "changes": words},
        )
        for message, words in changed
    ]
    await events.append(tx, *drafts, at=runtime.now())
