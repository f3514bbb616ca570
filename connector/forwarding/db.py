"""What is forwarded to whom, and the mails that told it: never their texts.

A message is in one mail: its row here says so, and goes with the message or with the mail, whichever goes first.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    Uuid,
    case,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.connections.model import Connection
from connector.db.schema import Instant, Json, Tx, metadata
from connector.forwarding.model import FORWARDED_FOR, Forwarding, Mail, MailState, Talk, Wish
from connector.messaging.db import conversations, messages
from connector.messaging.model import Origin

mail_forwardings = Table(
    "mail_forwardings",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("addresses", Json, nullable=False),
    Column("channels", Json, nullable=False, comment="empty: all"),
    Column("include_text", Boolean, nullable=False),
    Column("digest_seconds", Integer, nullable=False),
    Column("enable_time", Instant, comment="what was written before is not forwarded"),
    Column("suspend_time", Instant, comment="when forwarding was given up, as nobody was reached for long"),
    Column("reason", Text, nullable=False, server_default="", comment="why the last mail reached nobody"),
    Column("fail_time", Instant, comment="since when nobody is reached"),
    Column("last_send_time", Instant),
    Column("test_time", Instant, comment="when it was last tested: the next test waits a minute"),
    Column("update_time", Instant, nullable=False),
    CheckConstraint("NOT enabled OR (addresses <> '[]' AND enable_time IS NOT NULL)", "enabled_has_addresses"),
    CheckConstraint("(fail_time IS NULL) = (reason = '')", "failing_has_reason"),
)
mails = Table(
    "mails",
    metadata,
    Column("id", Uuid, primary_key=True, comment="the first of its messages: its Message-ID is made of it"),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("conversation_id", Uuid, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False),
    Column("settled", Json, nullable=False, server_default="[]", comment="hashes of addresses that need no more of it"),
    Column("accepted_count", Integer, nullable=False, server_default="0"),
    Column("reply_code", Integer, nullable=False, server_default="0", comment="the mail server's last word"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("create_time", Instant, nullable=False),
    Column("retry_time", Instant, comment="when it is tried again: not before"),
    Column("send_time", Instant, comment="when a mail server first took it"),
    Index("uq_mails_conversation_id", "conversation_id", unique=True, postgresql_where=text("state = 'PENDING'")),
    Index("ix_mails_conversation_id_create_time", "conversation_id", "create_time"),
    Index("ix_mails_connection_id_create_time", "connection_id", "create_time"),
    Index("ix_mails_create_time", "create_time"),
)
mailed_messages = Table(
    "mailed_messages",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("mail_id", Uuid, ForeignKey("mails.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("connection_id", Uuid, nullable=False),
)
_STATED = ("enable_time", "suspend_time", "reason", "fail_time", "last_send_time", "test_time", "update_time")
_TALK = [conversations.c[name] for name in Talk.__slots__]
_MAIL = [mails.c[name] for name in Mail.__slots__]


async def read(tx: Tx, connection: Connection, *, lock: bool = False) -> Forwarding:
    """Read what a connection forwards; off when nobody ever set it."""
    wanted = select(mail_forwardings).where(mail_forwardings.c.connection_id == connection.id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return Forwarding(connection.id, connection.store_id, Wish()) if row is None else _forwarding(row)


def _forwarding(row: Row[Any]) -> Forwarding:
    period = timedelta(seconds=row.digest_seconds)
    wish = Wish(row.enabled, tuple(row.addresses), tuple(row.channels), row.include_text, period)
    return Forwarding(row.connection_id, row.store_id, wish, **{name: getattr(row, name) for name in _STATED})


async def keep(tx: Tx, connection: Connection, wish: Wish, *, enable_time: datetime | None, at: datetime) -> Forwarding:
    """Keep what somebody wants; what failed before is forgotten."""
    values = {
        "store_id": connection.store_id,
        "enabled": wish.enabled,
        "addresses": list(wish.addresses),
        "channels": list(wish.channels),
        "include_text": wish.include_text,
        "digest_seconds": int(wish.digest_period.total_seconds()),
        "enable_time": enable_time,
        "suspend_time": None,
        "reason": "",
        "fail_time": None,
        "update_time": at,
    }
    wished = upsert(mail_forwardings).values(connection_id=connection.id, **values)
    stored = wished.on_conflict_do_update(index_elements=[mail_forwardings.c.connection_id], set_=values)
    return _forwarding((await tx.execute(stored.returning(mail_forwardings))).one())


async def note(tx: Tx, connection_id: UUID, **values: Any) -> Forwarding:
    """Note how forwarding does."""
    mine = mail_forwardings.c.connection_id == connection_id
    row = await tx.execute(update(mail_forwardings).where(mine).values(**values).returning(mail_forwardings))
    return _forwarding(row.one())


async def pending(tx: Tx, conversation_id: UUID) -> Mail | None:
    """Read the mail of a conversation that is not out yet."""
    wanted = select(*_MAIL).where(mails.c.conversation_id == conversation_id, mails.c.state == MailState.PENDING)
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else _mail(row)


def _mail(row: Row[Any]) -> Mail:
    values = {name: getattr(row, name) for name in Mail.__slots__}
    return Mail(**values | {"state": MailState(row.state), "settled": tuple(row.settled)})


async def last_time(tx: Tx, conversation_id: UUID) -> datetime | None:
    """Tell when a conversation's newest mail was written."""
    newest = select(func.max(mails.c.create_time)).where(mails.c.conversation_id == conversation_id)
    time: datetime | None = await tx.scalar(newest)
    return time


