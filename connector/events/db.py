"""The log of events, and who acknowledged what.

Positions are given at the very end of a transaction, one transaction of a store after the other (a deferred trigger,
under an advisory lock, after every other lock was taken). So a store's positions become visible in their order: whoever has
read up to a position never misses one below it, and what happened later under a lock stands later.
A consumer's `floor` is the position up to which everything is acknowledged; `handouts` holds only what lies above it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    and_,
    column,
    delete,
    event,
    exists,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from connector.db.schema import Instant, Json, Tx, metadata
from connector.events.model import Acknowledged, Draft, Event

CHANNEL = "events"
_MOST_SWEPT = 5_000

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid),
    Column("ordering_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("position", BigInteger, comment="its place in the log; given at commit"),
    Column("create_time", Instant, nullable=False),
    Index("uq_events_store_id_position", "store_id", "position", unique=True),
    Index("ix_events_create_time", "create_time"),
)
consumers = Table(
    "consumers",
    metadata,
    Column("store_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("floor", BigInteger, nullable=False, server_default="0", comment="everything up to here is acknowledged"),
    PrimaryKeyConstraint("store_id", "name"),
)
handouts = Table(
    "handouts",
    metadata,
    Column("store_id", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("ordering_key", Text, nullable=False),
    Column("expire_time", Instant, nullable=False, comment="until when it is on loan"),
    Column("acknowledge_time", Instant),
    PrimaryKeyConstraint("store_id", "consumer", "position"),
    Index("ix_handouts_store_id_consumer_ordering_key", "store_id", "consumer", "ordering_key"),
)

NUMBERING = (
    "CREATE SEQUENCE IF NOT EXISTS event_positions",
    """
    CREATE OR REPLACE FUNCTION number_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('events:' || NEW.store_id, 0));
        UPDATE events SET position = nextval('event_positions') WHERE id = NEW.id;
        PERFORM pg_notify('events', NEW.store_id);
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER number_event AFTER INSERT ON events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_event()
    """,
)
"""What gives positions; a migration that creates `events` runs these after it."""

for _statement in NUMBERING:
    event.listen(events, "after_create", DDL(_statement))  # type: ignore[no-untyped-call] # SQLAlchemy's is not typed

_SHOWN = [events.c[name] for name in Event.__slots__]


async def append(tx: Tx, *drafts: Draft, at: datetime) -> None:
    """Append events, in this order, when the transaction commits."""
    if drafts:
        rows = [{name: getattr(draft, name) for name in Draft.__slots__} | {"create_time": at} for draft in drafts]
        await tx.execute(insert(events), rows)


async def behind(tx: Tx, store_id: str, position: int, *, limit: int) -> list[Event]:
    """List a store's events behind a position, oldest first."""
    wanted = select(*_SHOWN).where(events.c.store_id == store_id, events.c.position > position)
    return [Event(*row) for row in await tx.execute(wanted.order_by(events.c.position).limit(limit))]


async def floor_of(tx: Tx, store_id: str, consumer: str) -> int:
    """Tell up to where a consumer has acknowledged everything; 0 for a new name."""
    mine = consumers.c.store_id == store_id, consumers.c.name == consumer
    return await tx.scalar(select(consumers.c.floor).where(*mine)) or 0


async def lend(tx: Tx, store_id: str, consumer: str, *, limit: int, lease: timedelta, at: datetime) -> list[Event]:
    """Hand out the oldest events that are neither acknowledged nor on loan, nor behind a loan of the same key."""
    floor = await _lock(tx, store_id, consumer)
    mine = and_(handouts.c.store_id == store_id, handouts.c.consumer == consumer)
    settled = exists().where(mine, handouts.c.position == events.c.position, handouts.c.acknowledge_time.is_not(None))
    on_loan = (
        exists()
        .where(mine, handouts.c.ordering_key == events.c.ordering_key, handouts.c.position <= events.c.position)
        .where(handouts.c.acknowledge_time.is_(None), handouts.c.expire_time > at)
    )
    wanted = select(*_SHOWN).where(events.c.store_id == store_id, events.c.position > floor, ~settled, ~on_loan)
    found = [Event(*row) for row in await tx.execute(wanted.order_by(events.c.position).limit(limit))]
    await _note(tx, store_id, consumer, found, expire_time=at + lease)
    return found


