"""Times in documents that are stored as JSON: texts there, moments outside."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def timed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read a stored document: what is named `…_time` is a moment."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_time") and isinstance(value, str) else value
        for name, value in document.items()
    }


def told(time: datetime) -> str:
    """Write a moment so that texts sort as moments do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")
