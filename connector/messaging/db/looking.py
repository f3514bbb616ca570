"""How far reading conversations back has come, where messages are missing for good, and what no webhook brought."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Tx
from connector.messaging.db.looking_tables import backfills, message_gaps, silences
from connector.messaging.db.tables import messages
from connector.messaging.model import Backfill, Channel, Gap

_MOST_GAPS = 100
_BACKFILL = [backfills.c[field.name] for field in fields(Backfill)]


async def begin_backfill(
    tx: Tx, connection_id: UUID, channel: Channel, *, reason: str, since: datetime, at: datetime
) -> None:
    """Begin to read a channel back, anew if it was under way."""
    begun = {
        "reason": reason,
        "since_time": since,
        "from_time": since,
        "before_time": None,
        "skip_count": 0,
        "round_time": at,
        "begin_time": at,
        "finish_time": None,
        "conversation_count": 0,
        "message_count": 0,
        "cut": False,
    }
    wish = insert(backfills).values(connection_id=connection_id, channel=channel, **begun)
    await tx.execute(
        wish.on_conflict_do_update(index_elements=[backfills.c.connection_id, backfills.c.channel], set_=begun)
    )


async def list_backfills(tx: Tx, connection_id: UUID) -> list[Backfill]:
    """List how far each channel has come."""
    mine = select(*_BACKFILL).where(backfills.c.connection_id == connection_id).order_by(backfills.c.channel.desc())
    # SQLAlchemy's documented way to a mapping
    rows = [dict(row._mapping) for row in await tx.execute(mine)]  # noqa: SLF001 – as said above
    return [Backfill(**values | {"channel": Channel(values["channel"])}) for values in rows]


async def move_on(tx: Tx, backfill: Backfill, **values: Any) -> None:
    """Note how far one has come; nothing, if it began anew meanwhile."""
    same = (
        backfills.c.connection_id == backfill.connection_id,
        backfills.c.channel == backfill.channel,
        backfills.c.begin_time == backfill.begin_time,
    )
    await tx.execute(update(backfills).where(*same).values(**values))


# --- gaps ------------------------------------------------------------------------------------------------------------


async def latest_before(tx: Tx, conversation_id: UUID, time: datetime) -> datetime | None:
    """Tell when the last message before a moment was sent."""
    earlier = messages.c.conversation_id == conversation_id, messages.c.send_time < time
    latest: datetime | None = await tx.scalar(select(func.max(messages.c.send_time)).where(*earlier))
    return latest


async def count_known(tx: Tx, conversation_id: UUID) -> int:
    """Count the messages of a conversation that Meta knows."""
    known = messages.c.conversation_id == conversation_id, messages.c.mid.is_not(None)
    return await tx.scalar(select(func.count()).where(*known)) or 0


async def list_gaps(
    tx: Tx, conversation_id: UUID, *, since: datetime | None = None, until: datetime | None = None
) -> list[Gap]:
    """List where messages are missing, the oldest first: before messages that were sent between two moments."""
    asked = select(message_gaps.c.begin_time, message_gaps.c.end_time, message_gaps.c.message_count).where(
        message_gaps.c.conversation_id == conversation_id
    )
    if since:
        asked = asked.where(message_gaps.c.end_time >= since)
    if until:
        asked = asked.where(message_gaps.c.end_time <= until)
    rows = await tx.execute(asked.order_by(message_gaps.c.end_time).limit(_MOST_GAPS))
    return [Gap(row.begin_time, row.end_time, row.message_count) for row in rows]


async def put_gap(tx: Tx, connection_id: UUID, conversation_id: UUID, gap: Gap, *, at: datetime) -> None:
    """Note a gap; one with the same end is the same, and known better now."""
    values = {"begin_time": gap.begin_time, "message_count": gap.message_count}
    wish = insert(message_gaps).values(
        conversation_id=conversation_id, connection_id=connection_id, end_time=gap.end_time, create_time=at, **values
    )
    known = [message_gaps.c.conversation_id, message_gaps.c.end_time]
    await tx.execute(wish.on_conflict_do_update(index_elements=known, set_=values))


async def close_gaps(tx: Tx, conversation_id: UUID) -> None:
    """Forget the gaps of a conversation of which nothing is missing any more."""
    await tx.execute(delete(message_gaps).where(message_gaps.c.conversation_id == conversation_id))


# --- silence ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Silence:
    """What the last look told: when it was, and since when messages come that no webhook brings, if they do."""

    check_time: datetime
    since_time: datetime | None


async def silence_of(tx: Tx, connection_id: UUID) -> Silence | None:
    """Tell what the last look told; None before the first."""
    mine = select(silences.c.check_time, silences.c.since_time).where(silences.c.connection_id == connection_id)
    row = (await tx.execute(mine)).one_or_none()
    return None if row is None else Silence(row.check_time, row.since_time)


async def note_silence(tx: Tx, connection_id: UUID, *, since: datetime | None, count: int, at: datetime) -> None:
    """Note what a look told."""
    values = {"check_time": at, "since_time": since, "message_count": count}
    wish = insert(silences).values(connection_id=connection_id, **values)
    await tx.execute(wish.on_conflict_do_update(index_elements=[silences.c.connection_id], set_=values))


async def told_by_webhook(tx: Tx, connection_id: UUID, mids: Sequence[str]) -> frozenset[str]:
    """Tell which of these messages a webhook, or an answer of Meta's to us, brought."""
    told = messages.c.connection_id == connection_id, messages.c.mid.in_(mids), ~messages.c.backfilled
    return frozenset((await tx.execute(select(messages.c.mid).where(*told))).scalars())
