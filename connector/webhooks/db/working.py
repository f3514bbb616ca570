"""Deliveries that wait, and how far the work on them is."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, delete, select, text, update

from connector.connections.model import LIVE
from connector.db.schema import Tx, plain
from connector.values import Environment
from connector.webhooks.db.tables import WAITING, deliveries
from connector.webhooks.model import Delivery, DeliveryState, digest


async def next_waiting(tx: Tx, *, limit: int) -> list[Delivery]:
    """Read the oldest deliveries that wait, and lock them."""
    columns = [deliveries.c[name] for name in Delivery.__slots__]
    oldest = select(*columns).where(WAITING).order_by(deliveries.c.id).limit(limit).with_for_update()
    return [_delivery(row) for row in await tx.execute(oldest)]


async def begin(tx: Tx, delivery: Delivery, position: int) -> int:
    """Count a beginning at a position, before the work; tells how many there were."""
    tries = deliveries.c.tries
    counted = update(deliveries).where(*_same(delivery)).values(tries=tries + 1, position=position)
    return int((await tx.execute(counted.returning(tries))).scalar_one())


async def move_on(tx: Tx, delivery: Delivery, position: int) -> None:
    """Note that every signal before a position is settled."""
    await tx.execute(update(deliveries).where(*_same(delivery)).values(position=position, tries=0))


async def finish(tx: Tx, ids: Sequence[int]) -> None:
    """Note that every signal of these deliveries is settled."""
    mine = deliveries.c.id.in_(ids), WAITING
    await tx.execute(update(deliveries).where(*mine).values(state=DeliveryState.DONE, tries=0))


Told = tuple[Delivery, str, str]
"""That a delivery told of a Page a signal of a kind."""

_NOTE = text("""
    INSERT INTO delivery_pages (delivery_id, page_id, store_id, connection_id, receive_time, kinds)
    SELECT told.delivery_id, told.page_id, connections.store_id, connections.id, told.receive_time, told.kinds
    FROM jsonb_to_recordset(CAST(:told AS jsonb))
        AS told (delivery_id bigint, environment text, page_id text, receive_time timestamptz, kinds jsonb)
    JOIN connections ON connections.environment = told.environment AND told.page_id <> ''
        AND told.page_id IN (connections.page_id, connections.instagram_id)
        AND connections.state = ANY (:live)
    ON CONFLICT (delivery_id, page_id) DO NOTHING
""")


async def note_pages(tx: Tx, told: Sequence[Told]) -> None:
    """Note whose signals deliveries brought. What concerns no Page of anybody's is nobody's to see."""
    kinds: dict[tuple[int, str], Counter[str]] = {}
    brought: dict[tuple[int, str], Delivery] = {}
    for delivery, page_id, kind in told:
        kinds.setdefault((delivery.id, page_id), Counter())[plain(kind)] += 1
        brought[delivery.id, page_id] = delivery
    rows = [
        {
            "delivery_id": delivery.id,
            "environment": delivery.environment,
            "page_id": plain(page_id),
            "receive_time": delivery.receive_time,
            "kinds": kinds[delivery.id, page_id],
        }
        for (_, page_id), delivery in brought.items()
    ]
    if rows:
        await tx.execute(_NOTE, {"told": orjson.dumps(rows).decode(), "live": [state.value for state in LIVE]})


async def rewrite(tx: Tx, delivery_id: int, body: bytes | None) -> None:
    """Keep only this much of a delivery, or (None) nothing of it."""
    mine = deliveries.c.id == delivery_id
    if body is None:
        await tx.execute(delete(deliveries).where(mine))
    else:
        await tx.execute(update(deliveries).where(mine).values(body=body, digest=digest(body), signature=""))


_AGAIN = text("""
    UPDATE deliveries SET state = 'WAITING', position = 0, tries = 0
    WHERE id = ANY (:ids) AND receive_time BETWEEN :begin AND :end AND state = 'DONE'
""")


async def work_again(tx: Tx, ids: Sequence[int], *, begin_time: datetime, end_time: datetime) -> None:
    """Let deliveries that were worked off, received in that time, wait once more."""
    await tx.execute(_AGAIN, {"ids": ids, "begin": begin_time, "end": end_time})


def _same(delivery: Delivery) -> tuple[Any, ...]:
    return deliveries.c.id == delivery.id, deliveries.c.receive_time == delivery.receive_time


def _delivery(row: Row[Any]) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__slots__}
    return Delivery(**values | {"environment": Environment(row.environment)})
