"""Sends what waits, up to a thousand at once. Meta refuses a batch for one wrong report: it is halved until that one is alone.

What was taken is settled after each call, so a lost turn repeats one call at most, which Meta recognises. A lost answer is simply
asked for again, as long as Meta would recognise it. When Meta refuses whoever sends – the pixel was taken away, a permission is missing –,
nothing is lost: the capability is blocked, and the pixel is tried every six hours, until Meta takes what waits, or would not any more.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import CapabilityKind, Connection
from connector.connections.model.verdicts import refused as was_refused
from connector.conversions import db, graph
from connector.conversions.model.values import MOST_EVENTS, Conversion, End, Pixel, State, Waiting, end_of
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.events import db as events
from connector.events.model import Draft as Event
from connector.graph.faults import REASONS, Kind
from connector.runtime import Runtime

_MOST_TOLD = 100
_MOST_CALLS = 40
"""Of one turn: then others have the worker, and the rest comes in the next."""
TRIED_EVERY = timedelta(hours=6)
_WRONG = "META_REJECTED"
"""The reason of a refusal that is about what is sent, and not about who sends it."""


@dataclass(frozen=True, slots=True)
class _Way:
    """What a turn is about, and in whose name."""

    runtime: Runtime
    task: Taken
    connection: Connection
    pixel: Pixel


async def send_conversions(runtime: Runtime, task: Taken) -> None:
    """Send what waits for a connection, and come back while there is more; without a pixel nothing is sent."""
    try:
        await _send_all(runtime, task)
    except MetaRefused as refused:
        if refused.reason == REASONS[Kind.TOKEN]:  # the login brings it back
            raise
        async with runtime.db.begin() as tx:
            connection = await connections_db.of_task(tx, task)
        await connections.note_refusal(runtime, connection, refused, task=task.name)
        async with runtime.db.begin() as tx:
            wished = (await outbox.hold(tx, task)).wishes != task.wishes  # meanwhile, perhaps for another pixel
            await outbox.again(tx, task, runtime.now() if wished else runtime.now() + TRIED_EVERY)


async def _send_all(runtime: Runtime, task: Taken) -> None:
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections_db.of_task(tx, task)
        pixel = await db.read_pixel(tx, connection.id)
        waiting = await db.waiting(tx, connection.id, limit=MOST_EVENTS)
        some = await _still_good(tx, waiting, at=runtime.now())
        way = _Way(runtime, task, connection, pixel)
        blocked = was_refused(connection, CapabilityKind.CONVERSIONS)
        if not pixel.pixel_id or (not some and not blocked):
            more = bool(pixel.pixel_id) and await db.has_waiting(tx, connection.id)
            await (outbox.again(tx, task, runtime.now()) if more else outbox.done(tx, task, at=runtime.now()))
            return
    if blocked:
        await _try_pixel(way)
    parts, calls = [some] if some else [], 0
    while parts and calls < _MOST_CALLS:
        part, calls = parts.pop(), calls + 1
        if await _send(way, part):
            continue
        half = len(part) // 2
        parts += [part[half:], part[:half]]
    async with runtime.db.begin() as tx:
        task = await outbox.hold(tx, task)
        more = await db.has_waiting(tx, connection.id)
        await (outbox.again(tx, task, runtime.now()) if more else outbox.done(tx, task, at=runtime.now()))


async def _try_pixel(way: _Way) -> None:
    """See whether a pixel that was refused is in reach again."""
    call = graph.read_pixel(way.pixel)
    async with way.runtime.db.begin() as tx:
        await outbox.hold(tx, way.task)
        await connections.require_room(way.runtime, tx, way.connection, call.bucket)
    try:
        await way.runtime.graph.send(call, await connections.access(way.runtime, way.connection, kind="user"))
    except MetaRefused as refused:
        if (gone := graph.out_of_reach(refused)) is not None:
            raise gone from refused
        raise
    await connections.note_success(way.runtime, way.connection, CapabilityKind.CONVERSIONS)


async def _send(way: _Way, part: Sequence[Waiting]) -> bool:
    """Send reports; tells whether they are settled: when several are refused together, nobody knows which is wrong."""
    runtime, ids, begun = way.runtime, [one.id for one in part], way.runtime.now()
    call = graph.send_events(way.pixel, [one.body for one in part])
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, way.task)
        await connections.require_room(runtime, tx, way.connection, call.bucket)
        await db.attempt(tx, ids, at=begun)
    refusal = None
    try:
        await runtime.graph.send(call, await connections.access(runtime, way.connection, kind="user"))
    except MetaRefused as refused:
        gone = graph.out_of_reach(refused)
        if gone is not None or refused.reason != _WRONG:
            await _withdraw(way, ids, begun)
            if gone is not None:
                raise gone from refused
            raise
        if len(part) > 1:
            return False
        refusal = refused
    else:
        await connections.note_success(runtime, way.connection, CapabilityKind.CONVERSIONS)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, way.task)
        if refusal is None:
            await db.settle(tx, ids, State.SENT, at=runtime.now())
            return True
        said = refusal.metadata.get("meta_message", "") or refusal.message
        ended = await db.settle(tx, ids, State.REJECTED, at=runtime.now(), reason=_WRONG, message=said)
        await _tell(tx, ended, at=runtime.now())
    return True


async def _withdraw(way: _Way, ids: Sequence[UUID], begun: datetime) -> None:
    async with way.runtime.db.begin() as tx:
        await outbox.hold(tx, way.task)
        await db.withdraw(tx, ids, begun=begun)


async def end_overdue(tx: Tx, *, at: datetime, limit: int = MOST_EVENTS) -> bool:
    """End what Meta takes no more and no turn came to, as without a pixel or after a refusal; tells whether there may be more."""
    some = await db.overdue(tx, at=at, limit=limit)
    await _still_good(tx, some, at=at)
    return len(some) == limit


async def _still_good(tx: Tx, some: Sequence[Waiting], *, at: datetime) -> list[Waiting]:
    """End what Meta would not take any more, or would count twice; tells what is left."""
    by_end: dict[End | None, list[Waiting]] = defaultdict(list)
    for one in some:
        by_end[end_of(one, at=at)].append(one)
    good, ended = by_end.pop(None, []), []
    for (state, reason, message), over in by_end.items():  # type: ignore[misc] # None is out
        ended += await db.settle(tx, [one.id for one in over], state, at=at, reason=reason, message=message)
    await _tell(tx, ended, at=at)
    return good


async def _tell(tx: Tx, ended: Sequence[Conversion], *, at: datetime) -> None:
    """Tell StormCom what will not count at Meta."""
    by_owner: dict[tuple[str, UUID], list[Conversion]] = defaultdict(list)
    for one in ended:
        by_owner[one.store_id, one.connection_id].append(one)
    for (store_id, connection_id), theirs in by_owner.items():
        for begin in range(0, len(theirs), _MOST_TOLD):
            body = {"conversions": [one.document() for one in theirs[begin : begin + _MOST_TOLD]]}
            event = Event(store_id, connection_id, f"conversions:{connection_id}", "conversions_failed", body)
            await events.append(tx, event, at=at)
