"""Loans: what a consumer is handed, gives back and acknowledges.

Everything happens under the consumer's row. The log is drawn piece by piece into rows of `handouts`; whatever holds up an ordering key
(a loan, a pause, a dead letter) holds up the rows behind it, and nothing else. Acknowledging costs what is acknowledged.

No statement may go through a store's whole log, whatever the planner knows of it, and the wall's condition is one more that an index
may be taken for. So events are never joined: each is looked up by its own key, in a subquery that PostgreSQL cannot turn into a join.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, and_, case, column, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from connector.db.bell import ring
from connector.db.schema import Tx, plain
from connector.errors import FailedPrecondition
from connector.events.db.log import CHANNEL, PLACES, SHOWN, head, places_of
from connector.events.db.tables import OPEN, consumers, handouts
from connector.events.model import Acknowledged, AfterDeadLetter, Event, Kind, Lent, Returned, Treatment

_DRAWN_AT_ONCE, _MOST_DRAWS = 200, 10


async def lock(tx: Tx, store_id: str, consumer: str, kind: Kind) -> Treatment:
    """Have a consumer to ourselves until the transaction ends; makes it when it is new, and notes how it takes events."""
    stays = consumers.c.kind == Kind.PUSH if kind is Kind.PULL else consumers.c.kind != Kind.NEW
    known = insert(consumers).values(store_id=store_id, name=consumer, kind=kind)
    locked = known.on_conflict_do_update(
        index_elements=[consumers.c.store_id, consumers.c.name],
        set_={"kind": case((stays, consumers.c.kind), else_=kind.value)},
    )
    told = [consumers.c[name] for name in ("cursor", "kind", "most_deliveries", "after_dead_letter")]
    row = (await tx.execute(locked.returning(*told))).one()
    after = AfterDeadLetter(row.after_dead_letter)
    return Treatment(store_id, consumer, row.cursor, Kind(row.kind), row.most_deliveries, after)


async def lend(
    tx: Tx,
    store_id: str,
    consumer: str,
    *,
    limit: int,
    lease: timedelta,
    at: datetime,
    kind: Kind = Kind.PULL,
) -> list[Lent]:
    """Hand out the oldest events that are to be had, none behind one of its key that is not.

    Raises:
        FailedPrecondition: CONSUMER_PUSHED, a push feeds on the consumer.

    """
    mine = await lock(tx, store_id, consumer, kind)
    if mine.kind is Kind.PUSH and kind is not Kind.PUSH:
        raise pushed(consumer)
    positions = await _due(tx, mine, limit=limit, at=at)
    return await _mark(tx, mine, positions, until=at + lease)


def pushed(consumer: str) -> FailedPrecondition:
    """Say that a push feeds on a consumer."""
    message = "A push feeds on this consumer: take another name, or end it by DeletePush"
    return FailedPrecondition("CONSUMER_PUSHED", message, consumer=consumer)


async def _due(tx: Tx, mine: Treatment, *, limit: int, at: datetime) -> list[int]:
    """Tell what may be handed out now, drawing from the log as needed; buries what was handed out too often."""
    cursor, draws = mine.cursor, 0
    while True:
        holds = mine.after_dead_letter is AfterDeadLetter.HOLD_KEY
        asked = {"store": mine.store_id, "consumer": mine.name, "cursor": cursor, "at": at}
        rows = (await tx.execute(_DUE, asked | {"holds": holds, "limit": limit})).all()
        spent = [row.position for row in rows if row.deliveries >= mine.most_deliveries]
        if spent:
            await _bury(tx, mine, spent, at=at)
            continue
        drawn = None
        if len(rows) < limit and draws < _MOST_DRAWS:
            drawn = await tx.scalar(_DRAW, asked | {"limit": max(limit, _DRAWN_AT_ONCE)})
        if drawn is None:
            return [row.position for row in rows]
        cursor, draws = drawn, draws + 1


_DUE = text("""
    WITH held AS (
        SELECT ordering_key, min(position) AS position FROM handouts
        WHERE store_id = :store AND consumer = :consumer
            AND (state IN ('WAITING', 'LENT') AND due_time > :at OR state = 'DEAD' AND :holds)
        GROUP BY ordering_key
    )
    SELECT handouts.position, handouts.deliveries FROM handouts LEFT JOIN held USING (ordering_key)
    WHERE store_id = :store AND consumer = :consumer AND state IN ('WAITING', 'LENT') AND due_time <= :at
        AND handouts.position <= :cursor AND (held.position IS NULL OR handouts.position < held.position)
    ORDER BY handouts.position LIMIT :limit
