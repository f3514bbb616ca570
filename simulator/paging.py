"""Cursor paging: opaque cursors that stay valid while rows come and go; by switch, pages shorter than asked for.

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


# A cursor's first letter: an ordinary place, or the place that an empty page has kept.
PLACE, KEPT_PLACE = b"Q", b"R"


def write_cursor(key: tuple[int, ...], *, mark: bytes = PLACE) -> str:
    """Hide a key in a cursor."""
    return base64.urlsafe_b64encode(mark + orjson.dumps(key)).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, ...]:
    """Find the key in a cursor."""
    try:
        key = orjson.loads(_decode(cursor)[1:])
    except ValueError:
        key = None
    if not isinstance(key, list) or not all(isinstance(part, int) for part in key):
        raise invalid_parameter("Invalid cursor; use the cursors of the page before, unchanged")
    return tuple(key)


def _decode(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def cut_page(call: Call, rows: Rows, *, limit: int) -> tuple[list[Any], dict[str, Any]]:
    """Return the rows of the wanted page and its `paging` member."""
    nodes, key = rows.nodes, rows.key
    first, last = 0, len(nodes)
    if after := call.text("after", ""):
        first = bisect_right(nodes, read_cursor(after), key=key)
        last = _shortened(call, first, min(first + limit, len(nodes)), total=len(nodes))
    elif before := call.text("before", ""):
        last = bisect_left(nodes, read_cursor(before), key=key)
        first = max(0, last - limit)
    else:
        last = _shortened(call, 0, min(limit, len(nodes)), total=len(nodes))
    page = list(nodes[first:last])
    if not page:
        return [], _kept_place(call, key(nodes[first - 1]) if first else (), limit=limit) if limit and first < len(
            nodes
        ) else {}
    cursors = {"before": write_cursor(key(page[0])), "after": write_cursor(key(page[-1]))}
    paging: dict[str, Any] = {"cursors": cursors}
    if last < len(nodes):
        paging["next"] = _link(call, limit=limit, after=cursors["after"])
    if first > 0:
        paging["previous"] = _link(call, limit=limit, before=cursors["before"])
    return page, {"paging": paging}


def _shortened(call: Call, first: int, last: int, *, total: int) -> int:
    """Return where the page really ends; a page after an empty one is never empty, so that walking ends."""
    # https://developers.facebook.com/docs/graph-api/results (read 2026-11-21): only a missing `next` means the end.
    if not first < last < total or call.world.random.random() >= call.world.switches.short_page_share:
        return last
    after_empty = _decode(call.text("after", "")).startswith(KEPT_PLACE)
    return call.world.random.randrange(first + 1 if after_empty else first, last + 1)


def _kept_place(call: Call, key: tuple[int, ...], *, limit: int) -> dict[str, Any]:
    cursor = write_cursor(key, mark=KEPT_PLACE)
    paging = {"cursors": {"before": cursor, "after": cursor}, "next": _link(call, limit=limit, after=cursor)}
    return {"paging": paging}


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
