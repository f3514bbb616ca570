"""Cursor paging: opaque cursors that stay valid while rows come and go.

A cursor is the sorting key of a row, so it needs no memory; it refuses cursors that it did not write.
"""

import base64
from bisect import bisect_left, bisect_right
from typing import Any
from urllib.parse import urlencode

import orjson

from simulator.call import Call, Rows
from simulator.errors import GraphError, invalid_parameter

# Unverified: 25 a page unless asked otherwise is recalled.
DEFAULT_LIMIT = 25


def write_cursor(key: tuple[int, ...]) -> str:
    """Hide a key in a cursor."""
    return base64.urlsafe_b64encode(b"Q" + orjson.dumps(key)).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, ...]:
    """Find the key in a cursor."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key = orjson.loads(raw[1:])
    except ValueError:
        key = None
    if not isinstance(key, list) or not all(isinstance(part, int) for part in key):
        raise invalid_parameter("Invalid cursor; use the cursors of the page before, unchanged")
    return tuple(key)


def cut_page(call: Call, rows: Rows, *, limit: int) -> tuple[list[Any], dict[str, Any]]:
    """Return the rows of the wanted page and its `paging` member."""
    if limit < 1:
        raise invalid_parameter("Param limit must be at least 1")
    nodes, key = rows.nodes, rows.key
    first, last = 0, len(nodes)
    if after := call.text("after", ""):
        first = bisect_right(nodes, read_cursor(after), key=key)
        last = min(first + limit, len(nodes))
    elif before := call.text("before", ""):
        last = bisect_left(nodes, read_cursor(before), key=key)
        first = max(0, last - limit)
    else:
        last = min(limit, len(nodes))
    page = list(nodes[first:last])
    if not page:
        return [], {}
    cursors = {"before": write_cursor(key(page[0])), "after": write_cursor(key(page[-1]))}
    paging: dict[str, Any] = {"cursors": cursors}
    if last < len(nodes):
        paging["next"] = _link(call, limit=limit, after=cursors["after"])
    if first > 0:
        paging["previous"] = _link(call, limit=limit, before=cursors["before"])
    return page, {"paging": paging}


def _link(call: Call, **changes: Any) -> str:
    """Write the full URL of a neighbouring page, token included, as Graph does."""
    kept = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in call.params.items()
        if name not in {"after", "before", "limit", "appsecret_proof", "appsecret_time", "access_token"}
    }
    if call.token is None:
        raise GraphError("An access token is required to request this resource.", code=104)
    query = urlencode({"access_token": call.token.value} | kept | {k: str(v) for k, v in changes.items()})
    return f"{call.base_url}/{call.version}/{call.node.id}/{call.edge}?{query}"
