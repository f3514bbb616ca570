"""What callers say of products, items and catalogs, and what they are told: a file per noun."""

from connector.catalog.rpc.catalogs import attach_catalog, create_catalog, list_catalogs
from connector.catalog.rpc.items import get_item, list_items, retry_items
from connector.catalog.rpc.leaving import disconnect
from connector.catalog.rpc.previews import preview_sync
from connector.catalog.rpc.products import delete_products, read_product, upsert_products
from connector.catalog.rpc.rules import get_catalog_settings, update_catalog_settings
from connector.catalog.rpc.snapshots import abandon_snapshot, begin_snapshot, commit_snapshot, put_snapshot_products
from connector.catalog.rpc.syncs import sync_catalog

__all__ = [
    "abandon_snapshot",
    "attach_catalog",
    "begin_snapshot",
    "commit_snapshot",
    "create_catalog",
    "delete_products",
    "disconnect",
    "get_catalog_settings",
    "get_item",
    "list_catalogs",
    "list_items",
    "preview_sync",
    "put_snapshot_products",
    "read_product",
    "retry_items",
    "sync_catalog",
    "update_catalog_settings",
    "upsert_products",
]
