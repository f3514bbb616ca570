"""Where items are kept (`catalogue`) and counted (`counts`), what they are called (`names`), how they travel (`flights`, `narrowings`, `feeding`), by which rules (`rules`); and which orders stand for which (`orders`)."""

from connector.registry.db import catalogue, counts, feeding, flights, leaving, names, narrowings, orders, rules

__all__ = ["catalogue", "counts", "feeding", "flights", "leaving", "names", "narrowings", "orders", "rules"]
