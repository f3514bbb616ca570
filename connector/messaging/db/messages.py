"""The rows of messages: kept once, changed, found, listed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from connector.db.bell import ring
from connector.db.schema import Instant, Tx, plain
from connector.db.sets import insertion, sent
from connector.errors import NotFound
from connector.messaging.db.tables import CHANNEL, MESSAGE, messages, read_message, written
from connector.messaging.model import (
    OPEN,
    Conversation,
    Message,
    Origin,
    State,
)

_FOREIGN = ("text", "mid", "unsupported_kind", "reply_to_mid", "payload")


async def advance(tx: Tx, conversation: Conversation, *, delivered_mids: Sequence[str] = ()) -> list[Message]:
    """Move the Page's messages as far as the watermarks say; tells which of them moved, oldest first."""
    arrived = or_(
        messages.c.send_time <= literal(conversation.delivered_time, Instant),
        messages.c.mid.in_([plain(mid) for mid in delivered_mids]),
    )
    read = func.coalesce(messages.c.send_time <= literal(conversation.read_time, Instant), False)
    state = case((read, State.READ), (messages.c.state == State.SENT, State.DELIVERED), else_=messages.c.state)
    moves = or_(
        and_(messages.c.state == State.SENT, or_(func.coalesce(arrived, False), read)),
        and_(messages.c.state == State.DELIVERED, read),
    )
    wanted = messages.c.conversation_id == conversation.id, messages.c.state.in_([State.SENT, State.DELIVERED]), moves
    rows = await tx.execute(update(messages).where(*wanted).values(state=state).returning(*MESSAGE))
    return sorted((read_message(row) for row in rows), key=lambda message: (message.send_time, message.id))


async def keep(tx: Tx, message_id: UUID, conversation: Conversation, **values: Any) -> Message | None:
    """Keep a message; None when it is known already (by mid, digest or request id)."""
    kept = await keep_all(tx, [(message_id, conversation, values)])
    return kept[0] if kept else None


async def keep_all(tx: Tx, drafts: Sequence[tuple[UUID, Conversation, Mapping[str, Any]]]) -> list[Message]:
    """Keep messages, all with values for the same columns; returns those that were not known, in the order given."""
    rows = [
        {
            **{
                name: plain(value) if name in _FOREIGN and value is not None else value
                for name, value in values.items()
            },
            "id": message_id,
            "store_id": conversation.store_id,
            "connection_id": conversation.connection_id,
            "conversation_id": conversation.id,
            "attachments": written(values.get("attachments", ())),
        }
        for message_id, conversation, values in drafts
    ]
    if not rows:
        return []
    kept = insertion(messages, tuple(rows[0])).on_conflict_do_nothing().returning(*MESSAGE)
    found = {row.id: read_message(row) for row in await tx.execute(kept, sent(rows))}
    return [found[message_id] for message_id, _, _ in drafts if message_id in found]


async def change(tx: Tx, message_id: UUID, **values: Any) -> Message:
    """Change columns of a message and wake who waits for it."""
    row = (
        await tx.execute(update(messages).where(messages.c.id == message_id).values(**values).returning(*MESSAGE))
    ).one()
    await ring(tx, CHANNEL, str(message_id))
    return read_message(row)


async def get(tx: Tx, message_id: UUID) -> Message | None:
    """Read a message by our id."""
    row = (await tx.execute(select(*MESSAGE).where(messages.c.id == message_id))).one_or_none()
    return None if row is None else read_message(row)


async def by_request(tx: Tx, store_id: str, request_id: str) -> list[Message]:
    """Read the messages that a wish of the store made, in their order."""
    same = messages.c.store_id == store_id, messages.c.request_id == request_id
    rows = await tx.execute(select(*MESSAGE).where(*same).order_by(messages.c.part))
    return [read_message(row) for row in rows]


async def later_parts(tx: Tx, message: Message) -> list[Message]:
    """Read what is still to be sent of a message's wish after it."""
    same = messages.c.store_id == message.store_id, messages.c.request_id == message.request_id
    later = messages.c.part > message.part, messages.c.state == State.PENDING
    return [read_message(row) for row in await tx.execute(select(*MESSAGE).where(*same, *later))]


