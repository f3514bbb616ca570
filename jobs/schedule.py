"""Periodic work: a task per kind that exists at all times, due one period after the last one ended.

Kept by the relays. However many there are, a kind has one task, since they share its key.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx

EVERY: Mapping[Task, timedelta] = {Task.SWEEP: timedelta(hours=1)}
CHECKED_EVERY = timedelta(minutes=1)


async def plan(tx: Tx, *, at: datetime, every: Mapping[Task, timedelta] = EVERY) -> None:
    """Ask for every kind of periodic work that nobody has asked for; one that failed gets another life."""
    keys = {f"every:{name}": name for name in every}
    alive = select(outbox.tasks.c.key).where(outbox.tasks.c.key.in_(keys), outbox.tasks.c.due_time.is_not(None))
    present = set((await tx.execute(alive)).scalars())
    for key, name in keys.items():
        if key not in present:
            await outbox.add(tx, name, key=key, due=at + every[name])
