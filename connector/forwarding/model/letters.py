"""How a forwarded mail looks: plain text, and the same as HTML in which nothing of a stranger's is more than text.

Whatever people named themselves or wrote is cleaned before it comes into a header, and escaped before it comes into HTML: no line
breaks, no marks that turn writing around, no links or pictures of theirs. Two tries of a mail are the same to the last byte.
"""

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

# https://www.unicode.org/reports/tr9 (recalled): what overrides, embeds or isolates a direction of writing.
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LONGEST_NAME = 60
_ANSWER = "Answer this mail, and your answer goes to the conversation."
_NO_ANSWER = "Answer in StormCom: answers to this mail reach nobody."
_UNSHOWN = "(no text: look at the conversation)"


@dataclass(frozen=True, slots=True)
class Line:
    """One message, as a mail shows it."""

    send_time: datetime
    text: str
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """What all mails of a connection share: from whom, under which domain, where answers go, which Page it is."""

    sender: str
    domain: str
    reply_to: str
    page_name: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What is told: who wrote to which conversation, what, and when the mail was first written."""

    mail_id: UUID
    conversation_id: UUID
    person_name: str
    lines: Sequence[Line]
    include_text: bool
    write_time: datetime


def write_digest(post: Post, digest: Digest, address: str) -> bytes:
    """Write the mail that tells somebody of new messages."""
    person, page = calm(digest.person_name) or "A customer", calm(post.page_name)
    count = len(digest.lines)
    opening = f"{person} wrote to {page}." if count == 1 else f"{person} wrote {count} messages to {page}."
    told = [_told(line) for line in digest.lines] if digest.include_text else []
    # https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4 (recalled): a root that nobody sent still holds the thread together.
    root = f"<conversation-{digest.conversation_id}@{post.domain}>"
    headers = {
        "Message-ID": f"<message-{digest.mail_id}@{post.domain}>",
        "In-Reply-To": root,
        "References": root,
        "Date": format_datetime(digest.write_time),
        "Subject": f"{person} – {page}",
    }
    return _write(post, address, headers, _Body(opening, told, _ANSWER if post.reply_to else _NO_ANSWER))


def write_test(post: Post, mail_id: UUID, address: str, *, at: datetime) -> bytes:
    """Write the mail that only says that it arrived."""
    page = calm(post.page_name)
    headers = {
        "Message-ID": f"<test-{mail_id}@{post.domain}>",
        "Date": format_datetime(at),
        "Subject": f"Test – {page}",
    }
    opening = f"This is a test: messages to {page} can be forwarded to this address."
    return _write(post, address, headers, _Body(opening, [], "Nothing needs to be done."))


def calm(text: str, longest: int = _LONGEST_NAME) -> str:
    """Write a stranger's words in one line that can stand in a header: no controls, no turns of direction, not too long."""
    seen = "".join(" " if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} else sign for sign in text)
    # https://www.rfc-editor.org/rfc/rfc2047#section-2 (recalled): what begins an encoded word would be decoded.
    line = " ".join(_TURNS.sub("", seen).replace("=?", "= ?").split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _told(line: Line) -> tuple[str, str]:
    """Tell a message: when, and what, line by line."""
    lines = [_TURNS.sub("", one) for one in line.text.splitlines()]
    words = "\n".join("".join(sign for sign in one.expandtabs() if unicodedata.category(sign) != "Cc") for one in lines)
    things = "\n".join(f"({calm(kind) or 'attachment'})" for kind in line.attachments)
    when = line.send_time.strftime("%Y-%m-%d %H:%M UTC")
    return when, "\n".join(part for part in (words, things) if part) or _UNSHOWN


@dataclass(frozen=True, slots=True)
class _Body:
    """What a mail says: an opening, messages with their times, and how to answer."""

    opening: str
    told: Sequence[tuple[str, str]]
    closing: str

    def plain(self) -> str:
        blocks = [self.opening, *(f"[{when}]\n{words}" for when, words in self.told)]
        return "\n\n".join([*blocks, f"-- \n{self.closing}"]) + "\n"

    def page(self) -> str:
        blocks = [f"<p>{_safe(self.opening)}</p>"]
        blocks += [f"<p><small>{_safe(when)}</small><br>{_safe(words)}</p>" for when, words in self.told]
        blocks += [f"<hr><p><small>{_safe(self.closing)}</small></p>"]
        return f'<!doctype html><html><head><meta charset="utf-8"></head><body>{"".join(blocks)}</body></html>\n'


def _write(post: Post, address: str, headers: Mapping[str, str], body: _Body) -> bytes:
    mail = EmailMessage(policy=SMTP)
    name, own = parseaddr(post.sender)
    mail["From"], mail["To"] = Address(name, addr_spec=own), Address(addr_spec=address)
    if post.reply_to:
        mail["Reply-To"] = Address(addr_spec=post.reply_to)
    # https://www.rfc-editor.org/rfc/rfc3834 (recalled): nobody's holiday note shall answer it.
    for header, value in {**headers, "Auto-Submitted": "auto-generated"}.items():
        mail[header] = value
    mail.set_content(body.plain(), cte="base64")
    mail.add_alternative(body.page(), subtype="html", cte="base64")
    boundary = re.sub(r"[^A-Za-z0-9]", "", headers["Message-ID"])  # of our own ids, so that every try is the same
    mail.set_boundary(f"=_{boundary[:60]}")
    return mail.as_bytes()


def _safe(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")
