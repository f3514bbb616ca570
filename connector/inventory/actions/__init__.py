"""Takes stock and prices, keeps pieces aside, sends what is offered of them, and sees to it that Meta shows it.

Its files: `stock` (take, send), `holding` (reserve to complete), `expiry` (of holds), `reserves` (what holds do to items),
`watching` (what is late, refused, sold out, at an edge), `reading` (what callers see).
"""

from connector.inventory.actions.expiry import expire_holds, expire_in
from connector.inventory.actions.holding import (
    complete,
    extend,
    find_hold,
    list_holds,
    release,
    release_in,
    reserve,
    reserve_in,
    settle_in,
)
from connector.inventory.actions.reading import find_snapshot, list_snapshots
from connector.inventory.actions.stock import check_stock, offer_again, send_stock, update_inventory
from connector.inventory.actions.watching import pass_edges, watch_stock

__all__ = [
    "check_stock",
    "complete",
    "expire_holds",
    "expire_in",
    "extend",
    "find_hold",
    "find_snapshot",
    "list_holds",
    "list_snapshots",
    "offer_again",
    "pass_edges",
    "release",
    "release_in",
    "reserve",
    "reserve_in",
    "send_stock",
    "settle_in",
    "update_inventory",
    "watch_stock",
]
