"""A feed, an upload of it, and what Meta found in its file.

WRITING ──▶ READY ──asked──▶ RUNNING ──ended──▶ SETTLING ──▶ SUCCEEDED, PARTIALLY_SUCCEEDED, FAILED
   └───────────┴── given up ───────┴───────────────┘
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from connector.values import ConnectionId

PATIENCE = timedelta(hours=2)
"""After this long Meta's silence on an upload is its end, and its items go in batches. Unverified: how long a million rows take."""
FILE_TIME = timedelta(hours=24)
"""How long a file can be fetched after Meta was asked to."""
READABLE_TIME = timedelta(minutes=2)
"""How long a new feed may seem absent. meta-for-magento2, feed upload: it asks five times, two seconds apart."""
MOST_ERRORS, MOST_SAMPLES = 50, 1_000
SHOWN_SAMPLES = 100


class FeedKind(StrEnum):
    """What a feed holds."""

    PRODUCTS = "PRODUCTS"
    RATINGS_AND_REVIEWS = "RATINGS_AND_REVIEWS"
    NAVIGATION = "NAVIGATION"
    PROMOTIONS = "PROMOTIONS"


class State(StrEnum):
    """How far an upload is."""

    WRITING = "WRITING"
    READY = "READY"
    RUNNING = "RUNNING"
    SETTLING = "SETTLING"
    SUCCEEDED = "SUCCEEDED"
    PARTIALLY_SUCCEEDED = "PARTIALLY_SUCCEEDED"
    FAILED = "FAILED"


OPEN = (State.WRITING, State.READY, State.RUNNING, State.SETTLING)
"""The states of an upload that has not ended; a feed has at most one such."""


class Severity(StrEnum):
    """How bad an error of a file is."""

    FATAL = "FATAL"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class FeedError:
    """One kind of error that Meta found, and the rows it names."""

    severity: Severity
    error_type: str
    summary: str
    total_count: int
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What Meta says of an upload; `ended` is false while it works."""

    ended: bool
    detected: int = 0
    persisted: int = 0
    invalid: int = 0
    deleted: int = 0
    errors: tuple[FeedError, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether Meta could read the file at all."""
        return self.detected > 0 or all(error.severity is not Severity.FATAL for error in self.errors)

    def told(self, row_count: int) -> bool:
        """Tell whether every one of the file's rows that was not taken in is named, so that all the others are known to be in."""
        named = {name for error in self.errors if error.severity is Severity.FATAL for name in error.samples}
        missing = max(self.detected, row_count) - self.persisted
        return self.usable and missing <= len(named) and self.invalid <= len(named)

    def words(self, severity: Severity) -> dict[str, str]:
        """Tell Meta's words by the rows it names."""
        words: dict[str, list[str]] = {}
        for error in self.errors:
            for name in error.samples if error.severity is severity else ():
                words.setdefault(name, []).append(error.summary)
        return {name: "; ".join(dict.fromkeys(said)) for name, said in words.items() if name}


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed of a connection."""

    connection_id: ConnectionId
    kind: FeedKind
    enabled: bool = False
    integration_id: str = ""
    meta_feed_id: str = ""
    ask_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way to Meta, as it is kept."""

    id: UUID
    store_id: str
    connection_id: ConnectionId
    kind: FeedKind
    state: State
    reason: str
    message: str
    row_count: int
    size_bytes: int
    piece_count: int
    sealed_token: bytes
    meta_upload_id: str
    polls: int
    findings: Findings
    create_time: datetime
    ask_time: datetime | None
    fetch_time: datetime | None
    end_time: datetime | None
    expire_time: datetime | None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN

    @property
    def counted_rows(self) -> int:
        """How many rows Meta should have counted: it counts none of an integration's file."""
        return self.row_count if self.meta_upload_id else 0


@dataclass(frozen=True, slots=True)
class File:
    """A complete file, as it is served."""

    upload_id: UUID
    kind: FeedKind
    size_bytes: int
    piece_count: int
    etag: str


# Unverified: how long Meta takes; the looks begin quickly and slow down to one a minute.
_LOOKS = (2, 5, 10, 20, 30, 60)


def look_delay(polls: int) -> timedelta:
    """Tell how long to wait before an upload is looked at, after so many looks."""
    return timedelta(seconds=_LOOKS[min(polls, len(_LOOKS) - 1)])


def outcome(findings: Findings, row_count: int, *, failed: bool) -> State:
    """Tell how the upload of a file of so many rows ends."""
    if failed or not findings.usable:
        return State.FAILED
    whole = findings.persisted >= max(findings.detected, row_count) and not findings.invalid
    return State.SUCCEEDED if whole else State.PARTIALLY_SUCCEEDED


def shown(errors: Sequence[FeedError]) -> list[dict[str, Any]]:
    """Write errors with the contract's field names."""
    return [
        {
            "severity": f"SEVERITY_{error.severity}",
            "error_type": error.error_type,
            "summary": error.summary,
            "total_count": error.total_count,
            "samples": list(error.samples[:SHOWN_SAMPLES]),
        }
        for error in errors
    ]
