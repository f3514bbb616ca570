"""What a store may see of deliveries: those that brought signals of its Pages, and of them its own signals only.

`delivery_pages` says whose they are and stands behind the wall between stores; the bodies are read beyond it, by the ids found there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, cast, func, select, text

from connector.db.schema import Tx
from connector.webhooks.db.tables import delivery_pages
from connector.webhooks.model import Brought


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries of a store are meant; what is empty does not narrow them."""

    store_id: str
    begin_time: datetime | None = None
    end_time: datetime | None = None
    page_id: str = ""
    kind: str = ""
    connection_id: str = ""


async def list_page(tx: Tx, wanted: Wanted, *, before: int | None, limit: int) -> list[Brought]:
    """Read deliveries, the newest first."""
    row = delivery_pages.c
    conditions = [row.store_id == wanted.store_id]
    if wanted.begin_time:
        conditions.append(row.receive_time >= wanted.begin_time)
    if wanted.end_time:
        conditions.append(row.receive_time < wanted.end_time)
    if wanted.page_id:
        conditions.append(row.page_id == wanted.page_id)
    if wanted.kind:
        conditions.append(row.kinds.has_key(wanted.kind))
    if wanted.connection_id:
        conditions.append(cast(row.connection_id, Text) == wanted.connection_id)
    if before is not None:
        conditions.append(row.delivery_id < before)
    return await _read(tx, conditions, limit=limit)


async def get(tx: Tx, store_id: str, delivery_ids: Sequence[int]) -> list[Brought]:
    """Read deliveries of a store by their ids."""
    mine = [delivery_pages.c.store_id == store_id, delivery_pages.c.delivery_id.in_(delivery_ids)]
    return await _read(tx, mine, limit=len(delivery_ids))


async def _read(tx: Tx, conditions: Sequence[object], *, limit: int) -> list[Brought]:
    row = delivery_pages.c
    pages = func.jsonb_object_agg(row.page_id, row.kinds).label("pages")
    time = func.min(row.receive_time).label("receive_time")
    chosen = select(row.delivery_id, time, pages).where(*conditions).group_by(row.delivery_id)  # type: ignore[arg-type] # conditions of ours
    found = await tx.execute(chosen.order_by(row.delivery_id.desc()).limit(limit))
    return [Brought(one.delivery_id, one.receive_time, one.pages) for one in found]


_BODIES = text("""
    SELECT id, environment, state, body FROM deliveries
    WHERE id = ANY (:ids) AND receive_time BETWEEN :begin AND :end
""")


@dataclass(frozen=True, slots=True)
class Body:
    """What a delivery holds, and whether it waits to be worked off again."""

    environment: str
    waiting: bool
    body: bytes


async def bodies(tx: Tx, wanted: Sequence[Brought]) -> dict[int, Body]:
    """Read what deliveries hold, those that are still there."""
    if not wanted:
        return {}
    times = [one.receive_time for one in wanted]
    given = {"ids": [one.id for one in wanted], "begin": min(times), "end": max(times)}
    rows = await tx.execute(_BODIES, given)
    return {row.id: Body(row.environment, row.state == "WAITING", bytes(row.body)) for row in rows}
