"""Where attributed orders (`orders`) and carts that people sent (`drafts`) are kept."""

from connector.attribution.db import drafts, orders

__all__ = ["drafts", "orders"]
