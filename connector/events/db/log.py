"""The log of events: append, read, forget.

Positions are given at the very end of a transaction, one transaction of a store after the other (a deferred trigger,
under an advisory lock, after every other lock was taken). So a store's positions become visible in their order: whoever has
read up to a position never misses one below it, and what happened later under a lock stands later.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select, text

from connector.db.schema import Tx
from connector.db.sets import insertion, sent
from connector.events.db.tables import events
from connector.events.model import Draft, Event

CHANNEL = "events"
_MOST_SWEPT = 5_000

SHOWN = [events.c[name] for name in Event.__slots__]


async def append(tx: Tx, *drafts: Draft, at: datetime) -> None:
    """Append events, in this order, when the transaction commits."""
    if drafts:
        rows = [{name: getattr(draft, name) for name in Draft.__slots__} | {"create_time": at} for draft in drafts]
        await tx.execute(insertion(events, tuple(rows[0])), sent(rows))


async def behind(tx: Tx, store_id: str, position: int, *, limit: int, kinds: Sequence[str] = ()) -> list[Event]:
    """List a store's events behind a position, oldest first; those of other kinds come without what they tell."""
    wanted = behind_of(store_id, position)
    if kinds:
        hidden = case((events.c.kind.in_(kinds), events.c.body), else_=None)
        wanted = wanted.with_only_columns(*(hidden.label("body") if one is events.c.body else one for one in SHOWN))
    return [Event(*row) for row in await tx.execute(wanted.order_by(events.c.position).limit(limit))]


def behind_of(store_id: str, position: int) -> Select[Any]:
    """Ask for a store's events behind a position."""
    return select(*SHOWN).where(events.c.store_id == store_id, events.c.position > position)


async def first_since(tx: Tx, store_id: str, time: datetime) -> int:
    """Tell the position just before the first event that was appended at a time or later; the log's end when there is none."""
    mine = select(func.min(events.c.position) - 1).where(events.c.store_id == store_id, events.c.create_time >= time)
    before: int | None = await tx.scalar(mine)
    return await head(tx, store_id) if before is None else before


async def head(tx: Tx, store_id: str) -> int:
    """Tell the position of a store's newest event; 0 without any."""
    return await tx.scalar(select(func.max(events.c.position)).where(events.c.store_id == store_id)) or 0


PLACES = """
    SELECT one.position, one.ordering_key FROM unnest(CAST(:ids AS uuid[])) AS wanted (id) CROSS JOIN LATERAL (
        SELECT position, ordering_key FROM events
        WHERE events.id = wanted.id AND events.store_id = :store AND position IS NOT NULL LIMIT 1
    ) AS one
"""
"""Where events of a store stand: each looked up by its id, whatever the planner thinks of the store's log."""
_PLACES = text(PLACES)


async def places_of(tx: Tx, store_id: str, ids: Collection[UUID]) -> list[tuple[int, str]]:
    """Tell the positions and ordering keys of events; those that the store does not have are left out."""
    if not ids:
        return []
    rows = await tx.execute(_PLACES, {"ids": list(ids), "store": store_id})
    return [(row.position, row.ordering_key) for row in rows]


_SWEEP = text("""
    WITH old AS (
        SELECT id, store_id, position FROM events WHERE create_time < :created_before OR create_time < :acknowledged_before
            AND EXISTS (SELECT FROM consumers WHERE consumers.store_id = events.store_id)
            AND NOT EXISTS (SELECT FROM consumers WHERE consumers.store_id = events.store_id AND cursor < events.position)
            AND NOT EXISTS (SELECT FROM consumers JOIN handouts ON handouts.store_id = consumers.store_id
                AND handouts.consumer = consumers.name AND handouts.position = events.position
                WHERE consumers.store_id = events.store_id)
        ORDER BY create_time LIMIT :most
    ), forgotten AS (
        DELETE FROM handouts USING consumers, old WHERE consumers.store_id = old.store_id
            AND handouts.store_id = old.store_id AND handouts.consumer = consumers.name AND handouts.position = old.position
    )
    DELETE FROM events USING old WHERE events.id = old.id
""")


async def sweep(tx: Tx, *, acknowledged_before: datetime, created_before: datetime) -> bool:
    """Forget some events that every consumer of their store acknowledged, or that outlived any use; tells whether there were any.

    A dead letter goes with its event.
    """
    times = {"acknowledged_before": acknowledged_before, "created_before": created_before, "most": _MOST_SWEPT}
    return bool((await tx.execute(_SWEEP, times)).rowcount)
