"""Lists the orders that changed since a moment: in windows of time, earlier ones first, each of which fits into one of Meta's pages.

A list that changes while its pages are turned loses what moves between two of them. So a window of more than a page is halved, and
nothing is turned: an order that changes meanwhile goes to the last window, which is asked for last. As the windows come in order,
everything up to the newest change seen is known, and a look may end after any of them.
"""

from collections.abc import AsyncIterator

from connector.graph.call import Call, Listed
from connector.orders import graph
from connector.orders.actions.asking import Road
from connector.orders.graph import Sighting
from connector.orders.model.windows import Window


async def windows(road: Road, first: Window) -> AsyncIterator[list[Sighting]]:
    """Tell what each window holds; the windows are asked for as they are wanted."""
    waiting = [first]
    while waiting:
        window = waiting.pop()
        page = await road.ask(_call(road, window))
        halves = window.halves(now=road.runtime.now()) if page.after else None
        if halves is not None:
            waiting += reversed(halves)
            continue
        # So much within so little time: pages have to be turned, and the overlap with the next look sees what that loses.
        rest = await road.ask_all(lambda after: _call(road, window, after=after), page.after) if page.after else []  # noqa: B023 – awaited here
        yield [*page.entries, *rest]


def _call(road: Road, window: Window, *, after: str = "") -> Call[Listed[Sighting]]:
    names = road.account.commerce_account_id, road.connection.page_id
    return graph.list_orders(*names, graph.STATES, window=window, after=after)
