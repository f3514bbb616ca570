"""Orders and their lines: found, locked, changed, listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update

from connector.db.schema import Tx
from connector.db.sets import alteration, insertion, octets, sent
from connector.orders.db.tables import order_lines, orders
from connector.orders.model.states import ImportState, State
from connector.orders.model.values import Channel, Discount, Line, Option, Order, Problem, Sums

_PLAIN = [name for name in Order.__slots__ if name not in {"sums", "problem", "lines"}]
_PROBLEM = ("problem_reason", "problem_message", "problem_time", "try_count", "retry_time")
_SHOWN = [orders.c[name] for name in (*_PLAIN, *Sums._fields, *_PROBLEM)]
_LINE = [order_lines.c[name] for name in Line.__slots__]


def _read(row: Any, lines: Sequence[Line]) -> Order:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    amounts = [values.pop(name) for name in Sums._fields]
    told = [values.pop(name) for name in _PROBLEM]
    read = {
        "channel": Channel(values["channel"]) if values["channel"] else None,
        "state": State(values["state"]),
        "import_state": ImportState(values["import_state"]),
        "shipping_option": Option(*values["shipping_option"]) if values["shipping_option"] else None,
        "discounts": tuple(Discount(*one) for one in values["discounts"]),
        "hold_ids": tuple(values["hold_ids"]),
        "digest": bytes(values["digest"]),
    }
    sums = Sums(*amounts) if amounts[-3] is not None else None
    return Order(**values | read, sums=sums, problem=Problem(*told) if told[0] else None, lines=tuple(lines))


def _read_line(row: Any) -> Line:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    values.pop("order_id")
    option = values["shipping_option"]
    return Line(**values | {"shipping_option": Option(*option) if option else None})


async def _with_lines(tx: Tx, rows: Sequence[Any]) -> list[Order]:
    if not rows:
        return []
    mine = select(order_lines.c.order_id, *_LINE).where(order_lines.c.order_id.in_([row.id for row in rows]))
    lines: dict[UUID, list[Line]] = {row.id: [] for row in rows}
    for row in await tx.execute(mine.order_by(order_lines.c.position)):
        lines[row.order_id].append(_read_line(row))
    return [_read(row, lines[row.id]) for row in rows]


async def _one(tx: Tx, *which: Any, lock: bool) -> Order | None:
    wanted = select(*_SHOWN).where(*which)
    rows = (await tx.execute(wanted.with_for_update() if lock else wanted)).all()
    found = await _with_lines(tx, rows)
    return found[0] if found else None


async def by_id(tx: Tx, order_id: UUID, *, lock: bool = False) -> Order | None:
    """Find an order by our id, for background work."""
    return await _one(tx, orders.c.id == order_id, lock=lock)


async def by_ids(tx: Tx, order_ids: Collection[UUID]) -> list[Order]:
    """Find orders by our ids."""
    return await _with_lines(tx, (await tx.execute(select(*_SHOWN).where(orders.c.id.in_(order_ids)))).all())


async def find(tx: Tx, store_id: str, order_id: UUID, *, lock: bool = False) -> Order | None:
    """Find a store's order by our id; `lock` keeps it from changing."""
    return await _one(tx, orders.c.id == order_id, orders.c.store_id == store_id, lock=lock)


async def by_external_id(tx: Tx, store_id: str, external_order_id: str) -> Order | None:
    """Find a store's order by Meta's id."""
    named = orders.c.store_id == store_id, orders.c.external_order_id == external_order_id
    return await _one(tx, *named, lock=False)


async def by_local_id(tx: Tx, store_id: str, local_order_id: str) -> Order | None:
    """Find a store's order by StormCom's id."""
    named = orders.c.store_id == store_id, orders.c.local_order_id == local_order_id
    return await _one(tx, *named, lock=False)


async def change(tx: Tx, order: Order, **values: Any) -> Order:
    """Change a locked order; amounts and problems by their columns' names. Tells it as it is now."""
    changed = update(orders).where(orders.c.id == order.id).values(**values).returning(*_SHOWN)
    return _read((await tx.execute(changed)).one(), order.lines)


async def change_each(tx: Tx, changes: Sequence[tuple[Order, Mapping[str, Any]]]) -> list[Order]:
    """Change locked orders, each to values of its own, all in the same columns; tells them as they are now."""
    rows = [{"id": order.id, **values, "digest": octets(values["digest"])} for order, values in changes]
    changed = alteration(orders, tuple(changes[0][1])).returning(*_SHOWN)
    found = {row.id: row for row in await tx.execute(changed, sent(rows))}
    return [_read(found[order.id], order.lines) for order, _ in changes]


