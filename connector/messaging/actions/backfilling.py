"""Reads conversations back at Meta: newest first, a page per turn, down to a time or a number.

    task (CONNECTED, WEBHOOKS_SILENT, REQUESTED) ──▶ round 1: everything since … ──▶ round 2: what changed during round 1 ──▶ … ──▶ done

How far a round has come is a moment, not a cursor of Meta's: a turn that was cut off is repeated, and finds what it kept known.
A conversation that is written to during a round leaves its place for the front, where the next round finds it.
"""

from datetime import datetime, timedelta
from typing import Any

from connector import log
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.messaging import db, graph
from connector.messaging.actions.taking_in import take_in
from connector.messaging.model import PACE, PAGE_OF_CONVERSATIONS, Backfill, Channel, FoundConversation, channels
from connector.runtime import Runtime

_SECOND = timedelta(seconds=1)
_REQUESTED = "REQUESTED"


async def plan_backfill(
    tx: Tx, connection: Connection, *, reason: str, at: datetime, since: datetime | None = None
) -> None:
    """Ask for a connection to be read back, from the beginning."""
    arguments = {"reason": reason, "begin_time": at.isoformat(), "since_time": since and since.isoformat()}
    key = f"backfill:{connection.id}"
    await outbox.add(tx, Task.BACKFILL, due=at, connection_id=connection.id, key=key, arguments=arguments)


async def begin_backfill(
    runtime: Runtime, store_id: str, connection_id: str, *, since: datetime | None
) -> list[Backfill]:
    """Begin to read a connection back at once; tells what was begun.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require_live`.

    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require_live(tx, store_id, connection_id)
        for channel in channels(connection):
            await _begin(runtime, tx, connection, channel, reason=_REQUESTED, since=since, at=now)
        await plan_backfill(tx, connection, reason=_REQUESTED, since=since, at=now)
        return await db.list_backfills(tx, connection.id)


async def list_backfills(runtime: Runtime, store_id: str, connection_id: str) -> list[Backfill]:
    """Tell how far reading a connection back has come."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.list_backfills(tx, connection.id)


async def backfill(runtime: Runtime, task: Taken) -> None:
    """Read one page back, and come back for the next."""
    await runtime.pseudonyms.ready()
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections.of_task(tx, task)
        current = await _next(runtime, tx, connection, task.arguments)
        if current is None:
            await outbox.done(tx, task, at=runtime.now())
            return
        call = _call(connection, current)
        await connection_actions.require_room(runtime, tx, connection, call.bucket)
    page = await _read(runtime, connection, current, call)
    count = 0
    for found in page or ():
        async with runtime.db.begin() as tx:
            count += await take_in(runtime, tx, connection, current.channel, found)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await db.move_on(tx, current, **_progress(runtime, current, page, count))
        following = await _next(runtime, tx, connection, task.arguments)
        if following is None:
            await outbox.done(tx, task, at=runtime.now())
        else:  # each channel has a pace of its own
            rest = PACE if following.channel is current.channel else timedelta()
            await outbox.again(tx, task, runtime.now() + rest)


async def _next(runtime: Runtime, tx: Tx, connection: Connection, wish: Any) -> Backfill | None:
    """Tell what is under way; a wish that is newer begins anew. None when everything is read."""
    under_way = {one.channel: one for one in await db.list_backfills(tx, connection.id)}
    asked = datetime.fromisoformat(wish["begin_time"])
    since = wish.get("since_time") and datetime.fromisoformat(wish["since_time"])
    for channel in channels(connection):
        if channel not in under_way or under_way[channel].begin_time < asked:
            await _begin(runtime, tx, connection, channel, reason=wish["reason"], since=since, at=asked)
    open_ones = [one for one in await db.list_backfills(tx, connection.id) if one.finish_time is None]
    return next((one for one in open_ones if one.channel in channels(connection)), None)


async def _begin(
    runtime: Runtime,
    tx: Tx,
    connection: Connection,
    channel: Channel,
    *,
    reason: str,
    since: datetime | None,
    at: datetime,
) -> None:
    horizon = at - runtime.backfill_time
    first = max(since, horizon) if since else horizon
    await db.begin_backfill(tx, connection.id, channel, reason=reason, since=first, at=at)


def _call(connection: Connection, current: Backfill) -> Any:
    # Told by the second: the one that was reached may hold further conversations.
    before = current.before_time + _SECOND if current.before_time else None
    limit = PAGE_OF_CONVERSATIONS + current.skip_count
    return graph.list_conversations(
        connection.page_id, current.channel, since=current.from_time, before=before, limit=limit
    )


async def _read(
    runtime: Runtime, connection: Connection, current: Backfill, call: Any
) -> tuple[FoundConversation, ...] | None:
    """Ask Meta; None when it refuses Instagram, which Messenger does not depend on."""
    access = await connection_actions.access(runtime, connection, kind="page")
    try:
        page: tuple[FoundConversation, ...] = await runtime.graph.send(call, access)
    except MetaRefused as refusal:
        if current.channel is Channel.MESSENGER:
            raise
        log.warn("backfill.refused", connection_id=connection.id, channel=str(current.channel), code=refusal.code)
        async with runtime.db.begin() as tx:
            problem = connection_actions.problem_of(refusal, at=runtime.now())
            await connections.note_problem(tx, connection.id, problem)
        return None
    return page


def _progress(
    runtime: Runtime, current: Backfill, page: tuple[FoundConversation, ...] | None, count: int
) -> dict[str, Any]:
    """Tell how far a page has brought it: on, into the next round, or to the end."""
    now = runtime.now()
    if page is None:
        return {"finish_time": now}
    seen = max(len(page) - current.skip_count, 0)
    total = current.conversation_count + seen
    counts = {"conversation_count": total, "message_count": current.message_count + count}
    first_page = current.before_time is None
    if len(page) < PAGE_OF_CONVERSATIONS + current.skip_count:
        if first_page:  # all that changed since the round before fits into one page: nothing escaped
            return counts | {"finish_time": now}
        return counts | _next_round(current, now)
    if total >= runtime.backfill_conversations:
        return counts | {"finish_time": now, "cut": True}
    last = page[-1].update_time
    same_second = sum(one.update_time == last for one in page)
    return counts | {"before_time": last, "skip_count": same_second}


def _next_round(current: Backfill, now: datetime) -> dict[str, Any]:
    """Begin the round that finds what was written to during the last; a minute more, as Meta's clock is another."""
    from_time = current.round_time - timedelta(minutes=1)
    return {"before_time": None, "skip_count": 0, "from_time": from_time, "round_time": now}
