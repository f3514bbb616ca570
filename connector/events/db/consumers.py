"""Consumers: how far each is, how it is treated, and their end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Tx
from connector.errors import NotFound
from connector.events.db.loans import pushed
from connector.events.db.tables import OPEN, consumers, handouts
from connector.events.model import AfterDeadLetter, Consumer, Kind

LARGEST_LAG = 100_000
"""So far a lag is counted."""

PIECE = 5_000
"""So many rows change or go in one transaction: nobody waits long for a consumer that very much waits for."""

_SHOWN = text("""
    SELECT name, kind, most_deliveries, after_dead_letter,
        coalesce(open.position - 1, cursor) AS position,
        least(open.count + behind.count - above.count, :most) AS lag,
        (SELECT create_time FROM events WHERE events.store_id = :store
            AND events.position >= coalesce(open.position, cursor + 1) ORDER BY events.position LIMIT 1) AS oldest_time,
        open.loans, dead_letters
    FROM consumers
    CROSS JOIN LATERAL (
        SELECT min(position) AS position, count(*) AS count,
            count(*) FILTER (WHERE state = 'LENT' AND due_time > :at) AS loans
        FROM handouts WHERE store_id = :store AND consumer = name AND state IN ('WAITING', 'LENT')
    ) AS open
    CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM (
            SELECT FROM events WHERE events.store_id = :store AND events.position > cursor LIMIT :most
        ) AS few
    ) AS behind
    CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM handouts WHERE store_id = :store AND consumer = name AND position > cursor
    ) AS above
    CROSS JOIN LATERAL (
        SELECT count(*) AS dead_letters FROM handouts WHERE store_id = :store AND consumer = name AND state = 'DEAD'
    ) AS dead
    WHERE consumers.store_id = :store AND name > :after AND (name = :name OR :name = '') ORDER BY name LIMIT :limit
""")


async def list_page(tx: Tx, store_id: str, *, after: str, limit: int, at: datetime, name: str = "") -> list[Consumer]:
    """List a store's consumers by name, behind the name `after`; or the one that is named."""
    asked = {"store": store_id, "after": after, "limit": limit, "at": at, "name": name, "most": LARGEST_LAG}
    return [
        Consumer(
            row.name,
            Kind(row.kind),
            row.most_deliveries,
            AfterDeadLetter(row.after_dead_letter),
            row.position,
            row.lag,
            row.oldest_time if row.lag else None,
            row.loans,
            row.dead_letters,
        )
        for row in await tx.execute(_SHOWN, asked)
    ]


async def put(tx: Tx, store_id: str, name: str, *, most_deliveries: int, after_dead_letter: AfterDeadLetter) -> None:
    """Make a consumer, or treat it otherwise from now on."""
    values = {"most_deliveries": most_deliveries, "after_dead_letter": after_dead_letter.value}
    wish = insert(consumers).values(store_id=store_id, name=name, **values)
    same = [consumers.c.store_id, consumers.c.name]
    await tx.execute(wish.on_conflict_do_update(index_elements=same, set_=values))


async def adopt(tx: Tx, store_id: str, name: str) -> bool:
    """Let a push feed on a consumer; not on one that has taken events in another way. Tells whether it may."""
    wish = insert(consumers).values(store_id=store_id, name=name, kind=Kind.PUSH)
    may = wish.on_conflict_do_update(
        index_elements=[consumers.c.store_id, consumers.c.name],
        set_={"kind": Kind.PUSH.value},
        where=consumers.c.kind.in_((Kind.NEW, Kind.PUSH)),
    )
    return (await tx.execute(may.returning(consumers.c.name))).one_or_none() is not None


async def set_free(tx: Tx, store_id: str, name: str) -> None:
    """Let a consumer be pulled that a push fed on."""
    await tx.execute(update(consumers).where(*_named(store_id, name)).values(kind=Kind.NEW.value))


async def require(tx: Tx, store_id: str, name: str) -> tuple[Kind, int]:
    """Have a consumer that exists to ourselves until the transaction ends; tells its kind and how far the log was drawn for it.

    Raises:
        NotFound: CONSUMER_NOT_FOUND.

    """
    wanted = select(consumers.c.kind, consumers.c.cursor).where(*_named(store_id, name)).with_for_update()
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        raise NotFound("CONSUMER_NOT_FOUND", "No such consumer in this store", consumer=name)
    return Kind(row.kind), row.cursor


async def forget(tx: Tx, store_id: str, name: str) -> bool:
    """Forget a piece of what a consumer has not worked off, and with the last one the consumer; tells whether there is more.

    Raises:
        NotFound: CONSUMER_NOT_FOUND.
        FailedPrecondition: CONSUMER_PUSHED.

    """
    kind, _ = await require(tx, store_id, name)
    if kind is Kind.PUSH:
        raise pushed(name)
    mine = handouts.c.store_id == store_id, handouts.c.consumer == name
    piece = select(handouts.c.position).where(*mine).order_by(handouts.c.position).limit(PIECE).scalar_subquery()
    gone = await tx.execute(delete(handouts).where(*mine, handouts.c.position == func.any(func.array(piece))))
    if gone.rowcount == PIECE:
        # Whoever takes events of it meanwhile, or after a call that was cut off, has them again: none is lost.
        await tx.execute(update(consumers).where(*_named(store_id, name)).values(cursor=0))
        return True
    await tx.execute(delete(consumers).where(*_named(store_id, name)))
    return False


async def floor_of(tx: Tx, store_id: str, consumer: str) -> int:
    """Tell up to where everything is acknowledged or a dead letter; 0 for a new name."""
    waiting = select(func.min(handouts.c.position) - 1).where(
        handouts.c.store_id == store_id,
        handouts.c.consumer == consumer,
        OPEN,
        handouts.c.position <= consumers.c.cursor,
    )
    found = select(func.coalesce(waiting.scalar_subquery(), consumers.c.cursor)).where(*_named(store_id, consumer))
    return await tx.scalar(found) or 0


_UNSETTLED = text("""
    SELECT sent.position FROM unnest(CAST(:positions AS bigint[])) AS sent (position)
    LEFT JOIN consumers ON consumers.store_id = :store AND consumers.name = :consumer
    LEFT JOIN handouts ON handouts.store_id = :store AND handouts.consumer = :consumer AND handouts.position = sent.position
    WHERE CASE WHEN handouts.state IS NULL THEN sent.position > coalesce(cursor, 0) ELSE handouts.state IN ('WAITING', 'LENT') END
    ORDER BY sent.position
""")


async def unsettled(tx: Tx, store_id: str, consumer: str, positions: Sequence[int]) -> list[int]:
    """Tell which of these positions a consumer has neither acknowledged nor given up."""
    asked = {"store": store_id, "consumer": consumer, "positions": list(positions)}
    return [*(await tx.execute(_UNSETTLED, asked)).scalars()]


async def next_due(tx: Tx, store_id: str, consumer: str, *, at: datetime) -> datetime | None:
    """Tell when the next pause or loan of a consumer ends; None when there is none."""
    mine = handouts.c.store_id == store_id, handouts.c.consumer == consumer
    due: datetime | None = await tx.scalar(
        select(func.min(handouts.c.due_time)).where(*mine, OPEN, handouts.c.due_time > at)
    )
    return due


def _named(store_id: str, name: str) -> tuple[Any, ...]:
    return consumers.c.store_id == store_id, consumers.c.name == name
