"""How Meta is told about product sets, and asked for them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connector.categories.model.sets import Seen
from connector.graph.call import Call, Effect, Listed, read_list
from connector.registry.graph import catalog_bucket

# Unverified: Meta's largest page is recalled as 100.
_PAGE_SIZE = "100"
_FIELDS = "id,retailer_id,product_count"


def create_set(catalog_id: str, retailer_id: str, fields: Mapping[str, Any]) -> Call[str]:
    """Create a set; tells Meta's id. Neither an error nor a lost answer proves that it was not created: look it up."""
    # SDK 26.0.3, productcatalog.py, create_product_set
    return Call(
        "POST",
        f"{catalog_id}/product_sets",
        read=lambda answer: str(answer["id"]),
        body={"retailer_id": retailer_id, **fields},
        bucket=catalog_bucket(catalog_id),
        effect=Effect.ONCE,
    )


def update_set(catalog_id: str, set_id: str, fields: Mapping[str, Any]) -> Call[None]:
    """Change a set."""
    # SDK 26.0.3, productset.py, api_update
    bucket = catalog_bucket(catalog_id)
    return Call("POST", set_id, read=_nothing, body=fields, bucket=bucket, effect=Effect.REPEATABLE)


def delete_set(catalog_id: str, set_id: str, *, allow_live: bool) -> Call[None]:
    """Delete a set; its items stay."""
    # SDK 26.0.3, productset.py, api_delete
    params = {"allow_live_product_set_deletion": "true"} if allow_live else {}
    bucket = catalog_bucket(catalog_id)
    return Call("DELETE", set_id, read=_nothing, params=params, bucket=bucket, effect=Effect.REPEATABLE)


def find_set(catalog_id: str, retailer_id: str) -> Call[str]:
    """Look a set up by our name; tells Meta's id, empty when there is none."""
    # SDK 26.0.3, productcatalog.py, get_product_sets

    def read(answer: Any) -> str:
        return next((one.set_id for one in _listed(answer).entries if one.retailer_id == retailer_id), "")

    params = {"retailer_id": retailer_id, "fields": _FIELDS}
    return Call("GET", f"{catalog_id}/product_sets", read=read, params=params, bucket=catalog_bucket(catalog_id))


def list_sets(catalog_id: str, after: str) -> Call[Listed[Seen]]:
    """List the sets of a catalog, others' included. Meta counts the items of each, which may take a while."""
    params = {"fields": _FIELDS, "limit": _PAGE_SIZE} | ({"after": after} if after else {})
    bucket, patience = catalog_bucket(catalog_id), timedelta(seconds=30)
    return Call("GET", f"{catalog_id}/product_sets", read=_listed, params=params, bucket=bucket, timeout=patience)


def _listed(answer: Any) -> Listed[Seen]:
    sets = (
        Seen(str(one["id"]), str(one.get("retailer_id") or ""), int(one.get("product_count") or 0))
        for one in answer["data"]
    )
    return read_list(answer, sets)


def _nothing(_answer: Any) -> None:
    return None
