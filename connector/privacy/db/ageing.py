"""Removes what is past its time, a piece at once: by the data map, and messages by their store's setting."""

from datetime import datetime

from sqlalchemy import text

from connector.db.retentions import USUAL
from connector.db.schema import Tx
from connector.privacy.model.classes import Aged

MOST_SWEPT = 5_000


async def forget(tx: Tx, table: str, rule: Aged, *, at: datetime) -> bool:
    """Remove some of a table's rows that are past their age; tells whether there may be more."""
    only = f" AND {rule.only}" if rule.only else ""
    old = f"SELECT ctid FROM {table} WHERE {rule.column} < :before{only} LIMIT {MOST_SWEPT}"  # noqa: S608 – words of the data map
    gone = await tx.execute(
        text(f"DELETE FROM {table} WHERE ctid IN ({old})"),  # noqa: S608 – as above
        {"before": at - rule.age},
    )
    return gone.rowcount == MOST_SWEPT


# The first bound is the same for every row, so that an index serves; the second is the store's own.
_OLD = """
    {time} < CAST(:at AS timestamptz) - make_interval(days => least(:usual, (SELECT min(message_days) FROM retentions)))
    AND {time} < CAST(:at AS timestamptz) - make_interval(days => coalesce(message_days, :usual))
"""
_MESSAGES = text(f"""
    DELETE FROM messages WHERE id IN (
        SELECT messages.id FROM messages LEFT JOIN retentions USING (store_id)
        WHERE {_OLD.format(time="send_time")} AND state NOT IN ('PENDING', 'ATTEMPTED') LIMIT :limit
    )
""")  # noqa: S608 – words of ours
_CHANGES = text(f"""
    DELETE FROM message_changes WHERE (connection_id, mid, subject) IN (
        SELECT changed.connection_id, changed.mid, changed.subject FROM message_changes AS changed
        JOIN conversations ON conversations.id = changed.conversation_id LEFT JOIN retentions USING (store_id)
        WHERE {_OLD.format(time="change_time")} LIMIT :limit
    )
""")  # noqa: S608 – words of ours
_GAPS = text(f"""
    DELETE FROM message_gaps WHERE (conversation_id, end_time) IN (
        SELECT gap.conversation_id, gap.end_time FROM message_gaps AS gap
        JOIN conversations ON conversations.id = gap.conversation_id LEFT JOIN retentions USING (store_id)
        WHERE {_OLD.format(time="end_time")} LIMIT :limit
    )
""")  # noqa: S608 – words of ours
_EMPTY = text(f"""
    DELETE FROM conversations WHERE id IN (
        SELECT conversations.id FROM conversations LEFT JOIN retentions USING (store_id)
        WHERE {_OLD.format(time="greatest(last_message_time, delivered_time, read_time, note_time)")}
        AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = conversations.id) LIMIT :limit
    )
""")  # noqa: S608 – words of ours


async def forget_messages(tx: Tx, *, at: datetime) -> bool:
    """Remove some messages older than their store keeps them, and conversations that have none left; tells whether there may be more."""
    given = {"at": at, "usual": USUAL.days, "limit": MOST_SWEPT}
    gone = [(await tx.execute(statement, given)).rowcount for statement in (_MESSAGES, _CHANGES, _GAPS, _EMPTY)]
    return MOST_SWEPT in gone
