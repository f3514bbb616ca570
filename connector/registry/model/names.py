"""What an item is called at Meta: a function of StormCom's immutable ids, never of a SKU; once written, the row is the truth."""

import hashlib

from connector.values import RetailerId

# https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21): id has at most 100 characters.
_LONGEST_ID = 100

OURS = ("sc_", "sch.")
"""How every name we give begins."""


def retailer_id(product_id: str, variant_id: str = "") -> RetailerId:
    """Name an item. Different ids never share a name: StormCom's ids hold no dot, and digests have a prefix of their own."""
    name = f"{product_id}.{variant_id}" if variant_id else product_id
    if len(name) + 3 <= _LONGEST_ID:
        return RetailerId(f"sc_{name}")
    return RetailerId(f"sch.{hashlib.sha256(name.encode()).hexdigest()}")


def ours(name: str) -> bool:
    """Tell whether a name is of the kind we give: it belongs to its own product for ever, stored or still to come."""
    return name.startswith(OURS)


def item_group_id(product_id: str) -> str:
    """Name what the variants of a product share."""
    return retailer_id(product_id)
