"""Periodic work: a task per kind, and per kind and connection, that exists at all times.

A task of the service is due one period after the last one ended. A task of a connection comes back by itself, as its action
says (`outbox.again`); the first is spread over the period, by the connection's id. Kept by the relays: however many there are,
a kind has one task, since they share its key. What was missed is made up for once.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select, text

from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx

EVERY: Mapping[Task, timedelta] = {
    Task.SWEEP: timedelta(hours=1),
    Task.REWRAP_TOKENS: timedelta(minutes=5),
    Task.WATCH_META: timedelta(hours=1),
    Task.WATCH_APP_WEBHOOKS: timedelta(hours=1),
    Task.WATCH_INSTALLATIONS: timedelta(hours=1),
    Task.WATCH_CONSUMERS: timedelta(minutes=5),
    Task.EXPIRE_HOLDS: timedelta(seconds=15),
    Task.WATCH_STOCK: timedelta(minutes=1),
    Task.PASS_EDGES: timedelta(minutes=1),
    Task.WATCH_ORDERS: timedelta(minutes=1),
}
EVERY_CONNECTION: Mapping[Task, timedelta] = {
    Task.FULL_SYNC: timedelta(hours=1),
    Task.DELTA_SYNC: timedelta(hours=1),
    Task.READ_BACK: timedelta(hours=1),
    Task.PULL_DIAGNOSTICS: timedelta(hours=1),
}
"""Begins with the go; the period spreads the first turns, and is how long one that failed rests."""
EVERY_LINKED: Mapping[Task, timedelta] = {
    Task.EXAMINE_CONNECTION: timedelta(hours=1),
    Task.INSPECT_TOKENS: timedelta(hours=6),
    Task.SYNC_TEMPLATES: timedelta(hours=6),
    Task.CHECK_SILENCE: timedelta(hours=1),
    Task.LOOK_UP_PEOPLE: timedelta(hours=1),
    Task.PULL_PAYOUTS: timedelta(hours=6),
    Task.POLL_ORDERS: timedelta(minutes=5),
}
"""The same, but begins with the link: a connection need not have a catalog."""
CHECKED_EVERY = timedelta(minutes=1)

_MISSING = text(
    """
    INSERT INTO tasks (name, key, connection_id, arguments, due_time)
    SELECT :name, 'every:' || :name || ':' || id, id, '{}',
        :at + :period * (abs(hashtextextended(:name || id, 0) % 10007) / 10007.0)
    FROM connections WHERE state = :state AND (:linked OR (catalog_go_time IS NOT NULL AND catalog_id <> ''))
    AND NOT EXISTS (SELECT FROM tasks WHERE tasks.key = 'every:' || :name || ':' || connections.id AND due_time IS NOT NULL)
    ON CONFLICT (key) DO UPDATE SET due_time = :at + :period, tries = 0, unfinished = 0 WHERE tasks.due_time IS NULL
    """
)


async def plan(
    tx: Tx,
    *,
    at: datetime,
    every: Mapping[Task, timedelta] = EVERY,
    every_connection: Mapping[Task, timedelta] = EVERY_CONNECTION,
    every_linked: Mapping[Task, timedelta] = EVERY_LINKED,
) -> None:
    """Ask for every kind of periodic work that nobody has asked for; one that failed gets another life.

    One of a connection gets it a period later, as long as the connection can be worked with: what Meta refused may be mended
    without us. Otherwise the next login brings it back.
    """
    keys = {f"every:{name}": name for name in every}
    alive = select(outbox.tasks.c.key).where(outbox.tasks.c.key.in_(keys), outbox.tasks.c.due_time.is_not(None))
    present = set((await tx.execute(alive)).scalars())
    for key, name in keys.items():
        if key not in present:
            await outbox.add(tx, name, key=key, due=at + every[name])
    for linked, kinds in ((False, every_connection), (True, every_linked)):
        for name, period in kinds.items():
            values = {"name": name, "at": at, "period": period, "state": State.CONNECTED, "linked": linked}
            await tx.execute(_MISSING, values)
