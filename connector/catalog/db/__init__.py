"""Where wishes (`products`), syncs (`plans`), snapshots (`snapshots`) and what callers read (`listing`) are kept."""

from connector.catalog.db import listing, plans, products, snapshots

__all__ = ["listing", "plans", "products", "snapshots"]
