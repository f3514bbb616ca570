"""Where stock (`shelves`), holds (`holds`) and sales that emptied shelves (`flips`) are kept; what is late (`watch`), what callers see (`listing`)."""

from connector.inventory.db import flips, holds, listing, shelves, watch

__all__ = ["flips", "holds", "listing", "shelves", "watch"]
