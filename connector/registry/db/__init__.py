"""Where items are kept (`catalogue`), what they are called (`names`), how they travel (`flights`, `narrowings`, `feeding`), and by which rules (`rules`)."""

from connector.registry.db import catalogue, feeding, flights, names, narrowings, rules

__all__ = ["catalogue", "feeding", "flights", "names", "narrowings", "rules"]
