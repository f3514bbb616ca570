"""Keeps a connection's pixel, and takes reports in: the row first, then the sending."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from connector.connections import db as connections
from connector.connections.actions import note_success
from connector.connections.model import CapabilityKind, CapabilityState, Connection
from connector.connections.model import State as ConnectionState
from connector.conversions import db
from connector.conversions.model.values import Content, Conversion, Draft, Pixel, State
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.registry.db.names import Name, look_up
from connector.runtime import Runtime

Items = Sequence[tuple[Name, Content]]
"""The items of a report as the caller names them; the registry fills in what they are called at Meta."""


class Taken(NamedTuple):
    """A report, whether it was known before, and the places of items that nobody knows."""

    conversion: Conversion
    repeated: bool
    unknown: tuple[int, ...]


async def set_pixel(runtime: Runtime, store_id: str, connection_id: str, pixel: Pixel) -> Pixel:
    """Keep the pixel; what waits is sent to it, or, without one, not at all. What Meta refused before says nothing of it."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id, lock=True)
        await db.write_pixel(tx, connection.id, pixel, at=at)
        if await db.has_waiting(tx, connection.id):
            await plan(tx, connection.id, at=at)
    await note_success(runtime, connection, CapabilityKind.CONVERSIONS)
    return pixel


async def read_pixel(runtime: Runtime, store_id: str, connection_id: str) -> Pixel:
    """Tell the pixel; an empty one when none is set."""
    async with runtime.db.begin() as tx:
        return await db.read_pixel(tx, (await connections.require(tx, store_id, connection_id)).id)


async def take(
    runtime: Runtime, store_id: str, connection_id: str, given: Sequence[tuple[Draft, Items]]
) -> list[Taken]:
    """Take reports in, all or none.

    Raises:
        FailedPrecondition: PIXEL_NOT_SET, or the reason that blocks the capability.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        if reason := await hindrance(tx, connection):
            raise _refused(connection, reason)
        return await take_in(runtime, tx, connection, given)


async def hindrance(tx: Tx, connection: Connection) -> str:
    """Tell why no report can be made for a connection; empty when it can. One that waits for a login may hope for it."""
    if not (await db.read_pixel(tx, connection.id)).pixel_id:
        return "PIXEL_NOT_SET"
    if connection.state is ConnectionState.NEEDS_LOGIN:
        return ""
    capability = connection.capability(CapabilityKind.CONVERSIONS)
    return "" if capability.state is CapabilityState.ACTIVE else capability.reason


def _refused(connection: Connection, reason: str) -> FailedPrecondition:
    if reason == "PIXEL_NOT_SET":
        return FailedPrecondition("PIXEL_NOT_SET", "There is no pixel to report to: set it first", fix="SetPixel")
    fix = connection.capability(CapabilityKind.CONVERSIONS).fix
    return FailedPrecondition(reason, fix, fix=fix, connection_id=str(connection.id))


async def take_in(
    runtime: Runtime, tx: Tx, connection: Connection, given: Sequence[tuple[Draft, Items]]
) -> list[Taken]:
    """Take reports in, in the caller's transaction; each once, by `event_name` and `event_id`."""
    at = runtime.now()
    names = await _named(tx, connection, [name for _, items in given for name, _ in items])
    drafts, unknown = zip(*(_filled(draft, items, names) for draft, items in given), strict=True)
    rows = {(draft.event_name, draft.event_id): _row(runtime.new_id(), connection, draft, at) for draft in drafts}
    new = await db.add(
        tx, [rows[name] for name in sorted(rows)]
    )  # in one order: calls that overlap wait, and do not lock each other out
    if new:
        await plan(tx, connection.id, at=at)
    kept = await db.known(tx, connection.id, list(rows))
    answers: list[Taken] = []
    for draft, strays in zip(drafts, unknown, strict=True):
        one = kept[draft.event_name, draft.event_id]
        answers.append(Taken(one, one.id not in new, strays))
        new.discard(one.id)
    return answers


async def _named(tx: Tx, connection: Connection, asked: Sequence[Name]) -> dict[Name, str]:
    """Find what items are called at Meta: content ids that are not those of the catalog break ads and carts."""
    once = list(dict.fromkeys(asked))
    found = await look_up(tx, connection.id, once) if once else []
    return {name: known.retailer_id for name, known in zip(once, found, strict=True) if known is not None}


def _filled(draft: Draft, items: Items, names: dict[Name, str]) -> tuple[Draft, tuple[int, ...]]:
    contents = [content._replace(retailer_id=names[name]) for name, content in items if name in names]
    strays = tuple(place for place, (name, _) in enumerate(items) if name not in names)
    return replace(draft, contents=contents), strays


def _row(conversion_id: UUID, connection: Connection, draft: Draft, at: datetime) -> dict[str, object]:
    owned = {"id": conversion_id, "store_id": connection.store_id, "connection_id": connection.id}
    named = {"event_name": draft.event_name, "event_id": draft.event_id, "event_time": draft.event_time}
    times = {"expire_time": draft.event_time + draft.oldest, "create_time": at}
    return {**owned, **named, **times, "state": State.PENDING, "body": draft.wire()}


async def plan(tx: Tx, connection_id: UUID, *, at: datetime) -> None:
    """Ask for the sending of what waits."""
    key = f"{Task.SEND_CONVERSIONS}:{connection_id}"
    await outbox.add(tx, Task.SEND_CONVERSIONS, due=at, connection_id=connection_id, key=key)


async def list_conversions(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    state: State | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Conversion]:
    """List reports, the newest first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.page(tx, connection.id, state=state, after=after, limit=limit)
