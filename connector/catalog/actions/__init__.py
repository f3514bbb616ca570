"""Takes products, brings them into the catalog, and keeps the promise that nothing leaves it by accident.

Its files: `products` (upsert, delete), `snapshots` (the complete list), `syncs` (operations and batches), `catalogs`
(create, list, attach), `reading` (what callers see).
"""

from connector.catalog.actions.catalogs import attach_catalog, create_catalog, list_catalogs
from connector.catalog.actions.placing import replace_categories
from connector.catalog.actions.products import Offered, delete_products, upsert_products
from connector.catalog.actions.reading import find_item, list_items
from connector.catalog.actions.snapshots import (
    abandon_snapshot,
    apply_snapshot,
    begin_snapshot,
    commit_snapshot,
    confirm_change,
    put_products,
)
from connector.catalog.actions.syncs import carry_items, check_batch, retry_items, send_items, sync_catalog

__all__ = [
    "Offered",
    "abandon_snapshot",
    "apply_snapshot",
    "attach_catalog",
    "begin_snapshot",
    "carry_items",
    "check_batch",
    "commit_snapshot",
    "confirm_change",
    "create_catalog",
    "delete_products",
    "find_item",
    "list_catalogs",
    "list_items",
    "put_products",
    "replace_categories",
    "retry_items",
    "send_items",
    "sync_catalog",
    "upsert_products",
]
