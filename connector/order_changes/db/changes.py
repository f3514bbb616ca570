"""Cancellations, refunds and payments: kept once each; what is kept already is not news."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Table, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Tx, plain
from connector.order_changes.db.tables import order_cancellations, order_payments, order_refunds
from connector.order_changes.model.changes import Cancellation, Part, Payment, Refund
from connector.orders.db.tables import orders
from connector.orders.db.watching import KNOWN_FOR
from connector.orders.model.values import Order

Change = TypeVar("Change", Cancellation, Refund)


async def cancellations(tx: Tx, order_id: UUID) -> dict[str, Cancellation]:
    """Find the cancellations of an order, by Meta's id."""
    return await _known(tx, order_cancellations, Cancellation, order_id)


async def refunds(tx: Tx, order_id: UUID) -> dict[str, Refund]:
    """Find the refunds of an order, by Meta's id."""
    return await _known(tx, order_refunds, Refund, order_id)


async def _known(tx: Tx, table: Table, kind: type[Change], order_id: UUID) -> dict[str, Change]:
    rows = await tx.execute(select(*(table.c[name] for name in kind._fields)).where(table.c.order_id == order_id))
    found = [kind(**dict(row._mapping) | {"parts": tuple(Part(*one) for one in row.parts)}) for row in rows]  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return {one.external_id: one for one in found}


async def keep_cancellations(
    tx: Tx, order: Order, new: Sequence[Cancellation], commands: Mapping[str, UUID], *, at: datetime
) -> None:
    """Keep cancellations that were not known."""
    await _keep(tx, order_cancellations, order, new, commands, at=at)


async def keep_refunds(
    tx: Tx, order: Order, new: Sequence[Refund], commands: Mapping[str, UUID], *, at: datetime
) -> None:
    """Keep refunds that were not known."""
    await _keep(tx, order_refunds, order, new, commands, at=at)


async def _keep(
    tx: Tx, table: Table, order: Order, new: Sequence[Change], commands: Mapping[str, UUID], *, at: datetime
) -> None:
    owner = {"order_id": order.id, "store_id": order.store_id, "create_time": at}
    rows: list[dict[str, Any]] = [
        {**owner, **written(one._asdict()), "command_id": commands.get(one.external_id)}
        for one in new
    ]  # fmt: skip
    if rows:
        await tx.execute(insert(table).values(rows))


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write values of Meta's for a table: parts as lists, texts without what PostgreSQL refuses."""
    texts = {name: plain(value) for name, value in values.items() if isinstance(value, str)}
    return {**values, **texts, "parts": [[plain(part.line_id), *part[1:]] for part in values.get("parts", ())]}


async def keep_payments(tx: Tx, order: Order, told: Sequence[Payment], *, at: datetime) -> None:
    """Keep payments as Meta tells them now; one that is captured at last counts from now."""
    if not told:
        return
    owner = {"order_id": order.id, "store_id": order.store_id, "create_time": at}
    wish = insert(order_payments).values([{**owner, **one._asdict()} for one in told])
    new, table = wish.excluded, order_payments.c
    changed = (table.total != new.total) | (table.tax != new.tax) | (table.captured != new.captured)
    newest = {name: new[name] for name in ("total", "tax", "captured", "create_time")}
    await tx.execute(wish.on_conflict_do_update(index_elements=["order_id", "external_id"], set_=newest, where=changed))


async def note_read(tx: Tx, order_id: UUID, *, upto: datetime) -> None:
    """Note that all that was done to an order up to Meta's time is told."""
    await tx.execute(update(orders).where(orders.c.id == order_id).values(changes_read_time=upto))


async def uncaptured_since(tx: Tx, order_id: UUID) -> datetime | None:
    """Tell since when a payment of an order waits to be captured; None when none does."""
    table = order_payments.c
    waiting = select(func.min(table.create_time)).where(table.order_id == order_id, ~table.captured)
    found: datetime | None = await tx.scalar(waiting)
    return found


_FORGET = text(
    """
    UPDATE order_cancellations SET description = '' WHERE ctid IN (
        SELECT done.ctid FROM order_cancellations AS done JOIN orders ON orders.id = done.order_id
        WHERE done.description <> '' AND orders.over_time < :before LIMIT :limit)
    """
)


async def forget_words(tx: Tx, *, at: datetime, limit: int = 5_000) -> bool:
    """Forget why pieces of orders that are long over were cancelled, in people's words; tells whether there may be more."""
    return (await tx.execute(_FORGET, {"before": at - KNOWN_FOR, "limit": limit})).rowcount == limit
