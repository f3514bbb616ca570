"""The least that keeping orders can cost: the rows that their import left, written again by hand into tables alike, a transaction an order.

CPU is this process's and PostgreSQL's. Nothing is asked, read, checked or planned.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import LiteralString

import psycopg

_WRITTEN: Sequence[LiteralString] = ("orders", "order_lines", "holds", "hold_lines", "events")
_READ = """
    SELECT o.id, to_json(o)::text, (SELECT json_agg(l)::text FROM order_lines l WHERE l.order_id = o.id),
        (SELECT json_agg(h)::text FROM holds h WHERE h.connection_id = o.connection_id AND h.reference = o.id::text),
        (SELECT json_agg(l)::text FROM holds h JOIN hold_lines l ON l.hold_id = h.id
            WHERE h.connection_id = o.connection_id AND h.reference = o.id::text),
        (SELECT json_agg(e)::text FROM events e WHERE e.ordering_key = 'order:' || o.id)
    FROM orders o WHERE tell_time IS NOT NULL ORDER BY tell_time DESC LIMIT %s
"""
_RESERVE = """
    UPDATE byhand.items SET reserved = items.reserved + l.quantity FROM byhand.orders o, byhand.order_lines l
    WHERE o.id = %s AND l.order_id = o.id AND items.connection_id = o.connection_id AND items.retailer_id = l.retailer_id
"""


async def spend_by_hand(database_url: str, orders: int, *, postgres_cpu: Callable[[], float]) -> float:
    """Write the orders that came last once more; tells the CPU seconds of each."""
    return await asyncio.to_thread(_spend, database_url, orders, postgres_cpu)


def _spend(database_url: str, orders: int, postgres_cpu: Callable[[], float]) -> float:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS byhand CASCADE")
        connection.execute("CREATE SCHEMA byhand")
        for name in (*_WRITTEN, "items"):
            connection.execute(f"CREATE TABLE byhand.{name} (LIKE public.{name} INCLUDING ALL EXCLUDING GENERATED)")
        connection.execute("INSERT INTO byhand.items SELECT * FROM public.items")
        connection.execute("ANALYZE byhand.items")
        rows = connection.execute(_READ, (orders,)).fetchall()
        before, begin = postgres_cpu(), time.thread_time()
        for order_id, *documents in rows:
            with connection.transaction():
                for name, document in zip(_WRITTEN, documents, strict=True):
                    connection.execute(_insertion(name), (document if name != "orders" else f"[{document}]",))
                connection.execute(_RESERVE, (order_id,))
        spent = time.thread_time() - begin + postgres_cpu() - before
        connection.execute("DROP SCHEMA byhand CASCADE")
    return spent / len(rows)


def _insertion(table: LiteralString) -> LiteralString:
    whole = f"NULL::byhand.{table}"
    return f"INSERT INTO byhand.{table} SELECT * FROM json_populate_recordset({whole}, %s)"  # noqa: S608 – names of ours
