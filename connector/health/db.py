"""The status of many connections in one round trip, from our own tables only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from connector.connections.db import read_connection
from connector.connections.model import Problem
from connector.db.schema import Tx
from connector.health.model import PROBLEM_WINDOW, Backlog, Status, Throttle


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose status: a store's connection, or (None) its live ones."""

    store_id: str
    connection_id: UUID | None


_READ = text("""
    SELECT wanted.place, connections.*, items.counts, work.*, trouble.*, latest.*, signals.*,
        pauses.throttles, needs.alerts,
        (SELECT value FROM observations
         WHERE name = 'graph_version_drift:' || (CAST(:apps AS jsonb) ->> connections.environment)) AS drift,
        (SELECT time FROM observations WHERE name = 'last_confirm:' || connections.id) AS confirm_time,
        (SELECT time FROM observations WHERE name = 'last_receive:' || connections.id) AS receive_time
    FROM unnest(CAST(:stores AS text[]), CAST(:ids AS uuid[])) WITH ORDINALITY AS wanted (store_id, id, place)
    JOIN connections ON connections.store_id = wanted.store_id AND CASE
        WHEN wanted.id IS NULL THEN connections.state IN ('CONNECTED', 'NEEDS_LOGIN', 'DISCONNECTING')
        ELSE connections.id = wanted.id END
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE due_time IS NOT NULL AND starts_with(key, 'every:') IS NOT TRUE) AS task_count,
            count(*) FILTER (WHERE due_time IS NULL) AS failed_task_count,
            min(due_time) FILTER (WHERE due_time <= :now AND NOT leased) AS oldest_due_time
        FROM tasks WHERE connection_id = connections.id
    ) AS work
    CROSS JOIN LATERAL (
        SELECT count(*) AS problem_count FROM problems WHERE connection_id = connections.id AND time > :since
    ) AS trouble
    LEFT JOIN LATERAL (
        SELECT reason AS problem_reason, message AS problem_message, time AS problem_time, code, subcode
        FROM problems WHERE connection_id = connections.id ORDER BY time DESC, id DESC LIMIT 1
    ) AS latest ON true
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(state, count) AS counts FROM (
            SELECT state, sum(part) AS count FROM item_counts WHERE connection_id = connections.id GROUP BY state HAVING sum(part) <> 0
        ) AS grouped
    ) AS items
    CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM parked
                WHERE environment = connections.environment AND page_id = connections.page_id)
            + (SELECT count(*) FROM (SELECT body FROM deliveries WHERE state = 'WAITING' LIMIT 1000) AS new
               WHERE position(convert_to('"' || connections.page_id || '"', 'UTF8') IN new.body) > 0
            ) AS waiting_signal_count,
            (SELECT count(*) FROM signals WHERE state = 'QUARANTINED'
             AND environment = connections.environment AND page_id = connections.page_id) AS quarantined_signal_count
    ) AS signals
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object(
            'bucket', split_part(bucket, ':', 1), 'until_time', greatest(pause_time, breaker_time),
            'reason', CASE WHEN pause_time > :now THEN 'META_THROTTLED' ELSE 'META_UNAVAILABLE' END) ORDER BY bucket
        ) AS throttles
        FROM budgets WHERE (pause_time > :now OR breaker_time > :now)
        AND (bucket = 'app:' || (CAST(:apps AS jsonb) ->> connections.environment)
            OR split_part(bucket, ':', 2) IN (connections.page_id, connections.catalog_id))
    ) AS pauses
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(to_jsonb(alerts) - '{connection_id,update_time}'::text[] ORDER BY since_time, reason) AS alerts
        FROM alerts WHERE connection_id = connections.id
    ) AS needs
    ORDER BY wanted.place, connections.create_time
""")


async def read(tx: Tx, wanted: Sequence[Wanted], *, apps: Mapping[str, str], at: datetime) -> list[list[Status]]:
    """Read the statuses of all that is wanted, in its order; several for a store with several live connections.

    `apps` names our Meta app in each environment.
    """
    values = {
        "stores": [one.store_id for one in wanted],
        "ids": [one.connection_id for one in wanted],
        "now": at,
        "apps": orjson.dumps(apps).decode(),
        "since": at - PROBLEM_WINDOW,
    }
    found: list[list[Status]] = [[] for _ in wanted]
    for row in await tx.execute(_READ, values):
        found[row.place - 1].append(_status(row._mapping))  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return found


def _status(row: Mapping[Any, Any]) -> Status:
    problem = row["problem_reason"] and Problem(
        row["problem_reason"], row["problem_message"], row["problem_time"], row["code"], row["subcode"]
    )
    return Status(
        connection=read_connection(row),
        items=_counts(row["counts"] or {}),
        backlog=Backlog(row["task_count"], row["failed_task_count"], row["oldest_due_time"]),
        waiting_signal_count=row["waiting_signal_count"],
        quarantined_signal_count=row["quarantined_signal_count"],
        last_receive_time=row["receive_time"],
        last_confirm_time=row["confirm_time"],
        last_problem=problem or None,
        problem_count=row["problem_count"],
        throttles=tuple(_throttle(told) for told in row["throttles"] or ()),
        graph_version_drift=row["drift"] or "",
        alerts=tuple(_alert(one) for one in row["alerts"] or ()),
    )


def _alert(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "since_time": datetime.fromisoformat(row["since_time"])}


def _throttle(told: Mapping[str, str]) -> Throttle:
    return Throttle(told["bucket"], datetime.fromisoformat(told["until_time"]), told["reason"])


def _counts(states: Mapping[str, int]) -> Mapping[str, int]:
    """Count items the way the contract tells their states; what is removed is no item any more."""
    counts: Counter[str] = Counter()
    for state, count in states.items():
        if state != "REMOVED":
            counts["removing" if state.startswith("REMOVAL_") else state.lower()] += count
    return counts
