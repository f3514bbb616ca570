"""Takes products, brings them into the catalog, and keeps the promise that nothing leaves it by accident.

Its files: `products` (upsert, delete), `snapshots` (the complete list), `syncs` (operations and batches), `schedule` (syncs nobody
asked for), `leaving` (before the connection ends), `rules` (settings), `previews` (what a sync would do), `catalogs`
(create, list, attach), `reading` (what callers see).
"""

from connector.catalog.actions import snapshots, syncs
from connector.catalog.actions.catalogs import attach_catalog, create_catalog, list_catalogs
from connector.catalog.actions.leaving import check_leaving, end_leaving, leave_catalog
from connector.catalog.actions.placing import replace_categories
from connector.catalog.actions.previews import Counts, Wish, preview
from connector.catalog.actions.products import Offered, delete_products, upsert_products
from connector.catalog.actions.reading import find_item, list_items
from connector.catalog.actions.rules import Settings, change_settings, settings
from connector.catalog.actions.schedule import sync_on_schedule
from connector.catalog.actions.snapshots import (
    abandon_snapshot,
    apply_snapshot,
    begin_snapshot,
    commit_snapshot,
    put_products,
)
from connector.catalog.actions.syncs import carry_items, check_batch, retry_items, send_items, sync_catalog

HELD = {**snapshots.HELD, **syncs.HELD}
"""Every kind of plan of a catalog that may wait for `ConfirmChange`."""

__all__ = [
    "HELD",
    "Counts",
    "Offered",
    "Settings",
    "Wish",
    "abandon_snapshot",
    "apply_snapshot",
    "attach_catalog",
    "begin_snapshot",
    "carry_items",
    "change_settings",
    "check_batch",
    "check_leaving",
    "commit_snapshot",
    "create_catalog",
    "delete_products",
    "end_leaving",
    "find_item",
    "leave_catalog",
    "list_catalogs",
    "list_items",
    "preview",
    "put_products",
    "replace_categories",
    "retry_items",
    "send_items",
    "settings",
    "sync_catalog",
    "sync_on_schedule",
    "upsert_products",
]