""")

_DRAW = text("""
    WITH drawn AS (
        SELECT position, ordering_key FROM events
        WHERE store_id = :store AND position > :cursor ORDER BY position LIMIT :limit
    ), put AS (
        INSERT INTO handouts (store_id, consumer, position, ordering_key, state, due_time)
        SELECT :store, :consumer, position, ordering_key, 'WAITING', :at FROM drawn WHERE (SELECT handouts.state FROM handouts
            WHERE store_id = :store AND consumer = :consumer AND handouts.position = drawn.position) IS NULL
    ), passed AS (
        DELETE FROM handouts WHERE store_id = :store AND consumer = :consumer AND state = 'SETTLED'
            AND position <= (SELECT max(position) FROM drawn)
    )
    UPDATE consumers SET cursor = drawn.position FROM (SELECT max(position) AS position FROM drawn) AS drawn
    WHERE store_id = :store AND name = :consumer AND drawn.position IS NOT NULL RETURNING cursor
""")


_MARK = text(f"""
    WITH marked AS (
        UPDATE handouts SET state = 'LENT', due_time = :until, deliveries = deliveries + 1
        WHERE store_id = :store AND consumer = :consumer AND position = ANY (CAST(:positions AS bigint[]))
        RETURNING position, deliveries
    )
    SELECT marked.deliveries, {", ".join(f"told.{one.name}" for one in SHOWN)} FROM marked CROSS JOIN LATERAL (
        SELECT * FROM events WHERE events.store_id = :store AND events.position = marked.position LIMIT 1
    ) AS told ORDER BY told.position
""").columns(handouts.c.deliveries, *SHOWN)  # noqa: S608 – words of ours


async def _mark(tx: Tx, mine: Treatment, positions: Sequence[int], *, until: datetime) -> list[Lent]:
    if not positions:
        return []
    asked = {"store": mine.store_id, "consumer": mine.name, "positions": positions, "until": until}
    return [Lent(Event(*event), deliveries) for deliveries, *event in await tx.execute(_MARK, asked)]


async def _bury(tx: Tx, mine: Treatment, positions: Sequence[int], *, at: datetime) -> None:
    these = update(handouts).where(_of(mine), _at(positions))
    await tx.execute(these.values(state="DEAD", due_time=at, reason="EVENT_UNDELIVERABLE"))


async def acknowledge(
    tx: Tx, store_id: str, consumer: str, ids: Iterable[UUID], *, at: datetime, up_to: int = 0
) -> Acknowledged:
    """Acknowledge events of a store, by id and up to a position; ids that are not known are counted."""
    wanted = set(ids)
    mine = await lock(tx, store_id, consumer, Kind.STREAM)
    now = await _forget(tx, mine, wanted)
    found = await places_of(tx, store_id, wanted) if now < len(wanted) else []
    above = [one for one in found if one[0] > mine.cursor]
    if above:
        now += await _put(tx, mine, above, state="SETTLED", due_time=at)
    before, unknown = (len(found) - now, len(wanted) - len(found)) if found else (0, len(wanted) - now)
    if up_to:
        now += await _pass(tx, mine, min(up_to, await head(tx, store_id)))
    if above or up_to:
        await _advance(tx, mine)
        await ring(tx, CHANNEL, credit(store_id, consumer))
    return Acknowledged(now=now, before=before, unknown=unknown)


def credit(store_id: str, consumer: str) -> str:
    """Name what rings on the log's channel when a consumer acknowledged something."""
    return f"{store_id}/{consumer}"


async def give_back(
    tx: Tx,
    store_id: str,
    consumer: str,
    ids: Iterable[UUID],
    *,
    due: datetime,
    reject: bool,
    message: str,
    at: datetime,
) -> Returned:
    """Have events come again at `due`, or bury them: those that are rejected, and those handed out too often."""
    wanted = set(ids)
    mine = await lock(tx, store_id, consumer, Kind.STREAM)
    found = await places_of(tx, store_id, wanted)
    above = [one for one in found if one[0] > mine.cursor]
    if above:
        await _put(tx, mine, above, state="WAITING", due_time=at, deliveries=1)
    these = update(handouts).where(_of(mine), _at([position for position, _ in found]), OPEN)
    spent = literal(reject) | (handouts.c.deliveries >= mine.most_deliveries)
    values = {
        "state": case((spent, "DEAD"), else_="WAITING"),
        "due_time": case((spent, at), else_=due),
        "reason": case((spent, "EVENT_REJECTED" if reject else "EVENT_UNDELIVERABLE"), else_=""),
        "message": plain(message),
    }
    states = [state for (state,) in await tx.execute(these.values(**values).returning(handouts.c.state))]
    if above:
        await _advance(tx, mine)
    dead = states.count("DEAD")
    return Returned(returned=len(states) - dead, dead=dead, unknown=len(wanted) - len(states))


