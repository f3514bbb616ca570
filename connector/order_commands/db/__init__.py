"""Where commands are kept: one row each, with every key and attempt."""

from connector.order_commands.db.commands import (
    CHANNEL,
    Filter,
    add,
    by_request,
    change,
    claims,
    known_before,
    names,
    next_open,
    of_order,
    page,
    require,
)
from connector.order_commands.db.tables import order_commands

__all__ = [
    "CHANNEL",
    "Filter",
    "add",
    "by_request",
    "change",
    "claims",
    "known_before",
    "names",
    "next_open",
    "of_order",
    "order_commands",
    "page",
    "require",
]