async def nth_newest_time(tx: Tx, connection_id: UUID, number: int) -> datetime | None:
    """Tell when the mail of a connection was written that so many, less one, follow; None when there are fewer."""
    newest = select(mails.c.create_time).where(mails.c.connection_id == connection_id)
    time: datetime | None = await tx.scalar(newest.order_by(mails.c.create_time.desc()).offset(number - 1).limit(1))
    return time


async def unmailed(tx: Tx, conversation_id: UUID, *, since: datetime, at: datetime, limit: int) -> list[UUID]:
    """List what a person wrote that is in no mail yet, the oldest first."""
    known = select(mailed_messages.c.message_id).where(mailed_messages.c.message_id == messages.c.id).exists()
    wanted = (
        select(messages.c.id)
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.origin == Origin.PERSON,
            messages.c.opens_window,  # it was written, or a button pressed: not a reaction or a read
            messages.c.send_time >= max(since, at - FORWARDED_FOR),
            ~known,
        )
        .order_by(messages.c.send_time, messages.c.id)
        .limit(limit)
    )
    return list((await tx.execute(wanted)).scalars())


async def write_down(tx: Tx, mail: Mail, store_id: str, message_ids: Sequence[UUID]) -> None:
    """Write down a mail that will be sent, and what it tells."""
    values = {name: getattr(mail, name) for name in Mail.__slots__} | {"settled": list(mail.settled)}
    await tx.execute(insert(mails).values(store_id=store_id, **values))
    rows = [{"message_id": one, "mail_id": mail.id, "connection_id": mail.connection_id} for one in message_ids]
    await tx.execute(insert(mailed_messages), rows)


async def told(tx: Tx, mail_id: UUID) -> list[Row[Any]]:
    """List the messages of a mail that are still there, the oldest first: when, which text, which attachments."""
    wanted = (
        select(messages.c.send_time, messages.c.text, messages.c.attachments)
        .join(mailed_messages, mailed_messages.c.message_id == messages.c.id)
        .where(mailed_messages.c.mail_id == mail_id)
        .order_by(messages.c.send_time, messages.c.id)
    )
    return list(await tx.execute(wanted))


async def change(tx: Tx, mail_id: UUID, **values: Any) -> None:
    """Note how far a mail came."""
    await tx.execute(update(mails).where(mails.c.id == mail_id).values(**values))


async def end(tx: Tx, mail_id: UUID) -> None:
    """End a mail: it was sent if anybody has it."""
    state = case((mails.c.accepted_count > 0, MailState.SENT), else_=MailState.FAILED)
    await tx.execute(update(mails).where(mails.c.id == mail_id).values(state=state))


async def talk(tx: Tx, store_id: str, conversation_id: UUID) -> Talk | None:
    """Read a store's conversation; None when there is none."""
    same = conversations.c.store_id == store_id, conversations.c.id == conversation_id
    row = (await tx.execute(select(*_TALK).where(*same))).one_or_none()
    return None if row is None else Talk(**{name: getattr(row, name) for name in Talk.__slots__})
