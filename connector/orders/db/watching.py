"""What is wrong with a connection's orders, counted for alerts; and the forgetting of who bought."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, text

from connector.db.schema import Tx

KNOWN_FOR = timedelta(days=90)
"""For how long after an order is over it tells who bought."""
_UNDER_WAY = "import_state IN ('SEEN', 'RESERVED', 'IMPORTING', 'QUARANTINED', 'REJECTED')"
_LATE = "import_state <> 'REJECTED' AND local_order_id = '' AND open_time <= :late"
_PROCESSED = "import_state <> 'REJECTED' AND state = 'FB_PROCESSING' AND order_time <= :processed"
# Nobody needs to act on an order that is over, unless StormCom never had it.
_STUCK = """
    import_state IN ('QUARANTINED', 'REJECTED')
    AND (state NOT IN ('COMPLETED', 'CANCELLED', 'VANISHED') OR import_state = 'QUARANTINED' AND local_order_id = '')
"""
_UNSEEN = """
    SELECT account.connection_id FROM order_accounts AS account
    JOIN connections ON connections.id = account.connection_id AND connections.state = 'CONNECTED'
    JOIN tasks ON tasks.key = 'every:POLL_ORDERS:' || account.connection_id AND tasks.reason IS NOT NULL
    WHERE account.manager = 'OURS' AND coalesce(account.last_poll_time, account.associate_time) <= :late
"""


class Counted(NamedTuple):
    """How many orders of a connection are late, stand still, or are processed for very long; and whether none can be seen."""

    late: int
    stuck: int
    processed: int
    unseen: bool


_NEXT = text(
    f"""
    SELECT min(connection_id::text) FROM (
        SELECT connection_id FROM orders WHERE {_UNDER_WAY} AND (({_LATE}) OR ({_STUCK}) OR ({_PROCESSED}))
        UNION {_UNSEEN}
        UNION SELECT connection_id FROM alerts WHERE reason IN :reasons) AS found
    WHERE connection_id > :after
    """  # noqa: S608 – words of ours
).bindparams(bindparam("reasons", expanding=True))
_COUNT = text(
    f"""
    SELECT count(*) FILTER (WHERE {_LATE}), count(*) FILTER (WHERE {_STUCK}), count(*) FILTER (WHERE {_PROCESSED}),
        EXISTS ({_UNSEEN} AND account.connection_id = :connection)
    FROM orders WHERE connection_id = :connection AND {_UNDER_WAY}
    """  # noqa: S608 – words of ours
)


async def next_watched(
    tx: Tx, after: UUID, reasons: Sequence[str], *, late: datetime, processed: datetime
) -> UUID | None:
    """Tell the next connection with something wrong, by what was due at these moments, or with an open alert about it."""
    given = {"after": after, "reasons": list(reasons), "late": late, "processed": processed}
    found = await tx.scalar(_NEXT, given)
    return UUID(found) if found else None


async def count(tx: Tx, connection_id: UUID, *, late: datetime, processed: datetime) -> Counted:
    """Count what is wrong with a connection's orders."""
    given = {"connection": connection_id, "late": late, "processed": processed}
    return Counted(*(await tx.execute(_COUNT, given)).one())


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
