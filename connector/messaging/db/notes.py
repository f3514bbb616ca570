"""What is noted about conversations beside their messages: of each subject the latest, in whatever order they become known."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, or_, tuple_, update

from connector.db.schema import Json, Tx
from connector.messaging.db.tables import CONVERSATION, conversations, read_conversation, storable
from connector.messaging.model import Conversation, Subject, told

TIME_NAMES = {Subject.REFERRAL: "refer_time"}
"""Under which name a note tells its time; any other under `change_time`."""


async def note(
    tx: Tx, conversation_id: UUID, subject: Subject, body: Mapping[str, Any], time: datetime
) -> Conversation | None:
    """Note something; None when something as late, or later, is noted already."""
    column, name = conversations.c[subject], TIME_NAMES.get(subject, "change_time")
    new = storable(body) | {name: told(time)}
    known_time, value = column[name].astext, literal(new, Json)
    # Of several at one moment the database says which counts: the one that is greater as jsonb.
    later = tuple_(known_time, column) < tuple_(literal(told(time)), value)
    noted = (
        update(conversations)
        .where(conversations.c.id == conversation_id, or_(known_time.is_(None), later))
        .values({column: value, conversations.c.note_time: func.greatest(conversations.c.note_time, time)})
        .returning(*CONVERSATION)
    )
    row = (await tx.execute(noted)).one_or_none()
    return None if row is None else read_conversation(row)
