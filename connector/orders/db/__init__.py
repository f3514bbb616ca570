"""Where orders (`orders`), what lists tell of them (`sightings`), their accounts and acknowledgements are kept.

The order of locks, of whatever works on orders, commands, or what was done to them: orders by their ids, or one; StormCom's id of it; holds,
products, items; the command; tasks of orders, by the orders' ids; the account; tasks of the connection. A turn holds its own task in its
place, so mostly last: whoever has the order asks for tasks that others are in the midst of.
"""

from connector.orders.db import accounts, acknowledgements, orders, sightings, tables, watching

__all__ = ["accounts", "acknowledgements", "orders", "sightings", "tables", "watching"]
