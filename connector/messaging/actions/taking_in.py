"""What a read-back found is kept beside what webhooks brought: each message once, whoever tells it first.

What must not come in by webhook does not come in here either: of people whose data was deleted, and what is older than the store
keeps messages.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.connections.model import Connection
from connector.db import forgotten, retentions
from connector.db.schema import Tx, plain
from connector.messaging import db
from connector.messaging.actions import outcomes
from connector.messaging.actions.changing import catch_up
from connector.messaging.model import (
    Channel,
    Conversation,
    FoundConversation,
    FoundMessage,
    Gap,
    Message,
    Origin,
    Posted,
    State,
    account,
    find_posted,
)
from connector.runtime import Runtime


async def take_in(runtime: Runtime, tx: Tx, connection: Connection, channel: Channel, found: FoundConversation) -> int:
    """Keep what is new of a conversation, in the caller's transaction, and tell StormCom; tells how many messages were.

    Locks the conversation. Repeating it changes nothing.
    """
    ours = account(connection, channel)
    person = found.person(ours)
    welcome = await _welcome(runtime, tx, connection, channel, found) if person else ()
    if person is None or not welcome:
        return 0
    named = connection.id, plain(person.id)
    met = await db.meet(tx, [(runtime.new_id(), connection, named[1])], channel=channel)
    conversation = await _know(tx, met[named], found, name=person.name, username=person.username)
    known = await db.known_mids(tx, connection.id, [one.mid for one in welcome])
    fresh = [one for one in reversed(welcome) if one.readable and one.mid not in known]
    before = await db.latest_before(tx, conversation.id, welcome[-1].create_time)
    kept = await _keep(runtime, tx, conversation, fresh, account_id=ours)
    if (seen := found.seen_until(ours)) is not None:
        await db.mark_seen(tx, conversation.id, seen)
    await outcomes.tell_received(runtime, tx, kept)
    if known or kept:
        await outcomes.advance(runtime, tx, await db.refresh(tx, conversation.id))
        await _note_gap(runtime, tx, conversation, found, welcome, known=known, before=before)
    return len(kept)


async def _welcome(
    runtime: Runtime, tx: Tx, connection: Connection, channel: Channel, found: FoundConversation
) -> tuple[FoundMessage, ...]:
    """Leave out what is not taken in."""
    person = found.person(account(connection, channel))
    kept = (await retentions.of_stores(tx, [connection.store_id]))[connection.store_id]
    since = runtime.now() - kept
    if person is not None:
        until = await forgotten_until(runtime, tx, connection, channel, person.id)
        since = max(since, until) if until else since
    return tuple(one for one in found.messages if one.create_time > since)


async def forgotten_until(
    runtime: Runtime, tx: Tx, connection: Connection, channel: Channel, psid: str
) -> datetime | None:
    """Tell up to when a person's data was deleted; None if it never was."""
    names = runtime.pseudonyms.of_person(connection.environment, account(connection, channel), psid)
    return (await forgotten.times_of(tx, [names])).get(names)


async def _know(
    tx: Tx, conversation: Conversation, found: FoundConversation, *, name: str, username: str
) -> Conversation:
    """Note what a read-back tells of the conversation and the person, where we did not know it."""
    told = {"thread_id": found.thread_id, "person_name": name, "person_username": username}
    news = {column: value for column, value in told.items() if value and not getattr(conversation, column)}
    return await db.alter(tx, conversation.id, **news) if news else conversation


async def _keep(
    runtime: Runtime, tx: Tx, conversation: Conversation, fresh: Sequence[FoundMessage], *, account_id: str
) -> list[Message]:
    """Keep messages, oldest first. One that the Page sent may be ours, whose answer was lost: then it is proven."""
    drafts = []
    for one in fresh:
        of_page = one.sender_id == account_id
        if of_page and await _is_ours(runtime, tx, conversation, one, account_id=account_id):
            continue
        drafts.append((runtime.new_id(), conversation, _values(one, of_page=of_page)))
    return await catch_up(tx, await db.keep_all(tx, drafts)) if drafts else []


def _values(found: FoundMessage, *, of_page: bool) -> Mapping[str, Any]:
    shown = bool(found.text or found.attachments)
    return {
        "origin": Origin.ELSEWHERE if of_page else Origin.PERSON,
        "state": State.SENT if of_page else State.RECEIVED,
        "mid": found.mid,
        "text": found.text,
        "attachments": found.attachments,
        "send_time": found.create_time,
        "reply_to_mid": found.reply_to_mid,
        "unsupported_kind": "" if shown else "message",
        "opens_window": not of_page,
        "backfilled": True,
    }


async def _is_ours(
    runtime: Runtime, tx: Tx, conversation: Conversation, found: FoundMessage, *, account_id: str
) -> bool:
    """Tell whether a message of the Page is one of ours that nobody knew to have gone out; then it is known now."""
    types = tuple(one.mime_type for one in found.attachments)
    posted = (Posted(found.mid, found.sender_id, found.text, found.create_time, types),)
    for message in await db.unproven(tx, conversation.id):
        if find_posted(message, posted, page_id=account_id, known=frozenset()):
            await outcomes.prove(runtime, tx, message, found.mid, found.create_time)
            return True
    return False


async def _note_gap(
    runtime: Runtime,
    tx: Tx,
    conversation: Conversation,
    found: FoundConversation,
    welcome: Sequence[FoundMessage],
    *,
    known: frozenset[str],
    before: datetime | None,
) -> None:
    """Note that messages are missing before those that can be read, or that none are any more.

    When the oldest that Meta shows was known already, what lies before it is judged as it was then.
    """
    missing = found.message_count - await db.count_known(tx, conversation.id) if found.message_count else None
    if missing is not None and missing <= 0:
        await db.close_gaps(tx, conversation.id)
        return
    readable = [one for one in welcome if one.readable]
    all_shown = found.complete and len(readable) == len(found.messages)
    if not readable or all_shown or readable[-1].mid in known or len(welcome) < len(found.messages):
        return
    others = await db.list_gaps(tx, conversation.id)
    end = readable[-1].create_time
    counted = sum(gap.message_count or 0 for gap in others if gap.end_time != end)
    count = None if missing is None else max(missing - counted, 0)
    if count != 0:
        await db.put_gap(tx, conversation.connection_id, conversation.id, Gap(before, end, count), at=runtime.now())
