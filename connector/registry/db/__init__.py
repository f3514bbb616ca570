"""Where items are kept (`catalogue`), how they travel (`flights`), and by which rules (`rules`)."""

from connector.registry.db import catalogue, flights, rules

__all__ = ["catalogue", "flights", "rules"]
