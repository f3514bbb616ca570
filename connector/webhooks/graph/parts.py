"""The parts of which Meta's events are made: ids, texts, words, times. Each reads what is there, or says what is wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_ID = 512
_LONGEST_WORD = 64
_LONGEST_NOTE = 2_000


class Unreadable(ValueError):
    """A part is not what Meta's documentation says it is."""


def identity(value: Any) -> str:
    """Read an id, text or whole number below 2^63; anything else is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return str(value)
    return value[:_LONGEST_ID] if isinstance(value, str) else ""


def message_id(holder: dict[str, Any], *, of: str = "a message") -> str:
    """Read the `mid` that an event cannot do without."""
    mid = identity(holder.get("mid"))
    if not mid:
        raise Unreadable(f"{of} has no mid")
    return mid


def text(holder: dict[str, Any], name: str) -> str:
    """Read a text that may be absent, but is nothing else."""
    value = holder.get(name, "")
    if value is not None and not isinstance(value, str):
        raise Unreadable(f"{name} is not a text")
    return value or ""


def string(value: Any) -> str:
    """Read a text; anything else is none."""
    return value if isinstance(value, str) else ""


def note(value: Any) -> str:
    """Read a text that is worth keeping to a bounded length; anything else is none."""
    return string(value)[:_LONGEST_NOTE]


def word(value: Any, *, absent: str = "unknown") -> str:
    """Read a word of Meta's, cut to a length that a column of words deserves."""
    return value[:_LONGEST_WORD] if isinstance(value, str) else absent


def whole(value: Any) -> int:
    """Read a number of things; anything that is none counts 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def inner(holder: Any, name: str) -> dict[str, Any]:
    """Read an object inside an object; empty when there is none."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def objects(value: Any, *, most: int = 1_000) -> list[dict[str, Any]]:
    """List the objects of a list; empty when there is none."""
    return [one for one in value if isinstance(one, dict)][:most] if isinstance(value, list) else []


def required(value: Any, name: str) -> dict[str, Any]:
    """Read an object that must be there."""
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is not an object")
    return value


def moment(milliseconds: Any) -> datetime:
    """Read a time of Messenger's, in milliseconds."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        raise Unreadable("a time is not a number of milliseconds")
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise Unreadable("a time is out of range") from None


def moment_of_change(value: Any) -> datetime | None:
    """Read a time of a generic change: seconds, or a text such as `2026-01-14T19:17:31+0000`; None for anything else."""
    # Unverified: which of the two a topic uses.
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return _EPOCH + timedelta(seconds=value)
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parsed.astimezone(UTC) if parsed and parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None
