"""What callers say of stock, prices and holds, and what they are told: a file per noun."""

from connector.inventory.rpc.holds import complete_hold, extend_hold, get_hold, list_holds, release_hold, reserve_stock
from connector.inventory.rpc.snapshots import get_inventory, list_inventory
from connector.inventory.rpc.stock import update_inventory

__all__ = [
    "complete_hold",
    "extend_hold",
    "get_hold",
    "get_inventory",
    "list_holds",
    "list_inventory",
    "release_hold",
    "reserve_stock",
    "update_inventory",
]
