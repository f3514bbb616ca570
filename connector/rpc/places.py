"""Where a list goes on that is sorted by time: behind the time and the id of the last entry shown."""

from datetime import datetime
from uuid import UUID

from connector.rpc import read

Place = tuple[datetime, UUID]


def write_place(time: datetime, last_id: UUID, *scope: object) -> str:
    """Write it as a page token, bound to the arguments it was made for."""
    return read.write_page_token([time.isoformat(), str(last_id)], *scope)


def read_place(token: str, *scope: object) -> Place | None:
    """Read a page token; None begins.

    Raises:
        InvalidInput: PAGE_TOKEN_INVALID.

    """
    key = read.page_token(token, *scope, parts=2)
    try:
        return (datetime.fromisoformat(str(key[0])), UUID(str(key[1]))) if key else None
    except ValueError:
        raise read.made_up_token() from None
