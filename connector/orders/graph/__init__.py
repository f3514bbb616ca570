"""How Meta is asked about orders (`calls`), and what its answers mean (`reading`)."""

from connector.orders.graph.calls import (
    LONGER_PATIENCE,
    MOST_ACKNOWLEDGED,
    PATIENCE,
    Found,
    Verdict,
    acknowledge,
    associate,
    find_account,
    list_items,
    list_managers,
    list_orders,
    list_promotions,
    read_order,
    release,
)
from connector.orders.graph.reading import STATES, Reading, Sighting, needs_promotions, read

__all__ = [
    "LONGER_PATIENCE",
    "MOST_ACKNOWLEDGED",
    "PATIENCE",
    "STATES",
    "Found",
    "Reading",
    "Sighting",
    "Verdict",
    "acknowledge",
    "associate",
    "find_account",
    "list_items",
    "list_managers",
    "list_orders",
    "list_promotions",
    "needs_promotions",
    "read",
    "read_order",
    "release",
]