async def acknowledge(tx: Tx, store_id: str, consumer: str, ids: Sequence[UUID], *, at: datetime) -> Acknowledged:
    """Acknowledge events of a store; ids that are not known are counted."""
    floor = await _lock(tx, store_id, consumer)
    wanted = select(*_SHOWN).where(
        events.c.store_id == store_id, events.c.id.in_(set(ids)), events.c.position.is_not(None)
    )
    known = [Event(*row) for row in await tx.execute(wanted)]
    above = [one for one in known if one.position > floor]
    fresh = await _note(tx, store_id, consumer, above, expire_time=at, acknowledge_time=at)
    await _raise_floor(tx, store_id, consumer, floor)
    return Acknowledged(now=fresh, before=len(known) - fresh, unknown=len(set(ids)) - len(known))


async def sweep(tx: Tx, *, acknowledged_before: datetime, created_before: datetime) -> bool:
    """Forget some events that every consumer of their store acknowledged, or that outlived any use; tells whether there were any."""
    reader = select(consumers.c.floor).where(consumers.c.store_id == events.c.store_id)
    unread = or_(
        ~reader.exists(), events.c.position > reader.with_only_columns(func.min(consumers.c.floor)).scalar_subquery()
    )
    old = events.c.create_time < acknowledged_before
    over = or_(events.c.create_time < created_before, and_(old, ~unread))
    some = select(events.c.id).where(over).order_by(events.c.create_time).limit(_MOST_SWEPT)
    return bool((await tx.execute(delete(events).where(events.c.id.in_(some)))).rowcount)


async def _lock(tx: Tx, store_id: str, consumer: str) -> int:
    """Have a consumer's loans to ourselves until the transaction ends; its floor."""
    known = insert(consumers).values(store_id=store_id, name=consumer)
    locked = known.on_conflict_do_update(
        index_elements=[consumers.c.store_id, consumers.c.name], set_={"floor": consumers.c.floor}
    )
    return int((await tx.execute(locked.returning(consumers.c.floor))).scalar_one())


async def _note(tx: Tx, store_id: str, consumer: str, found: Sequence[Event], **values: Any) -> int:
    """Write the loans or acknowledgements of events in one statement; tells how many were not acknowledged before."""
    if not found:
        return 0
    positions = literal([one.position for one in found], ARRAY(BigInteger))
    keys = literal([one.ordering_key for one in found], ARRAY(Text))
    given = func.unnest(positions, keys).table_valued(column("position", BigInteger), column("ordering_key", Text))
    given = given.render_derived()
    fixed = {"store_id": store_id, "consumer": consumer, **values}
    rows = select(
        *(literal(value, handouts.c[name].type) for name, value in fixed.items()),
        given.c.position,
        given.c.ordering_key,
    )
    noted = (
        insert(handouts)
        .from_select([*fixed, "position", "ordering_key"], rows)
        .on_conflict_do_update(
            index_elements=[handouts.c.store_id, handouts.c.consumer, handouts.c.position],
            set_=values,
            where=handouts.c.acknowledge_time.is_(None),
        )
    )
    return len((await tx.execute(noted.returning(handouts.c.position))).all())


_RAISE_FLOOR = text("""
    WITH waiting AS (
        SELECT events.position FROM events
        LEFT JOIN handouts ON handouts.store_id = :store AND handouts.consumer = :consumer
            AND handouts.position = events.position AND handouts.acknowledge_time IS NOT NULL
        WHERE events.store_id = :store AND events.position > :floor AND handouts.position IS NULL
        ORDER BY events.position LIMIT 1
    ), top AS (
        SELECT max(position) AS position FROM handouts
        WHERE store_id = :store AND consumer = :consumer AND acknowledge_time IS NOT NULL
            AND position < coalesce((SELECT position FROM waiting), 9223372036854775807)
    ), raised AS (
        UPDATE consumers SET floor = top.position FROM top
        WHERE store_id = :store AND name = :consumer AND top.position IS NOT NULL
        RETURNING floor
    )
    DELETE FROM handouts USING raised
    WHERE store_id = :store AND consumer = :consumer AND handouts.position <= raised.floor
""")


async def _raise_floor(tx: Tx, store_id: str, consumer: str, floor: int) -> None:
    """Raise the floor to just below the first event that is not acknowledged, and forget what lies under it."""
    await tx.execute(_RAISE_FLOOR, {"store": store_id, "consumer": consumer, "floor": floor})
