"""What a connection forwards, how that does, and how far a mail came.

    PENDING ──▶ SENT      every address that is wanted was taken or refused, one at least taken
       │  └──▶ FAILED     refused by all, or given up after a day
       └──▶ DROPPED       what it was about is gone, or nobody wants it any more

A mail is written down before it is first sent, with its messages, so that each message is in one mail. Whether it arrived may stay
unknown: then it is sent again under the same `Message-ID`. A mail that comes twice is a nuisance, a lost one a lost customer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MOST_ADDRESSES = 10
MOST_MESSAGES = 50
"""So many are in one mail; more come in the next."""
DIGEST_PERIOD, SHORTEST_DIGEST, LONGEST_DIGEST = timedelta(minutes=5), timedelta(minutes=1), timedelta(hours=24)
MOST_HOURLY = 60
"""So many mails a connection sends within an hour; what is more waits, and comes together."""
FORWARDED_FOR = timedelta(days=7)
"""Messages older than that are not forwarded any more; mails are remembered longer, so none is forwarded twice."""
TEST_EVERY = timedelta(minutes=1)
ALERT_AFTER, SUSPEND_AFTER = timedelta(hours=1), timedelta(days=3)
_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
_PATIENCE, _PATIENCE_WHEN_REACHED = timedelta(days=1), timedelta(hours=1)
"""For so long a mail is tried; shorter once it reached somebody, who waits for the next one of its conversation."""
CHANNELS = ("MESSENGER", "INSTAGRAM")


class State(StrEnum):
    """How forwarding does."""

    OFF = "OFF"
    ACTIVE = "ACTIVE"
    FAILING = "FAILING"
    SUSPENDED = "SUSPENDED"


class MailState(StrEnum):
    """How far a mail came."""

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants forwarded, and to whom. No channels means all."""

    enabled: bool = False
    addresses: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    include_text: bool = False
    digest_period: timedelta = DIGEST_PERIOD

    def takes(self, channel: str) -> bool:
        """Tell whether messages of a channel are forwarded."""
        return not self.channels or channel in self.channels


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What a connection forwards, and how that does. `enable_time` is from when; `fail_time` since when nobody is reached."""

    connection_id: UUID
    store_id: str
    wish: Wish
    enable_time: datetime | None = None
    suspend_time: datetime | None = None
    reason: str = ""
    fail_time: datetime | None = None
    last_send_time: datetime | None = None
    test_time: datetime | None = None
    update_time: datetime | None = None

    @property
    def state(self) -> State:
        """How it does."""
        if not self.wish.enabled:
            return State.OFF
        if self.suspend_time:
            return State.SUSPENDED
        return State.FAILING if self.fail_time else State.ACTIVE

    @property
    def works(self) -> bool:
        """Whether messages are forwarded."""
        return self.state in {State.ACTIVE, State.FAILING}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, by the first of its messages; `settled` names the addresses that need no more of it, as hashes."""

    id: UUID
    connection_id: UUID
    conversation_id: UUID
    state: MailState
    settled: tuple[str, ...]
    tries: int
    create_time: datetime
    retry_time: datetime | None = None
    accepted_count: int = 0


@dataclass(frozen=True, slots=True)
class Talk:
    """What a mail needs to know of a conversation."""

    id: UUID
    connection_id: UUID
    channel: str
    person_name: str
    last_message_time: datetime | None


def pause(mail: Mail, *, reached: bool, at: datetime) -> timedelta | None:
    """Tell how long a mail rests after a try that not every address took; None when it has been tried for long enough."""
    if at - mail.create_time >= (_PATIENCE_WHEN_REACHED if reached else _PATIENCE):
        return None
    return _PAUSES[min(mail.tries, len(_PAUSES) - 1)]