async def require_message(tx: Tx, store_id: str, message_id: UUID) -> Message:
    """Find a store's message.

    Raises:
        NotFound: MESSAGE_NOT_FOUND, also for another store's.

    """
    same = messages.c.store_id == store_id, messages.c.id == message_id
    row = (await tx.execute(select(*MESSAGE).where(*same))).one_or_none()
    if row is None:
        raise missing_message(str(message_id))
    return read_message(row)


def missing_message(message_id: str) -> NotFound:
    """Say that a store has no such message, alike for malformed, foreign and absent ids."""
    return NotFound("MESSAGE_NOT_FOUND", "No such message in this store", message_id=message_id)


async def spoken(tx: Tx, conversation_id: UUID) -> bool:
    """Tell whether a program of ours has said in a conversation that it is one."""
    told = messages.c.conversation_id == conversation_id, messages.c.disclosed
    return await tx.scalar(select(messages.c.id).where(*told).limit(1)) is not None


async def get_all(tx: Tx, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
    """Read some messages by our ids; those that are gone are left out."""
    wanted = select(*MESSAGE).where(messages.c.id.in_(message_ids))
    return {row.id: read_message(row) for row in await tx.execute(wanted)} if message_ids else {}


async def by_mid(tx: Tx, connection_id: UUID, mid: str) -> Message | None:
    """Read the message that Meta knows under a `mid`."""
    same = messages.c.connection_id == connection_id, messages.c.mid == plain(mid)
    row = (await tx.execute(select(*MESSAGE).where(*same))).one_or_none()
    return None if row is None else read_message(row)


async def known_mids(tx: Tx, connection_id: UUID, mids: Sequence[str]) -> frozenset[str]:
    """Tell which of these `mid`s stand for a message already."""
    rows = await tx.execute(
        select(messages.c.mid).where(messages.c.connection_id == connection_id, messages.c.mid.in_(mids))
    )
    return frozenset(row.mid for row in rows)


async def hear(tx: Tx, connection_ids: Collection[UUID], mids: Sequence[str]) -> None:
    """Note that webhooks now bring messages that reading back had found before."""
    found = messages.c.connection_id.in_(connection_ids), messages.c.mid.in_([plain(mid) for mid in mids if mid])
    await tx.execute(update(messages).where(*found, messages.c.backfilled).values(backfilled=False))


async def unproven(tx: Tx, conversation_id: UUID) -> list[Message]:
    """List our messages of a conversation whose call to Meta began but whose `mid` is not known, oldest first."""
    wanted = (
        messages.c.conversation_id == conversation_id,
        messages.c.origin == Origin.STORMCOM,
        messages.c.mid.is_(None),
        messages.c.attempt_time.is_not(None),
    )
    rows = await tx.execute(select(*MESSAGE).where(*wanted).order_by(messages.c.attempt_time, messages.c.id))
    return [read_message(row) for row in rows]


async def next_open(tx: Tx, conversation_id: UUID) -> Message | None:
    """Read the oldest message of a conversation that is still to be sent."""
    wanted = messages.c.conversation_id == conversation_id, messages.c.state.in_(OPEN)
    oldest = select(*MESSAGE).where(*wanted).order_by(messages.c.send_time, messages.c.id).limit(1)
    row = (await tx.execute(oldest)).one_or_none()
    return None if row is None else read_message(row)


async def forget(tx: Tx, message_id: UUID) -> None:
    """Delete a message that turned out to be another one."""
    await tx.execute(delete(messages).where(messages.c.id == message_id))


async def count_unsettled(tx: Tx, connection_id: UUID, *, begin: datetime, end: datetime) -> int:
    """Count messages whose call began in a span and of which nobody knows whether they went out."""
    mine = messages.c.connection_id == connection_id, messages.c.state == State.UNKNOWN
    span = messages.c.attempt_time > begin, messages.c.attempt_time <= end
    return int(await tx.scalar(select(func.count()).select_from(messages).where(*mine, *span)) or 0)
