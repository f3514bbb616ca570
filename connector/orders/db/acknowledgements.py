"""Orders that StormCom has and Meta is still to be told of: in batches, each under a key that is kept before the first attempt."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update

from connector.db.schema import Tx
from connector.orders.db.tables import orders
from connector.orders.model.states import ImportState


class Waiting(NamedTuple):
    """One order of a batch: by our id, Meta's and StormCom's; `tries` counts the attempts before, `rounds` how often they were given up."""

    id: UUID
    external_order_id: str
    local_order_id: str
    tries: int
    rounds: int


class Batch(NamedTuple):
    """The orders that are acknowledged under one key."""

    key: str
    orders: tuple[Waiting, ...]


_SHOWN = (
    orders.c.id,
    orders.c.external_order_id,
    orders.c.local_order_id,
    orders.c.acknowledge_tries,
    orders.c.try_count,
)


async def next_batch(tx: Tx, connection_id: UUID, *, key: str, at: datetime, limit: int) -> Batch | None:
    """Tell whom to acknowledge now: again the batch whose outcome is unknown, else those that wait, under the new `key`."""
    mine = orders.c.connection_id == connection_id, orders.c.import_state == ImportState.IMPORTED
    due = orders.c.acknowledge_due_time <= at
    begun = select(orders.c.acknowledge_key).where(*mine, orders.c.acknowledge_key.is_not(None), due)
    if open_key := await tx.scalar(begun.order_by(orders.c.acknowledge_due_time, orders.c.id).limit(1)):
        rows = await tx.execute(
            select(*_SHOWN).where(*mine, orders.c.acknowledge_key == open_key).order_by(orders.c.id)
        )
        return Batch(open_key, tuple(Waiting(*row) for row in rows))
    new = select(orders.c.id).where(*mine, orders.c.acknowledge_key.is_(None), due)
    some = new.order_by(orders.c.acknowledge_due_time, orders.c.id).limit(limit).with_for_update(skip_locked=True)
    keyed = update(orders).where(orders.c.id.in_(some)).values(acknowledge_key=key).returning(*_SHOWN)
    taken = sorted(Waiting(*row) for row in await tx.execute(keyed))
    return Batch(key, tuple(taken)) if taken else None


async def delay(tx: Tx, ids: Sequence[UUID], *, due: datetime, same_key: bool) -> None:
    """Have orders acknowledged again at a time; after an answer under a new key, after none under the same."""
    values = {"acknowledge_due_time": due, "acknowledge_tries": orders.c.acknowledge_tries + 1}
    again = values if same_key else values | {"acknowledge_key": None}
    await tx.execute(update(orders).where(orders.c.id.in_(ids)).values(**again))


async def forget_key(tx: Tx, key: str) -> None:
    """Have a batch go under a new key next time: Meta answered this one."""
    await tx.execute(update(orders).where(orders.c.acknowledge_key == key).values(acknowledge_key=None))


async def next_due(tx: Tx, connection_id: UUID) -> datetime | None:
    """Tell when the next order of a connection is to be acknowledged."""
    mine = orders.c.connection_id == connection_id, orders.c.import_state == ImportState.IMPORTED
    due: datetime | None = await tx.scalar(select(func.min(orders.c.acknowledge_due_time)).where(*mine))
    return due


FIRST_PAUSE, LONGER_PAUSE, SHORT_PAUSE = timedelta(minutes=10), timedelta(minutes=20), timedelta(minutes=1)
