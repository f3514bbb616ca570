"""The time of real processes, moved: what waits in some stores' orders comes nearer by so much. Nothing else of a stack hurries.

Only when all is quiet may time pass, so nobody's turn is overtaken by it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg

_POLL_SECONDS = 0.05
_NAMES = ["IMPORT_ORDERS", "READ_ORDER", "READ_CHANGES", "ACKNOWLEDGE_ORDERS", "SEND_ORDER_COMMANDS"]
_OURS = "connection_id IN (SELECT id FROM connections WHERE store_id = ANY (%(stores)s))"
_BUSY = f"SELECT count(*) FROM tasks WHERE {_OURS} AND (leased OR due_time <= now())"  # noqa: S608 – words of ours
_WAITING = f"SELECT count(*) FROM tasks WHERE {_OURS} AND due_time IS NOT NULL AND name = ANY (%(names)s)"  # noqa: S608 – as above
_LOOK = f"UPDATE tasks SET due_time = now() WHERE {_OURS} AND name = 'POLL_ORDERS' AND NOT leased AND due_time < now() + %(time)s"  # noqa: S608 – as above
_PASS = f"""
    WITH commands AS (
        UPDATE order_commands SET retry_time = retry_time - %(time)s WHERE {_OURS} AND retry_time IS NOT NULL
    ), acknowledgements AS (
        UPDATE orders SET acknowledge_due_time = acknowledge_due_time - %(time)s
        WHERE {_OURS} AND acknowledge_due_time IS NOT NULL
    ), breakers AS (
        UPDATE budgets SET breaker_time = breaker_time - %(time)s
        WHERE bucket IN (SELECT 'pages:' || page_id FROM connections WHERE store_id = ANY (%(stores)s))
    ), waiting AS (
        UPDATE tasks SET due_time = due_time - %(time)s WHERE {_OURS} AND NOT leased AND name = ANY (%(names)s)
    )
    SELECT pg_notify('tasks_due', name) FROM unnest(%(names)s::text[]) AS name
"""  # noqa: S608 – as above


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of some stores of a running stack."""

    database_url: str
    stores: Sequence[str]

    def wait_until_quiet(self, *, seconds: float) -> None:
        """Wait until nothing of the stores is due or under way."""
        end = time.monotonic() + seconds
        with psycopg.connect(self.database_url, autocommit=True) as database:
            while (left := self._count(database, _BUSY)) > 0:
                if time.monotonic() > end:
                    raise AssertionError(f"{left} tasks are still busy after {seconds:g} s")
                time.sleep(_POLL_SECONDS)

    def let_pass(self, passed: timedelta) -> None:
        """Let time pass for whatever waits in the stores' orders."""
        with psycopg.connect(self.database_url) as database:
            database.execute(_PASS, {**self._told, "time": passed})

    def waits(self) -> int:
        """Count what waits for a time to come."""
        with psycopg.connect(self.database_url) as database:
            return self._count(database, _WAITING)

    def look_for_orders(self, *, within: timedelta) -> None:
        """Let the time come at which the stores look for orders by themselves, which must be near."""
        with psycopg.connect(self.database_url) as database:
            moved = database.execute(_LOOK, {**self._told, "time": within}).rowcount
        assert len(self.stores) == moved, f"of {len(self.stores)} stores {moved} look for orders within {within}"

    @property
    def _told(self) -> dict[str, object]:
        return {"stores": list(self.stores), "names": _NAMES}

    def _count(self, database: psycopg.Connection, question: str) -> int:
        row = database.execute(question, self._told).fetchone()
        return int(row[0]) if row else 0
