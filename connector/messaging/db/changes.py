"""What happened to messages after they were sent: the latest of each, kept beside them and written onto them.

A change may become known before its message. So it is kept first; `apply` then makes the messages that are known say what all
changes together say. Whoever comes later, message or change, calls it: the end is the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from connector.db.schema import Tx, plain
from connector.messaging.db.tables import MESSAGE, read_message, storable
from connector.messaging.model import Message

EDIT, DELETE, REACTION = "edit", "delete", "reaction:"


@dataclass(frozen=True, slots=True)
class Told:
    """A change as it is kept; of several with one `subject` the one with the highest number counts, then the latest time."""

    connection_id: UUID
    conversation_id: UUID
    mid: str
    subject: str
    number: int
    change_time: datetime
    body: Mapping[str, Any]


# One row at a time: of several equal in number and time the database itself says which counts.
_KEEP = text("""
    INSERT INTO message_changes AS known (connection_id, conversation_id, mid, subject, number, change_time, body)
    VALUES (:connection_id, :conversation_id, :mid, :subject, :number, :change_time, CAST(:body AS jsonb))
    ON CONFLICT (connection_id, mid, subject) DO UPDATE
        SET number = excluded.number, change_time = excluded.change_time, body = excluded.body
        WHERE (known.number, known.change_time, known.body::text) < (excluded.number, excluded.change_time, excluded.body::text)
""")
_APPLY = text(f"""
    WITH told AS (
        SELECT connection_id, mid,
            coalesce(max(number) FILTER (WHERE subject = '{EDIT}'), 0) AS edit_count,
            max(change_time) FILTER (WHERE subject = '{EDIT}') AS edit_time,
            max(body ->> 'text') FILTER (WHERE subject = '{EDIT}') AS text,
            max(change_time) FILTER (WHERE subject = '{DELETE}') AS delete_time,
            coalesce(jsonb_agg(body ORDER BY change_time, subject)
                FILTER (WHERE starts_with(subject, '{REACTION}') AND body ? 'emoji'), '[]') AS reactions
        FROM message_changes WHERE (connection_id, mid) IN (
            SELECT * FROM unnest(CAST(:connections AS uuid[]), CAST(:mids AS text[])))
        GROUP BY connection_id, mid
    ), become AS (
        SELECT m.id, t.edit_count, t.edit_time, t.delete_time, t.reactions,
            CASE WHEN t.delete_time IS NULL THEN coalesce(t.text, m.text) ELSE '' END AS text,
            CASE WHEN t.delete_time IS NULL THEN m.attachments ELSE '[]' END AS attachments,
            CASE WHEN t.delete_time IS NULL THEN m.payload ELSE '' END AS payload
        FROM messages AS m JOIN told AS t USING (connection_id, mid)
        WHERE (m.edit_count, m.edit_time, m.delete_time, m.reactions)
            IS DISTINCT FROM (t.edit_count, t.edit_time, t.delete_time, t.reactions)
    )
    UPDATE messages SET edit_count = become.edit_count, edit_time = become.edit_time, delete_time = become.delete_time,
        reactions = become.reactions, text = become.text, attachments = become.attachments, payload = become.payload
    FROM become WHERE messages.id = become.id RETURNING {", ".join(str(column) for column in MESSAGE)}
""")  # noqa: S608 – only words and column names of ours are written in
_WIPE = text(f"""
    UPDATE message_changes AS edited SET body = '{{}}' FROM message_changes AS gone
    WHERE edited.subject = '{EDIT}' AND gone.subject = '{DELETE}' AND edited.body <> '{{}}'
        AND (gone.connection_id, gone.mid) = (edited.connection_id, edited.mid)
        AND (gone.connection_id, gone.mid) IN (SELECT * FROM unnest(CAST(:connections AS uuid[]), CAST(:mids AS text[])))
""")  # noqa: S608 – as above


async def keep(tx: Tx, told: Sequence[Told]) -> None:
    """Keep changes; an older one than is known changes nothing. Of what was taken back no edit is kept."""
    rows = [
        {name: getattr(one, name) for name in Told.__slots__}
        | {"mid": plain(one.mid), "subject": plain(one.subject), "body": json.dumps(storable(one.body))}
        for one in told
    ]
    if rows:
        await tx.execute(_KEEP, rows)
        await tx.execute(_WIPE, _pairs([(one.connection_id, one.mid) for one in told]))


async def apply(tx: Tx, pairs: Sequence[tuple[UUID, str]]) -> dict[UUID, Message]:
    """Write what is known of changes onto the messages of these connections and `mid`s; tells those that it changed."""
    if not pairs:
        return {}
    rows = await tx.execute(_APPLY, _pairs(pairs))
    return {row.id: read_message(row) for row in rows}


def _pairs(pairs: Sequence[tuple[UUID, str]]) -> dict[str, list[Any]]:
    known = sorted(set(pairs), key=str)
    return {"connections": [one[0] for one in known], "mids": [plain(mid) for _, mid in known]}
