"""Sends what waits, up to a thousand at once. Meta refuses a batch for one wrong report: it is halved until that one is alone.

What was taken is settled after each call, so a lost turn repeats one call at most, which Meta recognises. A lost answer is simply
asked for again, as long as Meta would recognise it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import CapabilityKind, Connection
from connector.conversions import db, graph
from connector.conversions.model.values import MOST_EVENTS, Conversion, Pixel, State, Waiting, end_of
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.events import db as events
from connector.events.model import Draft as Event
from connector.runtime import Runtime

_MOST_TOLD = 100
_MOST_CALLS = 40
"""Of one turn: then others have the worker, and the rest comes in the next."""
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
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections_db.of_task(tx, task)
        pixel = await db.read_pixel(tx, connection.id)
        some = await _still_good(runtime, tx, connection, await db.waiting(tx, connection.id, limit=MOST_EVENTS))
        if not some or not pixel.pixel_id:
            more = bool(pixel.pixel_id) and await db.has_waiting(tx, connection.id)
            await (outbox.again(tx, task, runtime.now()) if more else outbox.done(tx, task, at=runtime.now()))
            return
    way = _Way(runtime, task, connection, pixel)
    parts, calls = [some], 0
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


async def _send(way: _Way, part: Sequence[Waiting]) -> bool:
    """Send reports; tells whether they are settled: when several are refused together, nobody knows which is wrong."""
    runtime, ids = way.runtime, [one.id for one in part]
    call = graph.send_events(way.pixel, [one.body for one in part])
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, way.task)
        await connections.require_room(runtime, tx, way.connection, call.bucket)
        await db.attempt(tx, ids, at=runtime.now())
    refusal = None
    try:
        await runtime.graph.send(call, await connections.access(runtime, way.connection, kind="user"))
    except MetaRefused as refused:
        if refused.reason != _WRONG:
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
        await _tell(runtime, tx, way.connection, ended)
    return True


async def _still_good(runtime: Runtime, tx: Tx, connection: Connection, some: Sequence[Waiting]) -> list[Waiting]:
    """End what Meta would not take any more, or would count twice; tells what is left."""
    at, good, ended = runtime.now(), [], []
    for one in some:
        end = end_of(one, at=at)
        if end is None:
            good.append(one)
        else:
            state, reason, message = end
            ended += await db.settle(tx, [one.id], state, at=at, reason=reason, message=message)
    await _tell(runtime, tx, connection, ended)
    return good


async def _tell(runtime: Runtime, tx: Tx, connection: Connection, ended: Sequence[Conversion]) -> None:
    """Tell StormCom what will not count at Meta."""
    at, key = runtime.now(), f"conversions:{connection.id}"
    for begin in range(0, len(ended), _MOST_TOLD):
        told = [one.document() for one in ended[begin : begin + _MOST_TOLD]]
        event = Event(connection.store_id, connection.id, key, "conversions_failed", {"conversions": told})
        await events.append(tx, event, at=at)
