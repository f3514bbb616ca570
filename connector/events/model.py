"""One thing StormCom must learn, and where it stands in its store's log.

An event is appended once and never changed. Its body is the payload message of the contract as a plain mapping with the
contract's field names (enum names as text, times as datetimes), so that features need not know protobuf.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

LARGEST_PULL = 100
DEFAULT_LEASE = timedelta(seconds=30)
LONGEST_LEASE = timedelta(seconds=600)


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


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement did."""

    now: int
    before: int
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
