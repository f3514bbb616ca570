"""Hands mails to the mail server, each to one address, and tells what it said of each. Sends once; the only file that speaks SMTP.

In a thread, since Python's client blocks; every answer has the server's timeout. Nothing of a mail, an address or the server's words
leaves here but its reply code. A mail whose answer was lost may have been taken: who sends it again sends it under its `Message-ID`.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connector import metrics
from connector.settings import MailServer
from connector.settings.mail import Security


class Verdict(StrEnum):
    """What became of a mail."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"  # for good: the address, or this mail
    LATER = "LATER"  # not now, or nobody knows


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it goes over the wire, for one address."""

    address: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What the mail server said; `code` is 0 when it said nothing."""

    verdict: Verdict
    code: int = 0


async def send(server: MailServer, letters: Sequence[Letter], *, timeout: timedelta | None = None) -> list[Told]:
    """Send mails over one connection; tells of each, in their order."""
    limit = (timeout or server.timeout).total_seconds()
    told = await asyncio.to_thread(_send, server, letters, limit)
    for one in told:
        metrics.mails.labels(one.verdict.lower()).inc()
    return told


def _send(server: MailServer, letters: Sequence[Letter], limit: float) -> list[Told]:
    told: list[Told] = []
    try:
        with _session(server, limit) as session:
            for letter in letters:
                told.append(_hand_in(session, server.sender_address, letter))  # noqa: PERF401 – what was said before a failure counts
    except (OSError, smtplib.SMTPException) as problem:
        code = problem.smtp_code if isinstance(problem, smtplib.SMTPResponseException) else 0
        told += [Told(Verdict.LATER, code)] * (len(letters) - len(told))
    return told


@contextmanager
def _session(server: MailServer, limit: float) -> Iterator[smtplib.SMTP]:
    """Open a session, protected as the settings demand, and signed in."""
    context = ssl.create_default_context(cafile=server.authorities)
    session = _connect(server, limit, context)
    try:
        if server.security is Security.STARTTLS:
            session.starttls(context=context)
        if server.user:
            session.login(server.user, server.password.reveal())
        yield session
        with suppress(OSError, smtplib.SMTPException):
            session.quit()  # whatever it says to that, the mails are its own by now
    finally:
        session.close()


def _connect(server: MailServer, limit: float, context: ssl.SSLContext) -> smtplib.SMTP:
    name = server.domain  # smtplib would look up the machine's
    if server.security is Security.TLS:
        return smtplib.SMTP_SSL(server.host, server.port, name, timeout=limit, context=context)
    return smtplib.SMTP(server.host, server.port, name, timeout=limit)


def _hand_in(session: smtplib.SMTP, sender: str, letter: Letter) -> Told:
    """Hand in one mail. That the server went away rises."""
    try:
        session.sendmail(sender, [letter.address], letter.content)
    except smtplib.SMTPRecipientsRefused as refusal:
        ((code, _),) = refusal.recipients.values()
        return _told(code)
    except smtplib.SMTPDataError as refusal:
        return _told(refusal.smtp_code)
    return Told(Verdict.ACCEPTED, 250)


# https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1 (recalled): 4yz is for now, 5yz for good.
def _told(code: int) -> Told:
    return Told(Verdict.REFUSED if 500 <= code < 600 else Verdict.LATER, code)
