"""What is true of conversations: who wrote, how far a message came, until when the Page may write.

    PENDING ──▶ ATTEMPTED ──▶ SENT ──▶ DELIVERED ──▶ READ
       ▲            ├──▶ FAILED            refused; it did not go out
       └─ not sent ─┤
                    └──▶ UNKNOWN ──▶ SENT or FAILED, when Meta's echo or a read-back tells

States of a message of the Page only move along that line, whatever order Meta's webhooks come in. FAILED gives way to a
later proof that it went out after all: Meta's word stands above our guess.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from connector.errors import FailedPrecondition

# Unverified: recalled of Messenger's policy; the refusal 10/2018278 is what Meta answers outside of it.
RESPONSE_WINDOW = timedelta(hours=24)
# Unverified: recalled; needs the Human Agent feature of the app.
HUMAN_AGENT_WINDOW = timedelta(days=7)
# Unverified: recalled, in characters.
LONGEST_TEXT = 2000
SNIPPET = 100

# Our own figures: how far Meta's clock may be behind ours, and how late a lost call may still take effect.
_CLOCK_DIFFERENCE = timedelta(minutes=2)
_LATEST_ARRIVAL = timedelta(minutes=10)
UNAVAILABLE_LIMIT = timedelta(hours=1)
"""How long a message is worth sending while Meta cannot take it."""
SETTLE_STEPS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 60, 300, 900))
SETTLE_EVERY = timedelta(hours=1)
SETTLE_LIMIT = timedelta(hours=24)


class Origin(StrEnum):
    """Who wrote a message."""

    PERSON = "PERSON"
    STORMCOM = "STORMCOM"
    ELSEWHERE = "ELSEWHERE"


class Sender(StrEnum):
    """Who writes on the Page's side."""

    AUTOMATION = "AUTOMATION"
    HUMAN = "HUMAN"


class State(StrEnum):
    """How far a message came."""

    RECEIVED = "RECEIVED"
    PENDING = "PENDING"
    ATTEMPTED = "ATTEMPTED"  # told to nobody: PENDING, with a call to Meta under way
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"


OPEN = (State.PENDING, State.ATTEMPTED)
"""Still ours to send."""
UNPROVEN = (State.PENDING, State.ATTEMPTED, State.UNKNOWN, State.FAILED)
"""Meta has not named a `mid` yet: a proof that it went out makes it SENT."""
OUT = (State.SENT, State.DELIVERED, State.READ)
"""Went out for sure."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A thing in a message: Meta's type, where it lies (such links expire), its title."""

    type: str
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class PersonMessage:
    """A person wrote, pressed a button, or did what we only show: then `unsupported_kind` is Meta's name of it.

    Exactly one of `mid` and `digest` tells it from every other.
    """

    psid: str
    send_time: datetime
    mid: str = ""
    digest: str = ""
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    unsupported_kind: str = ""
    opens_window: bool = True


@dataclass(frozen=True, slots=True)
class Echo:
    """The Page wrote, through us or elsewhere; `metadata` is what the sender put along."""

    psid: str
    send_time: datetime
    mid: str
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    app_id: str = ""
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Messages of the Page reached the person: these, and all that are not newer than the watermark."""

    psid: str
    watermark: datetime
    mids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """The person read everything the Page sent up to the watermark."""

    psid: str
    watermark: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A Page's exchange with one person. `person_time` is when the person last wrote; the windows count from it."""

    id: UUID
    store_id: str
    connection_id: UUID
    psid: str
    person_name: str
    person_time: datetime | None
    snippet: str
    unread_count: int
    last_message_time: datetime | None
    delivered_time: datetime | None
    read_time: datetime | None

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names: the one description RPCs and events share."""
        return {
            "conversation_id": str(self.id),
            "connection_id": str(self.connection_id),
            "channel": "CHANNEL_MESSENGER",
            "person": {"psid": self.psid, "name": self.person_name},
            "snippet": self.snippet,
            "unread_count": self.unread_count,
            "last_message_time": self.last_message_time,
            "window": _windows(self.person_time) if self.person_time else {},
        }


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `attempt_time` is when the call that sends it began."""

    id: UUID
    store_id: str
    connection_id: UUID
    conversation_id: UUID
    request_id: str | None
    origin: Origin
    state: State
    mid: str | None
    text: str
    attachments: tuple[Attachment, ...]
    send_time: datetime
    attempt_time: datetime | None
    sender: Sender | None
    reason: str
    unsupported_kind: str

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names and enum names."""
        state = State.PENDING if self.state is State.ATTEMPTED else self.state
        return {
            "message_id": str(self.id),
            "conversation_id": str(self.conversation_id),
            "mid": self.mid or "",
            "origin": f"ORIGIN_{self.origin}",
            "state": f"STATE_{state}",
            "text": self.text,
            "attachments": [{"type": one.type, "url": one.url, "title": one.title} for one in self.attachments],
            "send_time": self.send_time,
            "reason": self.reason,
            "unsupported_kind": self.unsupported_kind,
            "sender": f"SENDER_{self.sender or 'UNSPECIFIED'}",
        }


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that Meta shows when a conversation is read back."""

    mid: str
    sender_id: str
    text: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """How a message may go out, in Meta's words."""

    messaging_type: str
    tag: str = ""


