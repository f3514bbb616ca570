"""Up to when messages of Pages arrived and were read, for many conversations at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from connector.db.schema import Tx, plain
from connector.messaging.db.tables import MESSAGE, read_message
from connector.messaging.model import Message

_RAISE = text("""
    UPDATE conversations AS c SET
        delivered_time = greatest(c.delivered_time, told.delivered, told.read), read_time = greatest(c.read_time, told.read)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:delivered AS timestamptz[]), CAST(:read AS timestamptz[]))
        AS told (id, delivered, read)
    WHERE c.id = told.id
""")
_ADVANCE = text(f"""
    UPDATE messages SET state = CASE WHEN c.read_time >= messages.send_time THEN 'READ' ELSE 'DELIVERED' END
    FROM conversations AS c
    WHERE c.id = ANY (CAST(:ids AS uuid[])) AND messages.conversation_id = c.id AND (
        messages.state IN ('SENT', 'DELIVERED') AND c.read_time >= messages.send_time
        OR messages.state = 'SENT' AND (c.delivered_time >= messages.send_time
            OR (messages.connection_id, messages.mid) IN (
                SELECT * FROM unnest(CAST(:connections AS uuid[]), CAST(:mids AS text[])))))
    RETURNING {", ".join(str(column) for column in MESSAGE)}
""")  # noqa: S608 – only column names of ours are written in


async def raise_all(tx: Tx, told: Mapping[UUID, tuple[datetime | None, datetime | None]]) -> None:
    """Note for conversations up to when messages arrived, and were read; an older word changes nothing. What was read has arrived."""
    listed = sorted(told)
    values = {
        "ids": listed,
        "delivered": [told[one][0] for one in listed],
        "read": [told[one][1] for one in listed],
    }
    await tx.execute(_RAISE, values)


async def advance_all(
    tx: Tx, conversation_ids: Sequence[UUID], *, delivered: Sequence[tuple[UUID, str]] = ()
) -> list[Message]:
    """Move the Page's messages as far as the watermarks, and the `mid`s of delivered ones, say; tells which moved, oldest first."""
    values = {
        "ids": sorted(set(conversation_ids)),
        "connections": [connection_id for connection_id, _ in delivered],
        "mids": [plain(mid) for _, mid in delivered],
    }
    moved = [read_message(row) for row in await tx.execute(_ADVANCE, values)]
    return sorted(moved, key=lambda message: (message.send_time, message.id))