async def release(tx: Tx, store_id: str, consumer: str, *, at: datetime, ids: Iterable[UUID] | None = None) -> None:
    """End loans as if they had not been: of a consumer whose only taker has died, or of events it did not get to."""
    mine = await lock(tx, store_id, consumer, Kind.STREAM)
    these = update(handouts).where(_of(mine), handouts.c.state == "LENT")
    if ids is not None:
        these = these.where(_at([position for position, _ in await places_of(tx, store_id, set(ids))]))
        these = these.values(deliveries=handouts.c.deliveries - 1)
    await tx.execute(these.values(state="WAITING", due_time=at))


_FORGET = text(f"""
    DELETE FROM handouts WHERE store_id = :store AND consumer = :consumer AND position <= :cursor
        AND position = ANY (ARRAY(SELECT position FROM ({PLACES}) AS named))
""")  # noqa: S608 – words of ours


async def _forget(tx: Tx, mine: Treatment, ids: set[UUID]) -> int:
    """Forget the rows of events up to the cursor; tells how many."""
    if not ids:
        return 0
    asked = {"ids": list(ids), "store": mine.store_id, "consumer": mine.name, "cursor": mine.cursor}
    return (await tx.execute(_FORGET, asked)).rowcount


async def _pass(tx: Tx, mine: Treatment, position: int) -> int:
    """Settle everything up to a position but dead letters; tells how many rows that were."""
    these = delete(handouts).where(_of(mine), handouts.c.position <= position, handouts.c.state != "DEAD")
    gone = (await tx.execute(these)).rowcount
    this = update(consumers).where(consumers.c.store_id == mine.store_id, consumers.c.name == mine.name)
    await tx.execute(this.values(cursor=func.greatest(consumers.c.cursor, position)))
    return gone


async def _put(tx: Tx, mine: Treatment, known: Sequence[tuple[int, str]], **values: Any) -> int:
    """Write rows above the cursor; settles those that are there, leaves them alone otherwise. Tells how many changed."""
    keys = literal([key for _, key in known], ARRAY(Text))
    given = func.unnest(_array([position for position, _ in known]), keys)
    rows = given.table_valued(column("position", BigInteger), column("ordering_key", Text)).render_derived()
    fixed = {"store_id": mine.store_id, "consumer": mine.name, **values}
    chosen = select(
        *(literal(value, handouts.c[name].type) for name, value in fixed.items()), rows.c.position, rows.c.ordering_key
    )
    wish = insert(handouts).from_select([*fixed, "position", "ordering_key"], chosen)
    same = [handouts.c.store_id, handouts.c.consumer, handouts.c.position]
    if values["state"] == "SETTLED":
        wish = wish.on_conflict_do_update(index_elements=same, set_=values, where=handouts.c.state != "SETTLED")
    else:
        wish = wish.on_conflict_do_nothing(index_elements=same)
    return len((await tx.execute(wish.returning(handouts.c.position))).all())


_ADVANCE = text("""
    WITH mine AS (
        SELECT cursor FROM consumers WHERE store_id = :store AND name = :consumer
    ), missing AS (
        SELECT events.position FROM events, mine WHERE events.store_id = :store AND events.position > mine.cursor
            AND (SELECT handouts.state FROM handouts WHERE handouts.store_id = :store AND handouts.consumer = :consumer
                AND handouts.position = events.position) IS NULL
        ORDER BY events.position LIMIT 1
    ), top AS (
        SELECT max(position) AS position FROM handouts, mine
        WHERE store_id = :store AND consumer = :consumer AND position > mine.cursor
            AND position < coalesce((SELECT position FROM missing), 9223372036854775807)
    ), raised AS (
        UPDATE consumers SET cursor = top.position FROM top
        WHERE store_id = :store AND name = :consumer AND top.position IS NOT NULL
        RETURNING cursor
    )
    DELETE FROM handouts USING raised WHERE store_id = :store AND consumer = :consumer AND state = 'SETTLED'
        AND handouts.position <= raised.cursor
""")


async def _advance(tx: Tx, mine: Treatment) -> None:
    """Move the cursor over what has rows already, and forget those that are settled."""
    await tx.execute(_ADVANCE, {"store": mine.store_id, "consumer": mine.name})


def _of(mine: Treatment) -> ColumnElement[bool]:
    return and_(handouts.c.store_id == mine.store_id, handouts.c.consumer == mine.name)


def _at(positions: Sequence[int]) -> ColumnElement[bool]:
    return handouts.c.position == func.any(_array(positions))


def _array(positions: Sequence[int]) -> Any:
    return literal(positions, ARRAY(BigInteger))
