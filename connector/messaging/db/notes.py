"""What is noted about conversations beside their messages: of each subject the latest, in whatever order they become known."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from connector.db.schema import Tx
from connector.messaging.db.tables import CONVERSATION, read_conversation, storable
from connector.messaging.model import Conversation, Subject, told

_TIMES = {Subject.REFERRAL: "refer_time"}
"""Under which name a note tells its time; any other under `change_time`."""


def _statement(subject: Subject) -> str:
    # Of several at one moment the database says which counts: the one that is greater as jsonb.
    column, time = subject.value, f"(c.{subject.value} ->> '{_TIMES.get(subject, 'change_time')}')"
    return f"""
        UPDATE conversations AS c SET {column} = told.body, note_time = greatest(c.note_time, told.time)
        FROM unnest(CAST(:ids AS uuid[]), CAST(:bodies AS jsonb[]), CAST(:times AS timestamptz[]), CAST(:words AS text[]))
            AS told (id, body, time, word)
        WHERE c.id = told.id AND ({time} IS NULL OR ({time} COLLATE "C", c.{column}) < (told.word COLLATE "C", told.body))
        RETURNING {", ".join(f"c.{one.name}" for one in CONVERSATION)}
    """  # noqa: S608 – only words and column names of ours are written in


_NOTE = {subject: text(_statement(subject)) for subject in Subject}


async def note(
    tx: Tx, subject: Subject, told_of: Sequence[tuple[UUID, Mapping[str, Any], datetime]]
) -> list[Conversation]:
    """Note something about conversations, each named once; tells those of which nothing as late, or later, was noted already."""
    name = _TIMES.get(subject, "change_time")
    listed = sorted(told_of, key=lambda one: one[0])
    values = {
        "ids": [conversation_id for conversation_id, _, _ in listed],
        "bodies": [json.dumps(storable(body) | {name: told(time)}) for _, body, time in listed],
        "times": [time for _, _, time in listed],
        "words": [told(time) for _, _, time in listed],
    }
    return [read_conversation(row) for row in await tx.execute(_NOTE[subject], values)]
