"""Where items are kept (`catalogue`), what they are called (`names`), how they travel (`flights`, `narrowings`), and by which rules (`rules`)."""

from connector.registry.db import catalogue, flights, names, narrowings, rules

__all__ = ["catalogue", "flights", "names", "narrowings", "rules"]
