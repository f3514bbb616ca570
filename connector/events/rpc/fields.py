"""The fields that requests about events share: consumers, ids, positions, kinds, reasons."""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from connector.errors import InvalidInput
from connector.events.actions import KINDS
from connector.events.model import read_position
from connector.rpc import read

DEFAULT_CONSUMER = "default"
_MOST_KINDS = 50
_REASON = re.compile(r"[A-Za-z0-9._:@-]{1,64}")


def consumer(name: str, default: str = DEFAULT_CONSUMER) -> str:
    """Read a consumer's name."""
    return read.foreign_id(name, "consumer") if name else default


def position(text: str, field: str) -> int | None:
    """Read a position; None for an empty one."""
    try:
        return read_position(text) if text else None
    except ValueError:
        raise InvalidInput.of(field, "FIELD_INVALID", "is not the position of an event of ours") from None


def event_ids(texts: Iterable[str]) -> set[UUID]:
    """Read ids; what is none of ours cannot be found, so it is left out."""
    return {found for text in texts if (found := _event_id(text)) is not None}


def kinds(names: Sequence[str]) -> tuple[str, ...]:
    """Read the kinds of events that are wanted; none means all."""
    if len(names) > _MOST_KINDS:
        raise InvalidInput.of("kinds", "FIELD_TOO_LARGE", f"has {len(names)} entries; {_MOST_KINDS} are allowed")
    return tuple(dict.fromkeys(read.one_of(name, f"kinds[{place}]", KINDS) for place, name in enumerate(names)))


def reason(text: str) -> str:
    """Read why something is done, as it stands in the audit."""
    if not _REASON.fullmatch(read.required(text, "reason")):
        raise InvalidInput.of(
            "reason", "FIELD_INVALID", "must be 1 to 64 of A-Z a-z 0-9 . _ : @ -, as a ticket's number"
        )
    return text


def within(value: int, field: str, most: int) -> int:
    """Read a number from 0 to `most`."""
    if not 0 <= value <= most:
        raise InvalidInput.of(field, "FIELD_INVALID", f"must be between 0 and {most}")
    return value


def _event_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
