"""Mails what people wrote, a conversation at a time: gathered, written down, sent, settled.

A turn that is cut off after the mail server took a mail leaves it PENDING: it is sent again under its `Message-ID`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from connector import smtp
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.forwarding import db
from connector.forwarding.actions.keeping import require_server
from connector.forwarding.actions.resolving import mark_of
from connector.forwarding.actions.settling import settle
from connector.forwarding.model import MOST_HOURLY, MOST_MESSAGES, Forwarding, Mail, MailState, Talk
from connector.forwarding.model.answers import write_token
from connector.forwarding.model.letters import Digest, Line, Post, write_digest
from connector.runtime import Runtime
from connector.settings import MailServer
from connector.smtp import Letter

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail that can be sent, and to whom it still goes, with their hashes."""

    connection: Connection
    mail: Mail
    addresses: tuple[str, ...]
    hashes: tuple[str, ...]
    digest: Digest


async def mail_messages(runtime: Runtime, task: Taken) -> None:
    """Send a conversation's mail that is due; comes back while there is more, or while not every address has it.

    Raises:
        FailedPrecondition: MAIL_NOT_CONFIGURED, operators took the mail server away.

    """
    server = require_server(runtime)
    await runtime.pseudonyms.ready()
    ready = await _prepare(runtime, task, UUID(task.arguments["conversation_id"]))
    if ready is None:
        return
    post = _post(runtime, server, ready)
    letters = [Letter(address, write_digest(post, ready.digest, address)) for address in ready.addresses]
    told = await smtp.send(server, letters)
    await settle(runtime, task, ready.mail, dict(zip(ready.hashes, told, strict=True)))


async def _prepare(runtime: Runtime, task: Taken, conversation_id: UUID) -> Ready | None:
    """Find or write down the mail to send now; without one, finish the turn."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.by_id(tx, task.connection_id, lock=True) if task.connection_id else None
        await outbox.hold(tx, task)
        if connection is None or not connection.live:
            await _drop(tx, task, conversation_id, at=now)
            return None
        forwarding = await db.read(tx, connection)
        talk = await db.talk(tx, connection.store_id, conversation_id)
        if talk is None or not forwarding.works or not forwarding.wish.takes(talk.channel):
            await _drop(tx, task, conversation_id, at=now)
            return None
        mail = await db.pending(tx, conversation_id) or await _write_down(tx, task, forwarding, conversation_id, at=now)
        if mail is None:
            return None
        if mail.retry_time and mail.retry_time > now:  # a new message woke us
            await outbox.again(tx, task, mail.retry_time)
            return None
        told, open_to = await db.told(tx, mail.id), _open_to(runtime, forwarding, mail)
        if not told or not open_to:
            await _drop(tx, task, conversation_id, at=now)
            return None
        digest = _digest(forwarding, talk, mail, told)
        return Ready(connection, mail, tuple(open_to), tuple(open_to.values()), digest)


async def _write_down(
    tx: Tx, task: Taken, forwarding: Forwarding, conversation_id: UUID, *, at: datetime
) -> Mail | None:
    """Write down a mail of what was written; None when it is not time yet, or there is nothing: then the turn is finished."""
    due = max(
        (await db.last_time(tx, conversation_id) or at - forwarding.wish.digest_period) + forwarding.wish.digest_period,
        (await db.nth_newest_time(tx, forwarding.connection_id, MOST_HOURLY) or at - _HOUR) + _HOUR,
    )
    begin = forwarding.enable_time or at
    found = await db.unmailed(tx, conversation_id, since=begin, at=at, limit=MOST_MESSAGES)
    if not found:
        await outbox.done(tx, task, at=at)
        return None
    if due > at:
        await outbox.again(tx, task, due)
        return None
    mail = Mail(found[0], forwarding.connection_id, conversation_id, MailState.PENDING, (), 0, at)
    await db.write_down(tx, mail, forwarding.store_id, found)
    return mail


async def _drop(tx: Tx, task: Taken, conversation_id: UUID, *, at: datetime) -> None:
    """Finish with what nobody wants any more, or what is gone."""
    if mail := await db.pending(tx, conversation_id):
        await db.change(tx, mail.id, state=MailState.DROPPED)
    await outbox.done(tx, task, at=at)


def _open_to(runtime: Runtime, forwarding: Forwarding, mail: Mail) -> dict[str, str]:
    """Tell which addresses, as they are wanted now, still need a mail; each with its hash."""
    hashes = {one: runtime.pseudonyms.of("mail_address", one.lower()).hex() for one in forwarding.wish.addresses}
    return {address: digest for address, digest in hashes.items() if digest not in mail.settled}


def _digest(forwarding: Forwarding, talk: Talk, mail: Mail, told: Sequence[Row[Any]]) -> Digest:
    lines = [Line(row.send_time, row.text, tuple(one["type"] for one in row.attachments)) for row in told]
    return Digest(mail.id, talk.id, talk.person_name, lines, forwarding.wish.include_text, mail.create_time)


def _post(runtime: Runtime, server: MailServer, ready: Ready) -> Post:
    conversation_id, store_id = ready.mail.conversation_id, ready.connection.store_id
    token = write_token(conversation_id, mark_of(runtime, store_id, conversation_id))
    return Post(server.sender, server.domain, server.answers_to(token), ready.connection.page_name)
