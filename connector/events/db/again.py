"""What a consumer is handed once more: dead letters that are redriven, and events that are replayed.

An event keeps its id and its place, so whoever deduplicates by the id, and whoever relies on the order within a key, needs nothing new.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.bell import ring
from connector.db.schema import Instant, Tx
from connector.errors import InvalidInput
from connector.events.db.consumers import PIECE, require
from connector.events.db.log import CHANNEL, SHOWN, places_of
from connector.events.db.tables import DEAD, consumers, events, handouts
from connector.events.model import DeadLetter, Event, Wanted

MOST_PICKED = 50_000
"""So many events that are picked out a replay hands out again at once."""


async def dead_letters(
    tx: Tx, store_id: str, consumer: str, *, ordering_key: str, after: int, limit: int
) -> list[DeadLetter]:
    """List a consumer's dead letters, oldest event first, behind the position `after`."""
    told = [handouts.c[name] for name in ("deliveries", "reason", "message", "due_time")]
    wanted = select(*told, *SHOWN).join(handouts, _same_event()).where(_dead(store_id, consumer, ordering_key))
    rows = await tx.execute(wanted.where(handouts.c.position > after).order_by(handouts.c.position).limit(limit))
    return [DeadLetter(Event(*event), *told) for *told, event in ((*row[:4], row[4:]) for row in rows)]


async def redrive(
    tx: Tx,
    store_id: str,
    consumer: str,
    *,
    ids: Collection[UUID] | None,
    ordering_key: str,
    after: int,
    at: datetime,
) -> list[int]:
    """Hand a piece of the dead letters behind the position `after` out again, the oldest first, their deliveries counted anew.

    Returns the positions.

    Raises:
        NotFound: CONSUMER_NOT_FOUND.

    """
    await require(tx, store_id, consumer)
    dead = select(handouts.c.position).where(_dead(store_id, consumer, ordering_key), handouts.c.position > after)
    if ids is not None:
        dead = dead.where(handouts.c.position.in_([position for position, _ in await places_of(tx, store_id, ids)]))
    piece = dead.order_by(handouts.c.position).limit(PIECE).scalar_subquery()
    these = update(handouts).where(_mine(store_id, consumer), handouts.c.position == func.any(func.array(piece)))
    again = these.values(state="WAITING", due_time=at, deliveries=0, reason="")
    positions = list(await tx.scalars(again.returning(handouts.c.position)))
    await ring(tx, CHANNEL, store_id)
    return positions


async def count(tx: Tx, store_id: str, consumer: str, wanted: Wanted) -> int:
    """Tell how many events that are acknowledged or dead a replay would hand out again.

    Raises:
        NotFound: CONSUMER_NOT_FOUND.

    """
    _, cursor = await require(tx, store_id, consumer)
    row = exists().where(_mine(store_id, consumer), _same_event())
    over = or_(
        and_(events.c.position <= cursor, ~row),
        row.where(handouts.c.state.in_(("SETTLED", "DEAD"))),
    )
    return await tx.scalar(select(func.count()).select_from(events).where(_meant(store_id, wanted), over)) or 0


async def replay(tx: Tx, store_id: str, consumer: str, wanted: Wanted, *, at: datetime) -> int:
    """Hand events out again that are acknowledged or dead; tells how many.

    Raises:
        NotFound: CONSUMER_NOT_FOUND.
        InvalidInput: REPLAY_TOO_LARGE, more are picked out than one call gives rows of their own.

    """
    told = await count(tx, store_id, consumer, wanted)
    if wanted.everything:
        await _go_back(tx, store_id, consumer, wanted.behind)
    else:
        _require_few(told)
        await _bring_back(tx, store_id, consumer, wanted, at=at)
    await ring(tx, CHANNEL, store_id)
    return told


def _require_few(count: int) -> None:
    if count > MOST_PICKED:
        message = f"picks more than {MOST_PICKED} events: begin later, or take fewer kinds; without kinds and ordering_key there is no limit"
        raise InvalidInput.of("kinds", "REPLAY_TOO_LARGE", message, limit=MOST_PICKED)


async def _go_back(tx: Tx, store_id: str, consumer: str, position: int) -> None:
    """Let a consumer begin again behind a position, as if nothing behind it had been handed out."""
    await tx.execute(delete(handouts).where(_mine(store_id, consumer), handouts.c.position > position))
    mine = update(consumers).where(consumers.c.store_id == store_id, consumers.c.name == consumer)
    await tx.execute(mine.values(cursor=func.least(consumers.c.cursor, position)))


async def _bring_back(tx: Tx, store_id: str, consumer: str, wanted: Wanted, *, at: datetime) -> None:
    """Give the events that match, up to the cursor, rows of their own again; above it they come anyway."""
    fixed: list[Any] = [literal(store_id), literal(consumer), literal("WAITING"), literal(at, Instant)]
    cursor = select(consumers.c.cursor).where(consumers.c.store_id == store_id, consumers.c.name == consumer)
    chosen = select(*fixed, events.c.position, events.c.ordering_key)
    drawn = chosen.where(_meant(store_id, wanted), events.c.position <= cursor.scalar_subquery())
    names = ["store_id", "consumer", "state", "due_time", "position", "ordering_key"]
    wish = insert(handouts).from_select(names, drawn)
    same = [handouts.c.store_id, handouts.c.consumer, handouts.c.position]
    fresh = {"state": "WAITING", "due_time": wish.excluded.due_time, "deliveries": 0, "reason": ""}
    await tx.execute(wish.on_conflict_do_update(index_elements=same, set_=fresh, where=handouts.c.state == "DEAD"))
    settled = exists().where(_meant(store_id, wanted), _same_event())
    await tx.execute(delete(handouts).where(_mine(store_id, consumer), handouts.c.state == "SETTLED", settled))


def _meant(store_id: str, wanted: Wanted) -> ColumnElement[bool]:
    meant = [events.c.store_id == store_id, events.c.position > wanted.behind]
    if wanted.kinds:
        meant.append(events.c.kind.in_(wanted.kinds))
    if wanted.ordering_key:
        meant.append(events.c.ordering_key == wanted.ordering_key)
    return and_(*meant)


def _mine(store_id: str, consumer: str) -> ColumnElement[bool]:
    return and_(handouts.c.store_id == store_id, handouts.c.consumer == consumer)


def _dead(store_id: str, consumer: str, ordering_key: str) -> ColumnElement[bool]:
    dead = and_(_mine(store_id, consumer), DEAD)
    return and_(dead, case((literal(ordering_key) == "", True), else_=handouts.c.ordering_key == ordering_key))


def _same_event() -> ColumnElement[bool]:
    return and_(events.c.store_id == handouts.c.store_id, events.c.position == handouts.c.position)
