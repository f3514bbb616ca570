"""What is late, hidden, refused or at the edge of its sale: found by indexes, in bounded numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, text, update

from connector.alerts.db import alerts
from connector.alerts.model import MOST_SAMPLES
from connector.connections.db import connections
from connector.connections.model import LIVE
from connector.db.schema import Tx
from connector.inventory.db.flips import flips
from connector.registry.db.catalogue import items
from connector.registry.model import MOST_SENDS

LATE = timedelta(minutes=15)
MOST_COUNTED = 10_000
_SELLING = connections.c.state.in_(LIVE), connections.c.catalog_go_time.is_not(None)
_THEIRS = items.c.connection_id == connections.c.id


@dataclass(frozen=True, slots=True)
class Found:
    """How many items something is the matter with, counted as far as `MOST_COUNTED`, and some of their names."""

    count: int
    names: Sequence[str]


async def next_watched(tx: Tx, after: UUID, reasons: Sequence[str], *, at: datetime) -> UUID | None:
    """Tell the next connection on which there is anything to look at: late, hidden, refused, sold out, or an open alert.

    Only alerts are looked at where nothing is sold any more.
    """
    late = or_(items.c.unconfirmed_time.is_(None), items.c.unconfirmed_time <= at - LATE)
    signs = (
        exists().where(_THEIRS, items.c.unconfirmed, late),
        exists().where(_THEIRS, items.c.hidden),
        exists().where(_THEIRS, items.c.wanted, items.c.stock_error.is_not(None)),
        exists().where(flips.c.connection_id == connections.c.id),
    )
    told = exists().where(alerts.c.connection_id == connections.c.id, alerts.c.reason.in_(reasons))
    wanted = select(connections.c.id).where(connections.c.id > after, or_(told, and_(*_SELLING, or_(*signs))))
    found: UUID | None = await tx.scalar(wanted.order_by(connections.c.id).limit(1))
    return found


async def start_clocks(tx: Tx, connection_id: UUID, *, at: datetime, limit: int) -> None:
    """Begin to count for items that became unconfirmed without a change of ours: a lost answer, a look at Meta."""
    untimed = items.c.connection_id == connection_id, items.c.unconfirmed, items.c.unconfirmed_time.is_(None)
    some = select(items.c.retailer_id).where(*untimed).order_by(items.c.retailer_id).limit(limit)
    names = list(await tx.scalars(some.with_for_update(skip_locked=True)))
    if names:
        mine = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
        await tx.execute(update(items).where(*mine).values(unconfirmed_time=at), {"names": names})


async def late(tx: Tx, connection_id: UUID, *, at: datetime) -> Found:
    """Find the items whose offer Meta has not confirmed for long."""
    return await _count(tx, connection_id, items.c.unconfirmed, items.c.unconfirmed_time <= at - LATE)


async def refused(tx: Tx, connection_id: UUID, *, given_up: bool) -> Found:
    """Find the items whose last stock change Meta refused; `given_up`: as often as we try."""
    spent = [items.c.offer_tries >= MOST_SENDS] if given_up else []
    return await _count(tx, connection_id, items.c.wanted, items.c.stock_error.is_not(None), *spent)


async def _count(tx: Tx, connection_id: UUID, *conditions: ColumnElement[bool]) -> Found:
    some = select(items.c.retailer_id).where(items.c.connection_id == connection_id, *conditions).limit(MOST_COUNTED)
    names = some.subquery()
    first = select(names.c.retailer_id).order_by(names.c.retailer_id).limit(MOST_SAMPLES)
    count = await tx.scalar(select(func.count()).select_from(names))
    return Found(int(count or 0), list(await tx.scalars(first)) if count else [])


async def to_hide(tx: Tx, connection_id: UUID, *, at: datetime, limit: int) -> list[str]:
    """List items to show as out of stock: unconfirmed for long and not hidden yet."""
    overdue = items.c.unconfirmed, items.c.unconfirmed_time <= at - LATE, ~items.c.hidden
    mine = select(items.c.retailer_id).where(items.c.connection_id == connection_id, *overdue)
    return list(await tx.scalars(mine.limit(limit)))


async def to_show(tx: Tx, connection_id: UUID, *, hiding: bool, limit: int) -> list[str]:
    """List hidden items to show again: those Meta confirmed meanwhile; all of them when the rule no longer hides."""
    over = or_(~items.c.unconfirmed, literal(not hiding))
    mine = select(items.c.retailer_id).where(items.c.connection_id == connection_id, items.c.hidden, over)
    return list(await tx.scalars(mine.limit(limit)))


async def set_hidden(tx: Tx, connection_id: UUID, names: Sequence[str], *, hidden: bool) -> None:
    """Hide locked items, or show them again."""
    mine = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
    await tx.execute(update(items).where(*mine).values(hidden=hidden), {"names": list(names)})


async def at_edge(tx: Tx, *, at: datetime, limit: int) -> tuple[UUID, list[str]] | None:
    """List items of one connection whose sale began or ended; None when there are none."""
    passed = exists().where(_THEIRS, items.c.edge_time <= at)
    connection_id: UUID | None = await tx.scalar(select(connections.c.id).where(*_SELLING, passed).limit(1))
    if connection_id is None:
        return None
    mine = items.c.connection_id == connection_id, items.c.edge_time <= at
    some = select(items.c.retailer_id).where(*mine).order_by(items.c.edge_time, items.c.retailer_id).limit(limit)
    return connection_id, list(await tx.scalars(some))


async def pass_edge(tx: Tx, connection_id: UUID, names: Sequence[str], *, at: datetime) -> None:
    """Have locked items sent again that were last sent on the other side of an edge of their sale, and look at the next edge."""
    mine = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
    other_side = items.c.send_time < items.c.edge_time
    anew = {"sent_offer": None, "offer_tries": 0}
    given = {"names": list(names)}
    await tx.execute(update(items).where(*mine, other_side).values(**anew), given)
    await tx.execute(update(items).where(*mine).values(edge_look_time=at), given)
