"""What can go wrong that a caller can act on.

    ConnectorError                 reason, message, metadata
    ├── InvalidInput               the request is wrong: mend the named fields
    ├── Unauthenticated            no valid credential
    ├── Forbidden                  a valid credential that may not do this
    ├── NotFound                   no such thing in this store
    ├── AlreadyExists              the name is taken
    ├── Conflict                   the same wish is being worked on right now
    ├── FailedPrecondition         something must change first; `fix` says what
    │   └── MetaRefused            … because Meta says so
    ├── Throttled                  wait until `until`
    ├── Overloaded                 we have too many calls at once: wait a moment
    ├── Unavailable                try again after `retry_after`
    └── OutcomeUnknown             the effect may or may not have happened

One class per thing a caller does differently; the cause is `reason`, a value of ErrorReason in the contract.
Messages say what to do next and hold no tokens, bodies, names or page-scoped ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


class ConnectorError(Exception):
    """A failure with a reason that somebody can act on."""

    def __init__(self, reason: str, message: str, **metadata: str | int) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = {name: str(value) for name, value in metadata.items()}


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field: its path in the request, why, and what mends it."""

    field: str
    reason: str
    message: str


class InvalidInput(ConnectorError):
    """The request is wrong; every wrong field is named."""

    def __init__(self, violations: Sequence[Violation], **metadata: str | int) -> None:
        first = violations[0]
        super().__init__(first.reason, first.message, **{"field": first.field, **metadata})
        self.violations = tuple(violations)

    @classmethod
    def of(cls, field: str, reason: str, message: str, **metadata: str | int) -> "InvalidInput":
        """Refuse one field."""
        return cls([Violation(field, reason, f"{field}: {message}" if field else message)], **metadata)


class Unauthenticated(ConnectorError):
    """No credential, or one that is not valid."""


class Forbidden(ConnectorError):
    """The credential does not allow this."""


class NotFound(ConnectorError):
    """The store has no such thing. Things of other stores end here too, in the same words."""


class AlreadyExists(ConnectorError):
    """The name is taken by something else."""


class Conflict(ConnectorError):
    """The same wish is being worked on right now; ask again in a moment."""


class FailedPrecondition(ConnectorError):
    """Something must change before this can work; `fix` is the button to press."""

    def __init__(self, reason: str, message: str, *, fix: str = "", link: str = "", **metadata: str | int) -> None:
        super().__init__(reason, message, **metadata)
        self.fix = fix
        self.link = link


class MetaRefused(FailedPrecondition):
    """Meta understood the request and refuses it; repeating it as it is cannot help."""

    def __init__(
        self, reason: str, message: str, *, code: int, subcode: int = 0, fix: str = "", **metadata: str | int
    ) -> None:
        told: dict[str, Any] = {"meta_code": code, "meta_subcode": subcode, **metadata}
        super().__init__(reason, message, fix=fix, **told)
        self.code = code
        self.subcode = subcode

    @property
    def too_large(self) -> bool:
        """Tell whether Meta asks for less at once: code 1 that is neither a failure of its own nor about permissions."""
        return self.code == 1 and self.reason == "META_REJECTED"


class Throttled(ConnectorError):
    """Nobody may call Meta for one bucket until a time: Meta asked for a pause, or fails and is left alone."""

    def __init__(
        self, bucket: str, until: datetime, message: str, *, reason: str = "META_THROTTLED", **metadata: str | int
    ) -> None:
        super().__init__(reason, message, bucket=bucket.partition(":")[0], **metadata)
        self.bucket = bucket
        self.until = until


class Overloaded(ConnectorError):
    """We are at our own limit; nothing was begun."""


class Unavailable(ConnectorError):
    """It did not happen and may be repeated later."""

    def __init__(
        self, reason: str, message: str, *, retry_after: timedelta = timedelta(seconds=1), **metadata: str | int
    ) -> None:
        super().__init__(reason, message, **metadata)
        self.retry_after = retry_after


class OutcomeUnknown(ConnectorError):
    """The request left, the answer was lost: look before doing it again."""
