"""Where items are kept (`catalogue`) and counted (`counts`), what they are called (`names`), how they travel (`flights`, `narrowings`, `feeding`), and by which rules (`rules`)."""

from connector.registry.db import catalogue, counts, feeding, flights, leaving, names, narrowings, rules

__all__ = ["catalogue", "counts", "feeding", "flights", "leaving", "names", "narrowings", "rules"]
