"""Finds out who people are: name and picture, where Meta lets us see them. Rarely, and never for somebody who shows it to nobody.

Pictures lie behind links that end; they are looked up anew before that, for people who still write.
"""

from datetime import datetime, timedelta
from typing import Any

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.graph.faults import REASONS, Kind
from connector.messaging import db, graph
from connector.messaging.actions.telling import tell_conversation
from connector.messaging.graph import Profile
from connector.messaging.model import Conversation, account, channels
from connector.messaging.model.links import link_end
from connector.runtime import Runtime

EVERY = timedelta(hours=1)
_AGAIN, _REFUSED_AGAIN = timedelta(days=7), timedelta(days=30)
_BEFORE_END = timedelta(hours=6)
_MOST = 50
"""How many are looked up in a turn."""
_ACTIVE = timedelta(days=30)


async def look_up_people(runtime: Runtime, task: Taken) -> None:
    """Look up who wrote lately and is not known, or whose picture's link ends soon."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections.of_task(tx, task)
        since = runtime.now() - _ACTIVE
        due = await db.unknown_people(tx, connection.id, since=since, at=runtime.now(), limit=_MOST)
    access = await connection_actions.access(runtime, connection, kind="page") if due else None
    for conversation in due:
        await _look_up(runtime, connection, conversation, access)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        more = len(due) == _MOST or await db.unknown_people(tx, connection.id, since=since, at=runtime.now(), limit=1)
        await outbox.again(tx, task, runtime.now() if more else runtime.now() + EVERY)


async def _look_up(runtime: Runtime, connection: Connection, conversation: Conversation, access: Any) -> None:
    """Ask Meta who somebody is; a refusal about this person is an answer, any other rises."""
    call = graph.profile(connection.page_id, conversation.psid, conversation.channel)
    async with runtime.db.begin() as tx:
        await connection_actions.require_room(runtime, tx, connection, call.bucket)
    due = runtime.now() + _AGAIN
    try:
        profile = await runtime.graph.send(call, access)
    except MetaRefused as refusal:
        if refusal.reason == REASONS[Kind.TOKEN]:
            raise
        profile, due = (
            await _ask_conversation(runtime, connection, conversation, access),
            runtime.now() + _REFUSED_AGAIN,
        )
    async with runtime.db.begin() as tx:
        await _note(runtime, tx, conversation, profile, due=due)


async def _ask_conversation(
    runtime: Runtime, connection: Connection, conversation: Conversation, access: Any
) -> Profile:
    """Take the name from the conversation's participants, unless it is known."""
    if conversation.person_name or conversation.channel not in channels(connection):
        return Profile()
    call = graph.take_part(connection.page_id, conversation.psid, conversation.channel)
    async with runtime.db.begin() as tx:
        await connection_actions.require_room(runtime, tx, connection, call.bucket)
    own = account(connection, conversation.channel)
    try:
        others = [one for one in await runtime.graph.send(call, access) if one.id != own]
    except MetaRefused as refusal:
        if refusal.reason == REASONS[Kind.TOKEN]:
            raise
        return Profile()  # who cannot be named keeps nobody else from being named
    return Profile(others[0].name, others[0].username) if len(others) == 1 else Profile()


async def _note(runtime: Runtime, tx: Tx, conversation: Conversation, profile: Profile, *, due: datetime) -> None:
    """Keep what Meta told, and tell StormCom when it is news. What it does not tell any more stays as it was."""
    end = link_end(profile.picture_url)
    news: dict[str, Any] = {
        "person_name": profile.name or conversation.person_name,
        "person_username": profile.username or conversation.person_username,
        "picture_url": profile.picture_url or conversation.picture_url,
        "picture_expire_time": end if profile.picture_url else conversation.picture_expire_time,
    }
    soonest = runtime.now() + timedelta(days=1)
    again = max(min(due, end - _BEFORE_END), soonest) if end else due
    changed = await db.alter_if_there(tx, conversation.id, **news, profile_due_time=again)
    names = ("person_name", "person_username", "picture_url")
    if changed and any(news[name] != getattr(conversation, name) for name in names):
        await tell_conversation(runtime, tx, changed, "CHANGE_PERSON")
