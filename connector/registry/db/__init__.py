"""Where items are kept (`catalogue`: what is wanted, sent, confirmed) and how they travel (`flights`: batches and verdicts)."""

from connector.registry.db import catalogue, flights

__all__ = ["catalogue", "flights"]
