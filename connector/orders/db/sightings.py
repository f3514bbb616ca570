"""Orders as lists tell them: a row from first sight on, many at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, exists, func, literal_column, or_, select

from connector.db.outbox import Task, tasks
from connector.db.schema import Tx
from connector.db.sets import insertion, sent
from connector.orders.db.tables import NEVER_READ, orders
from connector.orders.model.states import OVER, ImportState, State

_BEHIND = or_(orders.c.read_update_time.is_(None), orders.c.read_update_time < orders.c.update_time)
_APART = exists().where(tasks.c.key == literal_column(f"'{Task.READ_ORDER}:'", Text) + cast(orders.c.id, Text))
_DOUBTFUL = orders.c.read_update_time.is_(None) & (func.length(orders.c.digest) > 0)
"""Read so soon after its last change that another one in the same second may have been missed."""


class Unread(NamedTuple):
    """An order that is to be read, by itself or together with others."""

    id: UUID
    together: bool


async def known(tx: Tx, store_id: str, external_order_ids: Sequence[str]) -> dict[str, UUID]:
    """Tell which orders have a row, and our ids of them."""
    mine = orders.c.store_id == store_id, orders.c.external_order_id.in_(external_order_ids)
    rows = await tx.execute(select(orders.c.external_order_id, orders.c.id).where(*mine))
    return {row.external_order_id: row.id for row in rows}


async def see(tx: Tx, rows: Sequence[dict[str, Any]], *, at: datetime) -> list[Unread]:
    """Keep what a list tells; tells which orders have to be read: the new ones, and those that changed since they were read.

    What an order is, reading it tells: a list only says that it is there, and when it changed last. One that was gone is read anew.
    """
    if not rows:
        return []
    seen = [{**row, "create_time": at, "open_time": _open(row, at)} for row in rows]
    wish = insertion(orders, tuple(seen[0]))
    new, gone = wish.excluded, orders.c.state == State.VANISHED
    stored = wish.on_conflict_do_update(
        index_elements=["store_id", "external_order_id"],
        set_={
            "connection_id": new.connection_id,
            "update_time": func.greatest(orders.c.update_time, new.update_time),
            "open_time": func.coalesce(orders.c.open_time, new.open_time),
        },
        where=or_(
            orders.c.update_time < new.update_time,
            orders.c.open_time.is_(None) & new.open_time.is_not(None),
            orders.c.connection_id != new.connection_id,
            gone,
        ),
    ).returning(
        orders.c.id,
        and_(NEVER_READ, ~_APART).label("together"),
        or_(gone, orders.c.update_time.is_distinct_from(orders.c.read_update_time)).label("unread"),
    )
    found = await tx.execute(stored, sent(seen))
    return [Unread(row.id, row.together) for row in found if row.unread]


def _open(row: dict[str, Any], at: datetime) -> datetime | None:
    return None if row["state"] == State.FB_PROCESSING else at


async def processed(tx: Tx, connection_id: UUID) -> dict[str, UUID]:
    """List the orders that Meta processed when we last looked, by Meta's id."""
    mine = orders.c.connection_id == connection_id, orders.c.state == State.FB_PROCESSING
    live = orders.c.import_state.in_([ImportState.SEEN, ImportState.RESERVED])
    rows = await tx.execute(select(orders.c.external_order_id, orders.c.id).where(*mine, live))
    return {row.external_order_id: row.id for row in rows}


async def unread(tx: Tx, connection_id: UUID, *, limit: int) -> list[Unread]:
    """List orders that changed at Meta since they were read, the oldest change first."""
    together = and_(or_(NEVER_READ, _DOUBTFUL), ~_APART).label("together")
    mine = select(orders.c.id, together).where(orders.c.connection_id == connection_id, _BEHIND)
    return [Unread(*row) for row in await tx.execute(mine.order_by(orders.c.update_time, orders.c.id).limit(limit))]


async def new(tx: Tx, connection_id: UUID, *, limit: int) -> dict[UUID, str]:
    """List orders that were never read, the oldest change first, with Meta's ids; those that are read each by itself are left out."""
    return await _named(tx, connection_id, NEVER_READ, limit=limit)


async def doubtful(tx: Tx, connection_id: UUID, *, limit: int) -> dict[UUID, str]:
    """List orders likewise that may have changed again in the second in which they were read."""
    return await _named(tx, connection_id, _DOUBTFUL, limit=limit)


async def _named(tx: Tx, connection_id: UUID, which: ColumnElement[bool], *, limit: int) -> dict[UUID, str]:
    mine = orders.c.connection_id == connection_id, _BEHIND, which, ~_APART
    wanted = select(orders.c.id, orders.c.external_order_id).where(*mine).order_by(orders.c.update_time, orders.c.id)
    return {row.id: row.external_order_id for row in await tx.execute(wanted.limit(limit))}


async def lapsed(tx: Tx, connection_id: UUID, *, at: datetime, limit: int) -> list[UUID]:
    """List orders whose pieces were kept aside until StormCom has them, and whose time is over."""
    waiting = orders.c.import_state.in_([ImportState.RESERVED, ImportState.IMPORTING]), orders.c.state.not_in(OVER)
    mine = select(orders.c.id).where(orders.c.connection_id == connection_id, *waiting, orders.c.hold_expire_time <= at)
    return list(await tx.scalars(mine.order_by(orders.c.hold_expire_time, orders.c.id).limit(limit)))


async def unfollowed(tx: Tx, connection_id: UUID, *, limit: int) -> list[UUID]:
    """List orders that StormCom was told of, and that were read since what was done to them was told last."""
    behind = or_(orders.c.changes_read_time.is_(None), orders.c.changes_read_time < orders.c.update_time)
    told = orders.c.tell_time.is_not(None), orders.c.read_update_time == orders.c.update_time
    mine = select(orders.c.id).where(orders.c.connection_id == connection_id, behind, *told)
    return list(await tx.scalars(mine.order_by(orders.c.update_time).limit(limit)))


async def retriable(tx: Tx, connection_id: UUID, *, at: datetime, limit: int) -> list[UUID]:
    """List orders in quarantine whose time has come to be tried again."""
    mine = orders.c.connection_id == connection_id, orders.c.import_state == ImportState.QUARANTINED
    due = select(orders.c.id).where(*mine, orders.c.retry_time <= at)
    return list(await tx.scalars(due.order_by(orders.c.retry_time, orders.c.id).limit(limit)))
