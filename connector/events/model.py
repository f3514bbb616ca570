"""One thing StormCom must learn, and where it stands in its store's log.

An event is appended once and never changed. Its body is the payload message of the contract as a plain mapping with the
contract's field names (enum names as text, times as datetimes), so that features need not know protobuf.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

LARGEST_PULL = 100
DEFAULT_LEASE = timedelta(seconds=30)
LONGEST_LEASE = timedelta(seconds=600)
LONGEST_PAUSE = timedelta(hours=12)
DEFAULT_DELIVERIES, MOST_DELIVERIES = 10, 100


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about to be appended; `kind` is the field of the contract's `Event.payload` that `body` fills."""

    store_id: str
    connection_id: UUID | None
    ordering_key: str
    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands in the log."""

    id: UUID
    store_id: str
    connection_id: UUID | None
    ordering_key: str
    kind: str
    body: Mapping[str, Any]
    position: int
    create_time: datetime


class Kind(StrEnum):
    """How a consumer took events last."""

    NEW = "NEW"
    PULL = "PULL"
    STREAM = "STREAM"
    PUSH = "PUSH"


class AfterDeadLetter(StrEnum):
    """What becomes of the later events of a key one of which is a dead letter."""

    HOLD_KEY = "HOLD_KEY"
    GO_ON = "GO_ON"


@dataclass(frozen=True, slots=True)
class Treatment:
    """A consumer while its events are handed out: how far the log was drawn for it, and what it wants done with failures."""

    store_id: str
    name: str
    cursor: int
    kind: Kind
    most_deliveries: int
    after_dead_letter: AfterDeadLetter


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer and how far it is: everything up to `position` is acknowledged or a dead letter."""

    name: str
    kind: Kind
    most_deliveries: int
    after_dead_letter: AfterDeadLetter
    position: int
    lag: int
    oldest_time: datetime | None
    loans: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a consumer has not worked off: since when its oldest event waits, its dead letters, the keys they hold up."""

    store_id: str
    name: str
    oldest_time: datetime | None
    dead_letters: int
    held_keys: int


@dataclass(frozen=True, slots=True)
class Lent:
    """An event on loan, and how often it was handed out."""

    event: Event
    deliveries: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a consumer could not work off."""

    event: Event
    deliveries: int
    reason: str
    message: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a replay is about."""

    behind: int
    kinds: Sequence[str] = ()
    ordering_key: str = ""

    @property
    def everything(self) -> bool:
        """Tell whether nothing is left out."""
        return not self.kinds and not self.ordering_key


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement did."""

    now: int
    before: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Returned:
    """What giving events back did."""

    returned: int
    dead: int
    unknown: int


def write_position(position: int) -> str:
    """Write a position so that nobody is tempted to count with it."""
    return base64.urlsafe_b64encode(position.to_bytes(8)).decode().rstrip("=")


def read_position(text: str) -> int:
    """Read a position.

    Raises:
        ValueError: it is not one of ours.

    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(text) from error
    if len(raw) != 8 or write_position(position := int.from_bytes(raw)) != text or position >= 1 << 63:
        raise ValueError(text)
    return position
