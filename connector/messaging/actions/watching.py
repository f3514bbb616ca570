"""Watches conversations: what is now, then each one that changes. The log of events tells what changed, the rows how it is now."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from connector.connections import db as connections
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Event
from connector.messaging import db
from connector.messaging.db import Wanted
from connector.messaging.model import Conversation, Message
from connector.runtime import Runtime

_PIECE, _MOST_MESSAGES = 500, 100
_LOOK_AGAIN = timedelta(seconds=15)
_KINDS = ("message_received", "message_state_changed", "message_changed", "conversation_changed")
_KEY = "conversation:"


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched: a store's conversations, a connection's, or one."""

    store_id: str
    connection_id: str = ""
    conversation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """A conversation as it is now, the messages that changed it, and where to go on; while the beginning is told, nowhere."""

    conversation: Conversation
    messages: Sequence[Message] = ()
    position: int | None = None
    changed: bool = False


async def watch(runtime: Runtime, watched: Watched, *, position: int | None, limit: int) -> AsyncIterator[Sight]:
    """Tell the newest conversations as they are now (unless there is a position to go on from), then those that change.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND, CONNECTION_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        connection_ids = await _connections(tx, watched)
        reached = await events.head(tx, watched.store_id) if position is None else position
        begin = await _newest(tx, watched, connection_ids, limit=limit) if position is None else []
    for place, conversation in enumerate(begin, start=1):
        yield Sight(conversation, position=reached if place == len(begin) else None)
    while True:
        ear = runtime.bell.ear(events.CHANNEL, watched.store_id)
        async with runtime.db.begin() as tx:
            piece = await events.behind(tx, watched.store_id, reached, limit=_PIECE)
            sights = await _sights(tx, watched, piece, connection_ids=connection_ids)
        for sight in sights:
            yield sight
        if piece:
            reached = piece[-1].position
        if len(piece) < _PIECE:
            await runtime.bell.wait(ear, _LOOK_AGAIN)


async def _connections(tx: Tx, watched: Watched) -> Sequence[UUID]:
    """Make sure that what is watched exists; tells the connection, or all of the store's."""
    if watched.conversation_id is not None:
        return [(await db.require(tx, watched.store_id, watched.conversation_id)).connection_id]
    if watched.connection_id:
        return [(await connections.require(tx, watched.store_id, watched.connection_id)).id]
    return await connections.ids_of_store(tx, watched.store_id)


async def _newest(tx: Tx, watched: Watched, connection_ids: Sequence[UUID], *, limit: int) -> list[Conversation]:
    if watched.conversation_id is not None:
        return [await db.require(tx, watched.store_id, watched.conversation_id)]
    found = [one for each in connection_ids for one in await db.list_conversations(tx, each, Wanted(), limit=limit)]
    return sorted(found, key=lambda one: (one.last_message_time, one.id), reverse=True)[:limit]


async def _sights(tx: Tx, watched: Watched, piece: Sequence[Event], *, connection_ids: Sequence[UUID]) -> list[Sight]:
    """Tell of each conversation that a piece of the log is about how it is now.

    Who goes on behind one of them misses nothing of the others: its position lies before their first event.
    """
    changed: dict[UUID, list[Event]] = {}
    for one in piece:
        if conversation_id := _about(one, watched, connection_ids):
            changed.setdefault(conversation_id, []).append(one)
    found = await db.find_all(tx, list(changed))
    told = await db.get_all(tx, [message_id for each in changed.values() for message_id in _message_ids(each)])
    sights: list[Sight] = []
    following = piece[-1].position if piece else 0
    for conversation_id, each in reversed(changed.items()):
        if conversation_id in found:
            messages = [told[one] for one in _message_ids(each) if one in told]
            messages.sort(key=lambda one: (one.send_time, one.id))
            sights.append(Sight(found[conversation_id], messages, following, changed=True))
        following = each[0].position - 1
    return sights[::-1]


def _about(event: Event, watched: Watched, connection_ids: Sequence[UUID]) -> UUID | None:
    if event.kind not in _KINDS or not event.ordering_key.startswith(_KEY):
        return None
    if watched.connection_id and event.connection_id not in connection_ids:
        return None
    conversation_id = UUID(event.ordering_key.removeprefix(_KEY))
    return conversation_id if watched.conversation_id in {None, conversation_id} else None


def _message_ids(each: Sequence[Event]) -> list[UUID]:
    """Tell which messages events are about: each once, the newest at the most. What was erased tells none."""
    named = dict.fromkeys(one.body["message"]["message_id"] for one in each if one.body.get("message"))
    return [UUID(one) for one in list(named)[-_MOST_MESSAGES:]]
