"""The hot path: many requests, one statement, one round trip, one commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from connector.db.outbox import CHANNEL, Task
from connector.webhooks.db.tables import KEY
from connector.webhooks.model import Arrival, digest

# The wish says what outbox.add says; a test holds the two together.
_KEEP = f"""
    WITH kept AS (
        INSERT INTO deliveries (environment, body, digest, signature, receive_time, state)
        SELECT *, %(at)s, 'WAITING' FROM unnest(%(environments)s::text[], %(bodies)b::bytea[], %(digests)b::bytea[],
            %(signatures)s::text[])
    ), wish AS (
        INSERT INTO tasks (name, key, arguments, due_time) VALUES ('{Task.PROCESS_DELIVERY}', '{KEY}', '{{}}', %(at)s)
        ON CONFLICT (key) DO UPDATE SET wishes = tasks.wishes + 1, due_time = CASE
            WHEN tasks.due_time IS NULL THEN excluded.due_time
            WHEN tasks.leased OR tasks.reason IS NOT NULL THEN tasks.due_time
            ELSE least(tasks.due_time, excluded.due_time) END,
            tries = CASE WHEN tasks.due_time IS NULL THEN 0 ELSE tasks.tries END,
            reason = CASE WHEN tasks.due_time IS NULL THEN NULL ELSE tasks.reason END
        RETURNING leased
    )
    SELECT pg_notify('{CHANNEL}', '{Task.PROCESS_DELIVERY}') FROM wish WHERE NOT leased
"""  # noqa: S608 – only constants of ours are written in


async def keep(connection: psycopg.AsyncConnection[Any], arrivals: Sequence[Arrival], *, at: datetime) -> None:
    """Keep what arrived and ask for the task, all in one statement: on an autocommitting connection that is the commit.

    Speaks to the driver itself: this is the one place where SQLAlchemy's share of the time would count.
    """
    values = {
        "environments": [str(arrival.environment) for arrival in arrivals],
        "bodies": [arrival.body for arrival in arrivals],
        "digests": [digest(arrival.body) for arrival in arrivals],
        "signatures": [arrival.signature for arrival in arrivals],
        "at": at,
    }
    await connection.execute(_KEEP, values, prepare=True)
