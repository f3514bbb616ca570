"""A file in pieces: rows into CSV, pieces into gzip members, which one after the other are one gzip file; and its address.

Every cell is quoted, so that any text reads back as it was: commas, quotes, line ends, any script.
"""

import csv
import gzip
import hashlib
import io
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connector.feeds.model.values import FeedKind

# graph-api.md 4.9: a line has at most 5 MB.
LARGEST_ROW_BYTES = 5_000_000
_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class Form(NamedTuple):
    """How a kind's file is served."""

    suffix: str
    content_type: str
    packed: bool


FORMS = {
    # graph-api.md 4.9: gz is taken; meta-for-magento2 sends .csv.gz.
    FeedKind.PRODUCTS: Form("csv.gz", "application/gzip", packed=True),
    # Unverified: whether reviews may be packed; facebook-for-woocommerce sends them plain.
    FeedKind.RATINGS_AND_REVIEWS: Form("csv", "text/csv; charset=utf-8", packed=False),
    # Unverified: whether promotions may be packed.
    FeedKind.PROMOTIONS: Form("csv", "text/csv; charset=utf-8", packed=False),
    FeedKind.NAVIGATION: Form("json", "application/json", packed=False),
}


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows as CSV in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def pack(content: bytes, kind: FeedKind) -> bytes:
    """Make a piece of what is served."""
    return gzip.compress(content, compresslevel=6, mtime=0) if FORMS[kind].packed else content


def new_token() -> str:
    """Make the part of a file's address that nobody can guess: 256 random bits."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> bytes | None:
    """Hash a token, by which its file is found; None for what cannot be one."""
    return hashlib.sha256(token.encode()).digest() if _TOKEN.fullmatch(token) else None


def address(public_url: str, token: str, kind: FeedKind) -> str:
    """Write where a file is served."""
    return f"{public_url}/feeds/{token}.{FORMS[kind].suffix}"
