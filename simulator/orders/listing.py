"""`commerce_orders`: an account's orders by state, filter and time of change, a page at a time.

It looks only at the orders that a page shows: the others cost nothing, however many there are.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from heapq import merge
from itertools import islice

from simulator.call import Call, Rows
from simulator.errors import invalid_parameter
from simulator.orders.book import BY_MARK
from simulator.orders.state import STATES, CommerceOrder, Mark
from simulator.paging import DEFAULT_LIMIT, read_cursor
from simulator.standing import CommerceMerchantSettings

# SDK 26.0.3, commerceorder.py, CommerceOrder.Filters
FILTERS: Mapping[str, Callable[[CommerceOrder], bool]] = {
    "NO_SHIPMENTS": lambda order: not order.shipments,
    "HAS_FULFILLMENTS": lambda order: bool(order.shipments),
    "NO_CANCELLATIONS": lambda order: not order.cancellations,
    "HAS_CANCELLATIONS": lambda order: bool(order.cancellations),
    "NO_REFUNDS": lambda order: not order.refunds,
    "HAS_REFUNDS": lambda order: bool(order.refunds),
}
# graph-api.md 6.1 (documentation, Feb 2026)
DEFAULT_FIELDS = ("id", "order_status", "created", "last_updated")
LAST_MARK = 2**62


def list_orders(call: Call, account: CommerceMerchantSettings | None) -> Rows:
    """List orders: only CREATED ones unless told otherwise; states are alternatives, filters add up."""
    sign = -1 if call.world.switches.orders_newest_first else 1

    def key(order: CommerceOrder) -> Mark:
        return sign * order.mark[0], sign * order.mark[1]

    keep = [FILTERS[name] for name in _words(call, "filters", FILTERS)]
    states = _words(call, "state", dict.fromkeys(STATES)) or ["CREATED"]
    if account is None:
        return Rows([], key, DEFAULT_FIELDS, countable=False)
    lists = [account.orders.by_state[state] for state in dict.fromkeys(states)]
    # Unverified: both ends are exclusive, to the second.
    first = read_seconds(call, "updated_after", -1) + 1
    last = read_seconds(call, "updated_before", LAST_MARK // 1_000_000)
    window = _Window(lists, (first * 1_000_000, 0), (last * 1_000_000, 0), lambda order: all(f(order) for f in keep))
    return Rows(_page(call, window, sign), key, DEFAULT_FIELDS, countable=False)


class _Window:
    """Sorted lists of orders, between two moments."""

    def __init__(
        self, lists: list[list[CommerceOrder]], low: Mark, high: Mark, keep: Callable[[CommerceOrder], bool]
    ) -> None:
        self._lists, self._low, self._high, self._keep = lists, low, high, keep

    def up(self, start: Mark) -> Iterator[CommerceOrder]:
        """Walk from a mark, itself included, to newer ones."""
        walks = (_slice(row, max(start, self._low), self._high) for row in self._lists)
        return filter(self._keep, merge(*walks, key=BY_MARK))

    def down(self, end: Mark) -> Iterator[CommerceOrder]:
        """Walk from below a mark to older ones."""
        walks = (_slice(row, self._low, min(end, self._high), down=True) for row in self._lists)
        return filter(self._keep, merge(*walks, key=BY_MARK, reverse=True))


def _slice(row: list[CommerceOrder], low: Mark, high: Mark, *, down: bool = False) -> Iterator[CommerceOrder]:
    first, last = bisect_left(row, low, key=BY_MARK), bisect_left(row, high, key=BY_MARK)
    places = range(last - 1, first - 1, -1) if down else range(first, last)
    return (row[place] for place in places)


def _page(call: Call, window: _Window, sign: int) -> list[CommerceOrder]:
    """Return the wanted page, with one order more on either side where there is one."""
    limit = min(call.number("limit", DEFAULT_LIMIT), call.world.switches.max_page) + 1
    cursor = call.text("after", "") or call.text("before", "")
    newest_first, backward = sign < 0, not call.text("after", "") and bool(cursor)
    if not cursor:
        walk = window.down((LAST_MARK, 0)) if newest_first else window.up((-1, 0))
        return list(islice(walk, limit))
    mark = _mark(cursor, sign)
    above = (mark[0], mark[1] + 1)
    if newest_first != backward:
        taken, other = list(islice(window.down(mark), limit)), list(islice(window.up(mark), 1))
    else:
        taken, other = list(islice(window.up(above), limit)), list(islice(window.down(above), 1))
    return [*reversed(taken), *other] if backward else [*other, *taken]


def _mark(cursor: str, sign: int) -> Mark:
    key = read_cursor(cursor)
    if not key:
        return (LAST_MARK, 0) if sign < 0 else (-1, 0)
    if len(key) != 2:
        raise invalid_parameter("Invalid cursor; use the cursors of the page before, unchanged")
    return sign * key[0], sign * key[1]


def _words(call: Call, name: str, known: Mapping[str, object]) -> list[str]:
    """Read a list of words in whatever case."""
    # graph-api.md 6.1: the documentation writes filters in small letters, the SDK in capitals.
    words = [word.upper() for word in call.names(name, [])]
    if unknown := [word for word in words if word not in known]:
        raise invalid_parameter(f"Param {name} must be some of {{{', '.join(known)}}} - got {unknown[0]!r}")
    return words


def read_seconds(call: Call, name: str, default: int) -> int:
    """Read a time: Unix seconds, or ISO 8601 as the SDK's type `datetime` allows."""
    text = call.text(name, "")
    if not text or text.isdecimal():
        return call.number(name, 0) if text else default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_parameter(f"Param {name} must be a valid date/time") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
