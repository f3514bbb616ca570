"""Links to files and pictures at Meta: they end, and say when."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit


def link_end(url: str) -> datetime | None:
    """Tell when a link of Meta's ends; None when it does not say."""
    # Unverified: `oe` of Meta's content network, hexadecimal seconds, and `ext` of profile pictures, decimal ones, are recalled.
    try:
        said = parse_qs(urlsplit(url).query)
        seconds = int(said["oe"][0], 16) if "oe" in said else int(said["ext"][0])
        return datetime.fromtimestamp(seconds, UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def expiry(url: str) -> dict[str, Any]:
    """Write when a link ends with the contract's field name; nothing when it does not say."""
    end = link_end(url)
    return {"expire_time": end} if end else {}
