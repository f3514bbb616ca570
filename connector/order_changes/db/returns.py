"""Returns, each once under Meta's id; they only go on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Tx
from connector.order_changes.db.changes import written
from connector.order_changes.db.tables import order_returns
from connector.order_changes.model.changes import Part
from connector.order_changes.model.returns import Return, State
from connector.orders.db.watching import KNOWN_FOR
from connector.orders.model.values import Order

_SHOWN = [order_returns.c[name] for name in Return.__slots__]


def _read(row: Any) -> Return:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    words = {"state": State(values["state"]), "parts": tuple(Part(*one) for one in values["parts"])}
    return Return(**values | words)


async def of_order(tx: Tx, order_id: UUID) -> dict[str, Return]:
    """Find the returns of an order, by Meta's id."""
    rows = await tx.execute(select(*_SHOWN).where(order_returns.c.order_id == order_id))
    return {row.external_id: _read(row) for row in rows}


async def keep(tx: Tx, order: Order, one: Return) -> None:
    """Keep a return as it is now."""
    values = written({name: getattr(one, name) for name in Return.__slots__})
    wish = insert(order_returns).values(**values, store_id=order.store_id, connection_id=order.connection_id)
    newest = {name: wish.excluded[name] for name in ("state", "merchant_return_id", "parts", "message", "update_time")}
    await tx.execute(wish.on_conflict_do_update(index_elements=["order_id", "external_id"], set_=newest))


async def page(
    tx: Tx,
    connection_id: UUID,
    *,
    order_id: UUID | None,
    state: State | None,
    after: tuple[datetime, UUID, str] | None,
    limit: int,
) -> Sequence[Return]:
    """List returns, the newest first, behind a place."""
    table = order_returns.c
    wanted = select(*_SHOWN).where(table.connection_id == connection_id)
    if order_id is not None:
        wanted = wanted.where(table.order_id == order_id)
    if state is not None:
        wanted = wanted.where(table.state == state)
    place = tuple_(table.create_time, table.order_id, table.external_id)
    if after is not None:
        wanted = wanted.where(place < after)
    ordered = wanted.order_by(table.create_time.desc(), table.order_id.desc(), table.external_id.desc()).limit(limit)
    return [_read(row) for row in await tx.execute(ordered)]


_FORGET = text(
    """
    UPDATE order_returns SET message = '', reason = '' WHERE ctid IN (
        SELECT asked.ctid FROM order_returns AS asked JOIN orders ON orders.id = asked.order_id
        WHERE asked.message || asked.reason <> '' AND orders.over_time < :before LIMIT :limit)
    """
)


async def forget_words(tx: Tx, *, at: datetime, limit: int = 5_000) -> bool:
    """Forget what buyers wrote about returns of orders that are long over; tells whether there may be more."""
    return (await tx.execute(_FORGET, {"before": at - KNOWN_FOR, "limit": limit})).rowcount == limit
