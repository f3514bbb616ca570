"""Requests into values: every function names the field that is wrong and says what would be right.

`Faults` collects several wrong fields of one request; the single-value readers raise at once.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import orjson
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from connector.errors import InvalidInput, NotFound, Violation
from connector.values import Money, decimals_of
from stormcom.facebook.v1 import money_pb2

T = TypeVar("T")

_FOREIGN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
DEFAULT_PAGE, LARGEST_PAGE = 50, 500


def required(value: str, field: str, *, limit: int | None = None) -> str:
    """Read a text that must not be empty, of at most `limit` characters."""
    if not value:
        raise InvalidInput.of(field, "FIELD_REQUIRED", "is required")
    return within(value, field, limit=limit) if limit else value


def within(value: str, field: str, *, limit: int) -> str:
    """Read a text of at most `limit` characters."""
    if len(value) > limit:
        raise InvalidInput.of(field, "FIELD_TOO_LONG", f"has {len(value)} characters; {limit} are allowed", limit=limit)
    return value


def foreign_id(value: str, field: str) -> str:
    """Read an id that StormCom made: 1 to 64 of A-Za-z0-9_-."""
    if not _FOREIGN_ID.fullmatch(required(value, field)):
        raise InvalidInput.of(field, "FIELD_INVALID", "must be 1 to 64 of A-Z a-z 0-9 _ -")
    return value


def storable(request: Message, path: str = "") -> None:
    """Refuse NUL in any text of a request but products', which are cleaned: PostgreSQL keeps none."""
    for field, value in request.ListFields():
        at = f"{path}{field.name}"
        if field.message_type is None and field.type == field.TYPE_STRING:
            for text in [value] if isinstance(value, str) else value:
                if "\0" in text:
                    raise InvalidInput.of(at, "FIELD_INVALID", "must not contain the character NUL")
        elif isinstance(value, Message):
            storable(value, f"{at}.")


def own_id(value: str, field: str, missing: NotFound) -> UUID:
    """Read an id that we made. One we cannot have made is answered exactly like a missing one."""
    try:
        return UUID(required(value, field))
    except ValueError:
        raise missing from None


def entries(values: Sequence[T], field: str, *, limit: int) -> Sequence[T]:
    """Read a list of 1 to `limit` entries."""
    if not values:
        raise InvalidInput.of(field, "FIELD_REQUIRED", "needs at least one entry")
    if len(values) > limit:
        raise InvalidInput.of(
            field, "FIELD_TOO_LARGE", f"has {len(values)} entries; {limit} are allowed: split the call", limit=limit
        )
    return values


def distinct(ids: Iterable[str], field: str) -> None:
    """Refuse a list in which an id stands twice."""
    seen: set[str] = set()
    for position, value in enumerate(ids):
        if value in seen:
            raise InvalidInput.of(
                f"{field}[{position}]", "DUPLICATE_ENTRY", f"{value} stands twice; send each once", id=value
            )
        seen.add(value)


def one_of(value: str, field: str, allowed: Collection[str]) -> str:
    """Read a word of a closed list."""
    if value not in allowed:
        raise InvalidInput.of(field, "FIELD_INVALID", f"must be one of {', '.join(sorted(allowed))}")
    return value


def currency(code: str, field: str) -> str:
    """Read a currency."""
    if decimals_of(code) is None:
        message = "must be an ISO 4217 currency such as USD"
        raise InvalidInput.of(field, "CURRENCY_UNKNOWN", message, currency_code=code[:16])
    return code


def money(value: money_pb2.Money, field: str) -> Money:
    """Read an amount that is not negative."""
    currency(value.currency_code, f"{field}.currency_code")
    if value.minor_units < 0:
        raise InvalidInput.of(f"{field}.minor_units", "FIELD_INVALID", "must not be negative")
    return Money(value.currency_code, value.minor_units)


def instant(value: Timestamp, field: str) -> datetime:
    """Read a moment.

    Raises:
        InvalidInput: it lies outside the years 1 to 9999.

    """
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput.of(field, "FIELD_INVALID", "must be a time between the years 1 and 9999") from None


def page_size(value: int, field: str = "page_size") -> int:
    """Read a page size: 0 is the default, too much is cut, negative is refused."""
    if value < 0:
        raise InvalidInput.of(field, "FIELD_INVALID", "must not be negative")
    return min(value or DEFAULT_PAGE, LARGEST_PAGE)


def write_page_token(key: Sequence[str | int], *scope: object) -> str:
    """Write where a list goes on, bound to the arguments it was made for."""
    token = orjson.dumps([*key, _bound(scope)])
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def page_token(token: str, *scope: object, parts: int) -> list[str | int] | None:
    """Read where a list goes on: the `parts` of its key; None begins.

    Raises:
        InvalidInput: PAGE_TOKEN_INVALID, when it is not ours or was made for other arguments.

    """
    if not token:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, list) or len(key) != parts + 1 or key.pop() != _bound(scope):
        raise made_up_token()
    return key


def made_up_token() -> InvalidInput:
    """Refuse a page token."""
    message = "is not one of ours or belongs to another request: begin again without it"
    return InvalidInput.of("page_token", "PAGE_TOKEN_INVALID", message)


def _bound(scope: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(scope).encode()).hexdigest()[:16]


class Faults:
    """Collects every wrong field of a request, to name them all at once."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def add(self, field: str, reason: str, message: str) -> None:
        """Note a wrong field."""
        self.found.append(Violation(field, reason, f"{field}: {message}"))

    def finish(self) -> None:
        """Refuse the request when anything was noted."""
        if self.found:
            raise InvalidInput(self.found)
