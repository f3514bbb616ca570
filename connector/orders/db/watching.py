"""What is wrong with a connection's orders, counted for alerts; and the forgetting of who bought."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, text

from connector.db.schema import Tx

KNOWN_FOR = timedelta(days=90)
"""For how long after an order is over it tells who bought."""
_LATE = (
    "import_state IN ('SEEN', 'RESERVED', 'IMPORTING', 'QUARANTINED') AND local_order_id = '' AND open_time <= :before"
)
_STUCK = "import_state IN ('QUARANTINED', 'REJECTED')"


class Counted(NamedTuple):
    """How many orders of a connection are late, and how many stand still."""

    late: int
    stuck: int


_NEXT = text(
    f"""
    SELECT min(connection_id::text) FROM (
        SELECT connection_id FROM orders WHERE ({_LATE}) OR ({_STUCK})
        UNION SELECT connection_id FROM alerts WHERE reason IN :reasons) AS found
    WHERE connection_id > :after
    """  # noqa: S608 – words of ours
).bindparams(bindparam("reasons", expanding=True))
_COUNT = text(
    f"""
    SELECT count(*) FILTER (WHERE {_LATE}), count(*) FILTER (WHERE {_STUCK}) FROM orders
    WHERE connection_id = :connection AND import_state IN ('SEEN', 'RESERVED', 'IMPORTING', 'QUARANTINED', 'REJECTED')
    """  # noqa: S608 – words of ours
)


async def next_watched(tx: Tx, after: UUID, reasons: Sequence[str], *, before: datetime) -> UUID | None:
    """Tell the next connection with something wrong, or with an open alert about it."""
    found = await tx.scalar(_NEXT, {"after": after, "reasons": list(reasons), "before": before})
    return UUID(found) if found else None


async def count(tx: Tx, connection_id: UUID, *, before: datetime) -> Counted:
    """Count what is wrong with a connection's orders."""
    return Counted(*(await tx.execute(_COUNT, {"connection": connection_id, "before": before})).one())


_FORGET = text(
    """
    WITH old AS (
        SELECT id FROM orders WHERE over_time < :before AND (buyer IS NOT NULL OR address IS NOT NULL) LIMIT :limit
    ), bare AS (
        UPDATE order_lines SET customization = '' WHERE order_id IN (SELECT id FROM old) AND customization <> ''
    )
    UPDATE orders SET buyer = NULL, address = NULL, ascii_address = NULL WHERE id IN (SELECT id FROM old) RETURNING id
    """
)


async def forget_people(tx: Tx, *, at: datetime, limit: int = 5_000) -> bool:
    """Forget who bought what is long over; tells whether there may be more."""
    return len((await tx.execute(_FORGET, {"before": at - KNOWN_FOR, "limit": limit})).all()) == limit
