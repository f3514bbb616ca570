"""Deliveries as they came, and the signals that were set aside.

Deliveries are worked off in the order of their ids by one task at a time (`KEY`): so what concerns one conversation keeps the
order in which it came in. A signal of a Page that nobody connected is parked as a delivery of its own, with its place in the order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    delete,
    event,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.db.outbox import CHANNEL, Task
from connector.db.schema import Instant, Tx, metadata, plain
from connector.values import Environment
from connector.webhooks.model import Arrival, Delivery, DeliveryState, Signal, SignalState, digest

KEY = "deliveries"
"""The one task that works deliveries off."""

_WAITING = text("state = 'WAITING'")
_PARKED = text("state = 'PARKED'")
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("environment", Text, nullable=False, comment="whose app secret signed it"),
    Column("body", LargeBinary, nullable=False, comment="the bytes received, access tokens in them masked"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the body"),
    Column("signature", Text, nullable=False, comment="the header X-Hub-Signature-256"),
    Column("receive_time", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("page_id", Text, comment="of a parked one: the Page it waits for"),
    Column("position", Integer, nullable=False, server_default="0", comment="how many of its signals are settled"),
    Column("tries", Integer, nullable=False, server_default="0", comment="how often work began at that position"),
    CheckConstraint("(state = 'PARKED') <= (page_id IS NOT NULL)", "parked_has_page"),
    Index("ix_deliveries_receive_time", "receive_time", postgresql_using="brin"),  # costs next to nothing to keep
    Index("ix_deliveries_waiting", "id", postgresql_where=_WAITING),
    Index("uq_deliveries_parked", "environment", "page_id", "digest", unique=True, postgresql_where=_PARKED),
)
STORAGE = (
    "ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL",
    "ALTER TABLE deliveries SET (toast_tuple_target = 8160)",
)
"""Bodies lie uncompressed in their rows, as long as they fit: compressing them costs more than all the rest of an insert."""
for _statement in STORAGE:
    event.listen(deliveries, "after_create", DDL(_statement))  # type: ignore[no-untyped-call] # SQLAlchemy leaves DDL untyped

signals = Table(
    "signals",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("environment", Text, nullable=False),
    Column("page_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False, comment="the signal in an envelope of its own"),
    Column("digest", LargeBinary, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Index("ix_signals_receive_time", "receive_time", postgresql_using="brin"),
    Index("uq_signals_environment_page_id_digest", "environment", "page_id", "digest", unique=True),
)

# The hot path: many requests, one round trip, one commit. The wish says what outbox.add says; a test holds the two together.
_KEEP = f"""
    WITH kept AS (
        INSERT INTO deliveries (environment, body, digest, signature, receive_time, state)
        SELECT *, %(at)s, 'WAITING' FROM unnest(%(environments)s::text[], %(bodies)b::bytea[], %(digests)b::bytea[],
            %(signatures)s::text[])
    ), wish AS (
        INSERT INTO tasks (name, key, arguments, due_time) VALUES ('{Task.PROCESS_DELIVERY}', '{KEY}', '{{}}', %(at)s)
        ON CONFLICT (key) DO UPDATE SET wishes = tasks.wishes + 1, due_time = CASE
            WHEN tasks.due_time IS NULL THEN excluded.due_time
            WHEN tasks.leased OR tasks.reason IS NOT NULL THEN tasks.due_time
            ELSE least(tasks.due_time, excluded.due_time) END,
            tries = CASE WHEN tasks.due_time IS NULL THEN 0 ELSE tasks.tries END,
            reason = CASE WHEN tasks.due_time IS NULL THEN NULL ELSE tasks.reason END
        RETURNING leased
    )
    SELECT pg_notify('{CHANNEL}', '{Task.PROCESS_DELIVERY}') FROM wish WHERE NOT leased
