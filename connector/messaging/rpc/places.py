"""What requests about conversations have in common: ids, and places in lists."""

from datetime import datetime
from uuid import UUID

from connector.messaging import db
from connector.rpc import read


def read_conversation_id(value: str) -> UUID:
    """Read the id of a conversation; a malformed one looks like a missing one."""
    return read.own_id(value, "conversation_id", db.missing(value))


def write_place(time: datetime, place_id: UUID, *scope: object) -> str:
    """Write where a list goes on."""
    return read.write_page_token([time.isoformat(), str(place_id)], *scope)


def read_place(token: str, *scope: object) -> tuple[datetime, UUID] | None:
    """Read where a list goes on."""
    place = read.page_token(token, *scope, parts=2)
    return None if place is None else (datetime.fromisoformat(str(place[0])), UUID(str(place[1])))
