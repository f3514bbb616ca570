"""Deliveries that wait, and how far the work on them is."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, delete, select, text, update

from connector.connections.model import Connection
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


async def move_on(tx: Tx, delivery: Delivery, position: int, *, tries: int) -> None:
    """Note that every signal before a position is settled, and how many beginnings count for the next."""
    await tx.execute(update(deliveries).where(*_same(delivery)).values(position=position, tries=tries))


async def finish(tx: Tx, ids: Sequence[int]) -> None:
    """Note that every signal of these deliveries is settled."""
    mine = deliveries.c.id.in_(ids), WAITING
    await tx.execute(update(deliveries).where(*mine).values(state=DeliveryState.DONE, tries=0))


Told = tuple[Delivery, Connection, str, str]
"""That a delivery told a connection, of one of its assets, a signal of a kind."""

_NOTE = text("""
    INSERT INTO delivery_pages (delivery_id, page_id, store_id, connection_id, receive_time, kinds)
    SELECT * FROM jsonb_to_recordset(CAST(:told AS jsonb)) AS told (
        delivery_id bigint, page_id text, store_id text, connection_id uuid, receive_time timestamptz, kinds jsonb)
    ON CONFLICT (delivery_id, page_id) DO NOTHING
""")


async def note_pages(tx: Tx, told: Sequence[Told]) -> None:
    """Note whose signals deliveries brought. What concerns nobody's Page is nobody's to see."""
    kinds: dict[tuple[int, str], Counter[str]] = {}
    brought: dict[tuple[int, str], tuple[Delivery, Connection]] = {}
    for delivery, owner, page_id, kind in told:
        kinds.setdefault((delivery.id, page_id), Counter())[plain(kind)] += 1
        brought[delivery.id, page_id] = delivery, owner
    rows = [
        {
            "delivery_id": delivery.id,
            "page_id": plain(page_id),
            "store_id": owner.store_id,
            "connection_id": str(owner.id),
            "receive_time": delivery.receive_time,
            "kinds": kinds[delivery.id, page_id],
        }
        for (_, page_id), (delivery, owner) in brought.items()
    ]
    if rows:
        await tx.execute(_NOTE, {"told": orjson.dumps(rows).decode()})


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
