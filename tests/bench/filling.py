"""Orders that came long ago, written by SQL: copies of one that was imported, done with, so that only their number tells."""

import psycopg

# What differs from copy to copy; the rest is as the import left it.
_PATTERN = (
    "(SELECT id FROM orders WHERE connection_id = %(connection)s AND import_state = 'IMPORTING' ORDER BY id LIMIT 1)"
)
_ORDERS = f"""
    INSERT INTO orders SELECT copy.* FROM orders o, generate_series(%(first)s::int, %(last)s::int) n,
        LATERAL (SELECT o.order_time - n * interval '2 minutes' AS placed, o.order_time - n * interval '1 minute' AS shipped) t,
        LATERAL json_populate_record(o, json_build_object(
            'id', md5('order' || n)::uuid, 'external_order_id', 'old' || n, 'local_order_id', 'local' || n, 'order_time', placed,
            'import_state', 'ACKNOWLEDGED', 'state', 'COMPLETED', 'hold_expire_time', NULL, 'answer_time', placed,
            'update_time', shipped, 'read_update_time', shipped, 'changes_read_time', shipped, 'acknowledge_time', shipped,
            'over_time', shipped)) copy
    WHERE o.id = {_PATTERN}
"""  # noqa: S608 – words of ours
_LINES = f"""
    INSERT INTO order_lines SELECT copy.* FROM order_lines l, generate_series(%(first)s::int, %(last)s::int) n,
        LATERAL json_populate_record(l, json_build_object('order_id', md5('order' || n)::uuid)) copy
    WHERE l.order_id = {_PATTERN}
"""  # noqa: S608 – words of ours


def fill_orders(database_url: str, connection_id: str, total: int) -> None:
    """Have at least so many orders of a connection."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM orders WHERE connection_id = %s", (connection_id,)).fetchone()
        given = {"connection": connection_id, "first": (row[0] if row else 0) + 1, "last": total}
        connection.execute("SET session_replication_role = replica")  # nothing is asked of each row
        connection.execute(_ORDERS, given)
        connection.execute(_LINES, given)
        # So that none of it comes later.
        for tidying in ("RESET session_replication_role", "VACUUM ANALYZE", "CHECKPOINT"):
            connection.execute(tidying)
