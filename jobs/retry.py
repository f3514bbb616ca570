"""Decides what becomes of a task whose turn failed: it waits, goes again at a time, or is given up for a reason. Pure.

    Throttled                    waits until the pause is over, however often; that is no failure
    Unavailable, OutcomeUnknown  again after 1 s, 4 s, 15 s, 1 min, 5 min, 5 min …, until the task's patience ends
    any other ConnectorError     given up: repeating it as it is cannot help
    anything else                a fault of ours: twice more, then given up

Nothing else in the project decides about retries. `jitter` is a number from 0 to 1 that spreads what fails together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import ConnectorError, OutcomeUnknown, Throttled, Unavailable

_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 4, 15, 60, 300))
_SPREAD_OF_THROTTLED = timedelta(seconds=2)
_TRIES_OF_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Again:
    """The task comes back at a time."""

    due_time: datetime
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The task comes back at a time, as if this turn had not been."""

    due_time: datetime
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The task is kept as failed."""

    reason: str
    message: str


Decision = Again | Wait | GiveUp


def decide(error: Exception, *, tries: int, now: datetime, patience: timedelta, jitter: float) -> Decision:
    """Decide about a task that failed for the `tries`-th time in a row; the first failure is 1."""
    match error:
        case Throttled():
            return Wait(max(error.until, now) + jitter * _SPREAD_OF_THROTTLED, error.reason, error.message)
        case Unavailable() | OutcomeUnknown():
            if _waited(tries) > patience:
                return GiveUp(error.reason, error.message)
            wanted = error.retry_after if isinstance(error, Unavailable) else timedelta()
            return Again(now + _spread(max(_pause(tries), wanted), jitter), error.reason, error.message)
        case ConnectorError():
            return GiveUp(error.reason, error.message)
        case _:
            message = f"A fault of the connector ({type(error).__name__}): its log has the details"
            if tries >= _TRIES_OF_FAULTS:
                return GiveUp("INTERNAL", message)
            return Again(now + _spread(_pause(tries), jitter), "INTERNAL", message)


def _pause(tries: int) -> timedelta:
    return _PAUSES[min(tries, len(_PAUSES)) - 1]


def _waited(tries: int) -> timedelta:
    """Tell how long a task has been failing: the pauses it has had; turns themselves are short."""
    first = sum(_PAUSES[: tries - 1], timedelta())
    return first + max(tries - 1 - len(_PAUSES), 0) * _PAUSES[-1]


def _spread(pause: timedelta, jitter: float) -> timedelta:
    return pause * (1 + jitter / 4)
