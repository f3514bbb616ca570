"""Checks a product, names every wrong field, and writes its items the way Meta reads them.

An item with an error has no content: what stands at Meta stays. Warnings travel along: they tell what was mended. The text written
is canonical, so its hash changes exactly when something Meta sees changes.

Its files: `items` (a product into items), `prices`, `group` (what tells variants apart), `details` (what few products have),
`fields` (one text, one link), `findings` (what is wrong).
"""

from connector.catalog.model.mapping.items import write_items

MAPPING = b"3"
"""Grows with every change of what is written: stored digests include it, so that products are mapped anew."""

__all__ = ["MAPPING", "write_items"]