def policy(sender: Sender, person_time: datetime | None, *, now: datetime) -> Policy:
    """Decide under which policy the Page may write now.

    Raises:
        FailedPrecondition: MESSAGING_WINDOW_CLOSED, naming when it closed for whom.

    """
    # SDK 26.0.3, page.py: messaging_type RESPONSE and MESSAGE_TAG. Unverified: which of them suits which window.
    if person_time is not None and now < person_time + RESPONSE_WINDOW:
        return Policy("RESPONSE")
    if person_time is not None and sender is Sender.HUMAN and now < person_time + HUMAN_AGENT_WINDOW:
        return Policy("MESSAGE_TAG", "HUMAN_AGENT")
    closed = {} if person_time is None else {name: time.isoformat() for name, time in _windows(person_time).items()}
    hope = person_time is not None and now < person_time + HUMAN_AGENT_WINDOW
    wait = "Wait until the person writes again"
    raise FailedPrecondition(
        "MESSAGING_WINDOW_CLOSED",
        f"The person's last message is too long ago for this sender. {wait}{', or let a human answer' if hope else ''}.",
        fix=f"{wait}{', or send with sender HUMAN' if hope else ''}.",
        **closed,
    )


def _windows(person_time: datetime) -> dict[str, datetime]:
    return {
        "response_expire_time": person_time + RESPONSE_WINDOW,
        "human_agent_expire_time": person_time + HUMAN_AGENT_WINDOW,
    }


def same_words(ours: str, theirs: str) -> bool:
    """Tell whether two texts say the same: Meta may trim and fold white space."""
    return ours.split() == theirs.split()


def find_posted(message: Message, posted: tuple[Posted, ...], *, page_id: str, known: frozenset[str]) -> Posted | None:
    """Find our message among those Meta shows: by the Page, same words, sent around our attempt, not known as another.

    Meta's read-back does not return `metadata` (Unverified), so words and time are what there is. The oldest fits best:
    messages of a conversation go out one after the other, and one that was answered is known by its `mid`.
    """
    begin = message.attempt_time or message.send_time
    fits = [
        one
        for one in posted
        if one.sender_id == page_id
        and one.mid not in known
        and begin - _CLOCK_DIFFERENCE <= one.create_time <= begin + _LATEST_ARRIVAL
        and same_words(message.text, one.text)
    ]
    return min(fits, key=lambda one: one.create_time, default=None)


def proves_absence(message: Message, posted: tuple[Posted, ...], *, complete: bool, now: datetime) -> bool:
    """Tell whether a read-back without our message proves that it never went out.

    It does when it was made after the last moment at which the lost call could still take effect, and reaches back beyond
    our attempt: all of the conversation, or something older.
    """
    begin = message.attempt_time or message.send_time
    reaches = complete or any(one.create_time < begin - _CLOCK_DIFFERENCE for one in posted)
    return reaches and now >= begin + _LATEST_ARRIVAL + _CLOCK_DIFFERENCE


def next_look(message: Message, *, now: datetime) -> datetime | None:
    """Tell when to look for the message again; None when 24 hours brought no answer."""
    begin = message.attempt_time or message.send_time
    if now >= begin + SETTLE_LIMIT:
        return None
    return next((begin + step for step in SETTLE_STEPS if begin + step > now), now + SETTLE_EVERY)
