"""Where orders (`orders`), what lists tell of them (`sightings`), their accounts and acknowledgements are kept."""

from connector.orders.db import accounts, acknowledgements, orders, sightings, tables, watching

__all__ = ["accounts", "acknowledgements", "orders", "sightings", "tables", "watching"]