async def lock_each(tx: Tx, order_ids: Collection[UUID]) -> list[Order]:
    """Find orders by our ids, and keep them from changing."""
    locked = select(*_SHOWN).where(orders.c.id.in_(order_ids)).order_by(orders.c.id).with_for_update()
    return await _with_lines(tx, (await tx.execute(locked)).all())


async def confirm(tx: Tx, order_ids: Collection[UUID]) -> None:
    """Note that what is kept of orders to which nothing was done is all there is."""
    known = {"read_update_time": orders.c.update_time, "changes_read_time": orders.c.update_time}
    await tx.execute(update(orders).where(orders.c.id.in_(order_ids)).values(**known))


async def add_lines(tx: Tx, some: Collection[Order]) -> None:
    """Keep the lines of orders that have none yet."""
    rows = [_line(order.id, place, line) for order in some for place, line in enumerate(order.lines)]
    await tx.execute(insertion(order_lines, tuple(rows[0])), sent(rows))


async def write_lines(tx: Tx, order_id: UUID, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Keep an order's lines as they are read now, and what was refunded of a known line as it was; tells them as they are kept."""
    refunded = select(order_lines.c.line_id, order_lines.c.refunded_quantity).where(order_lines.c.order_id == order_id)
    known = {row.line_id: row.refunded_quantity for row in await tx.execute(refunded)}
    if known:
        await tx.execute(delete(order_lines).where(order_lines.c.order_id == order_id))
    kept = tuple(replace(line, refunded_quantity=known.get(line.line_id, 0)) for line in lines)
    rows = [_line(order_id, place, line) for place, line in enumerate(kept)]
    await tx.execute(insertion(order_lines, tuple(rows[0])), sent(rows))
    return kept


def _line(order_id: UUID, position: int, line: Line) -> dict[str, Any]:
    option = list(line.shipping_option) if line.shipping_option else None
    same = {name: getattr(line, name) for name in Line.__slots__}
    return same | {"order_id": order_id, "position": position, "shipping_option": option}


class Filter(NamedTuple):
    """Which orders to list."""

    state: State | None = None
    import_state: ImportState | None = None
    channel: Channel | None = None
    from_time: datetime | None = None
    until_time: datetime | None = None


async def page(
    tx: Tx, connection_id: UUID, which: Filter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Order]:
    """List orders, the last placed first, behind a place."""
    table = orders.c
    same: Mapping[str, Any] = {"state": which.state, "import_state": which.import_state, "channel": which.channel}
    wanted = select(*_SHOWN).where(table.connection_id == connection_id)
    for name, value in same.items():
        wanted = wanted.where(table[name] == value) if value is not None else wanted
    if which.from_time is not None:
        wanted = wanted.where(table.order_time >= which.from_time)
    if which.until_time is not None:
        wanted = wanted.where(table.order_time < which.until_time)
    if after is not None:
        wanted = wanted.where(tuple_(table.order_time, table.id) < after)
    ordered = wanted.order_by(table.order_time.desc(), table.id.desc()).limit(limit)
    return await _with_lines(tx, (await tx.execute(ordered)).all())


class Counts(NamedTuple):
    """How many orders of a connection wait for whom, and when the oldest that StormCom does not have was placed."""

    unanswered: int
    quarantined: int
    unacknowledged: int
    unread: int
    oldest_open_time: datetime | None

    @property
    def open(self) -> int:
        """Count all that wait for StormCom or for Meta."""
        return self.unanswered + self.quarantined + self.unacknowledged + self.unread


_OPEN = ImportState.SEEN, ImportState.RESERVED, ImportState.IMPORTING, ImportState.QUARANTINED


async def count(tx: Tx, connection_id: UUID) -> Counts:
    """Count a connection's orders that are not through."""
    unread = orders.c.import_state.in_([ImportState.SEEN, ImportState.RESERVED])
    groups = orders.c.import_state == ImportState.IMPORTING, orders.c.import_state == ImportState.QUARANTINED, unread
    unanswered, quarantined, waiting = (func.count().filter(group) for group in groups)
    oldest = func.min(orders.c.order_time).filter(orders.c.local_order_id == "")
    mine = orders.c.connection_id == connection_id
    # By itself: each of the two has an index of its own, however many orders are through.
    imported = select(func.count()).where(mine, orders.c.import_state == ImportState.IMPORTED).scalar_subquery()
    wanted = select(unanswered, quarantined, imported, waiting, oldest).where(mine, orders.c.import_state.in_(_OPEN))
    return Counts(*(await tx.execute(wanted)).one())
