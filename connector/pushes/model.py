"""A push: how it signs, what an answer means, and how long it pauses after which. Pure.

Signed as Standard Webhooks 1.0 say: the HMAC-SHA-256 of `id.timestamp.body`, once for every secret that counts.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from uuid import UUID

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (recalled): 24 to 64 bytes.
_SECRET_BYTES = range(24, 65)
_PREFIX = "whsec_"
FORMER_SECRET_SIGNS = timedelta(hours=24)
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1800, 7200, 18_000, 36_000))
"""After the first failure of an event, after the second …; the last repeats."""
OUTAGES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900))
"""The same for a receiver that cannot be reached, whatever the event."""
_LONGEST_WAIT = timedelta(hours=24)
FEWEST_FAILURES = 5
"""So many failures in a row are needed before a push is given up, however long ago the last success."""


class State(StrEnum):
    """What a push does."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class Verdict(StrEnum):
    """What an answer means for the event, and for the others."""

    TAKEN = "TAKEN"
    AGAIN = "AGAIN"  # this event failed; others may well get through
    WAIT = "WAIT"  # nothing gets through for now
    GONE = "GONE"  # nothing ever will


@dataclass(frozen=True, slots=True)
class Push:
    """A push without its secrets."""

    id: UUID
    store_id: str
    consumer: str
    url: str
    kinds: Sequence[str]
    state: State
    reason: str
    last_answer: str
    last_time: datetime | None
    failing_since_time: datetime | None
    failures: int
    outages: int
    resume_time: datetime | None
    former_secret_expire_time: datetime | None
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What a post led to: an HTTP status, or a word for what failed."""

    word: str
    verdict: Verdict
    wait: timedelta | None = None

    @classmethod
    def of_status(cls, status: int, retry_after: str, *, now: datetime) -> "Answer":
        """Judge a status."""
        if 200 <= status < 300:
            return cls(str(status), Verdict.TAKEN)
        if status == 410:
            return cls(str(status), Verdict.GONE)
        if status in {429, 502, 503, 504}:
            return cls(str(status), Verdict.WAIT, read_retry_after(retry_after, now=now))
        return cls(str(status), Verdict.AGAIN)


CONNECTION_FAILED = Answer("CONNECTION_FAILED", Verdict.WAIT)
ADDRESS_NOT_PUBLIC = Answer("ADDRESS_NOT_PUBLIC", Verdict.WAIT)
TIMED_OUT = Answer("TIMED_OUT", Verdict.AGAIN)
BROKEN_OFF = Answer("BROKEN_OFF", Verdict.AGAIN)


# https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 (recalled): seconds, or a date.
def read_retry_after(text: str, *, now: datetime) -> timedelta | None:
    """Read how long a receiver asks us to wait, at most a day; None when it does not say."""
    try:
        wait = timedelta(seconds=int(text)) if text.isdecimal() else parsedate_to_datetime(text) - now
    except (ValueError, OverflowError, TypeError):  # the last: a date without a zone
        return None
    return min(max(wait, timedelta()), _LONGEST_WAIT)


def pause_after(deliveries: int) -> timedelta:
    """Tell when an event is tried again that failed for the so-manieth time."""
    return PAUSES[min(max(deliveries, 1), len(PAUSES)) - 1]


def outage_after(outages: int) -> timedelta:
    """Tell when a receiver is tried again that could not be reached for the so-manieth time."""
    return OUTAGES[min(max(outages, 1), len(OUTAGES)) - 1]


def read_secret(text: str) -> bytes:
    """Read a signing secret.

    Raises:
        ValueError: it is none.

    """
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 random bytes")
    return key


def headers(event_id: str, body: bytes, secrets: Sequence[str], *, attempt: int, at: datetime) -> dict[str, str]:
    """Write what a post says of itself; the newest secret stands first."""
    second = str(int(at.timestamp()))
    signed = f"{event_id}.{second}.".encode() + body
    plain = hmac.new(secrets[0].encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "user-agent": "StormCom-Facebook-Connector",
        "webhook-id": event_id,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(_signature(read_secret(secret), signed) for secret in secrets),
        "X-Delivery-ID": event_id,
        "X-Delivery-Attempt": str(attempt),
        "X-Webhook-Signature-256": f"sha256={plain}",
    }


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