"""  # noqa: S608 – only constants of ours are written in


async def keep(connection: psycopg.AsyncConnection[Any], arrivals: Sequence[Arrival], *, at: datetime) -> None:
    """Keep what arrived and ask for the task, all in one statement: on an autocommitting connection that is the commit.

    Speaks to the driver itself: this is the one place where SQLAlchemy's share of the time would count.
    """
    values = {
        "environments": [str(arrival.environment) for arrival in arrivals],
        "bodies": [arrival.body for arrival in arrivals],
        "digests": [digest(arrival.body) for arrival in arrivals],
        "signatures": [arrival.signature for arrival in arrivals],
        "at": at,
    }
    await connection.execute(_KEEP, values, prepare=True)


async def next_waiting(tx: Tx, *, limit: int) -> list[Delivery]:
    """Read the oldest deliveries that wait, and lock them."""
    columns = [deliveries.c[name] for name in Delivery.__slots__]
    oldest = select(*columns).where(_WAITING).order_by(deliveries.c.id).limit(limit).with_for_update()
    return [_delivery(row) for row in await tx.execute(oldest)]


async def begin(tx: Tx, delivery: Delivery, position: int) -> int:
    """Count a beginning at a position, before the work; tells how many there were."""
    tries = deliveries.c.tries
    counted = update(deliveries).where(deliveries.c.id == delivery.id).values(tries=tries + 1, position=position)
    return int((await tx.execute(counted.returning(tries))).scalar_one())


async def move_on(tx: Tx, delivery: Delivery, position: int) -> None:
    """Note that every signal before a position is settled."""
    moved = update(deliveries).where(deliveries.c.id == delivery.id)
    await tx.execute(moved.values(position=position, tries=0))


async def finish(tx: Tx, ids: Sequence[int]) -> None:
    """Note that every signal of these deliveries is settled."""
    await tx.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(state=DeliveryState.DONE, tries=0))


async def park(tx: Tx, delivery: Delivery, signal: Signal) -> None:
    """Let a signal wait until its Page is connected; the same one waits once."""
    parked = insert(deliveries).values(
        environment=delivery.environment,
        body=signal.raw,
        digest=digest(signal.raw),
        signature="",
        receive_time=delivery.receive_time,
        state=DeliveryState.PARKED,
        page_id=plain(signal.page_id),
    )
    await tx.execute(parked.on_conflict_do_nothing())


async def parked_pages(tx: Tx) -> list[tuple[Environment, str]]:
    """List the Pages that signals wait for."""
    rows = await tx.execute(select(deliveries.c.environment, deliveries.c.page_id).where(_PARKED).distinct())
    return [(Environment(row.environment), row.page_id) for row in rows]


async def release(tx: Tx, environment: Environment, page_id: str) -> None:
    """Let the signals that wait for a Page go on, in the order in which they came."""
    waiting = deliveries.c.environment == environment, deliveries.c.page_id == page_id, _PARKED
    await tx.execute(update(deliveries).where(*waiting).values(state=DeliveryState.WAITING))


async def set_aside(tx: Tx, delivery: Delivery, signal: Signal, state: SignalState, *, kind: str, reason: str) -> None:
    """Keep a signal as it came; the same one is kept once."""
    kept = insert(signals).values(
        environment=delivery.environment,
        page_id=plain(signal.page_id),
        kind=plain(kind),
        state=state,
        reason=plain(reason),
        raw=signal.raw,
        digest=digest(signal.raw),
        receive_time=delivery.receive_time,
    )
    await tx.execute(kept.on_conflict_do_nothing())


async def rewrite(tx: Tx, delivery_id: int, body: bytes | None) -> None:
    """Keep only this much of a delivery, or (None) nothing of it."""
    mine = deliveries.c.id == delivery_id
    if body is None:
        await tx.execute(delete(deliveries).where(mine))
    else:
        await tx.execute(update(deliveries).where(mine).values(body=body, digest=digest(body), signature=""))


def _delivery(row: Row[Any]) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__slots__}
    return Delivery(**values | {"environment": Environment(row.environment)})
