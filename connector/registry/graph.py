"""How Meta is told about items and how its verdicts are read (`items_batch` and its handle), and how a catalog is read."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import orjson

from connector.graph.call import Call, Effect, Listed, read_list
from connector.registry.model import BatchStatus, Receipt

T = TypeVar("T")


def batch_bucket(catalog_id: str) -> str:
    """Name the rate limit that batches of a catalog count against."""
    return f"catalog_batch:{catalog_id}"


def catalog_bucket(catalog_id: str) -> str:
    """Name the rate limit that everything else about a catalog counts against."""
    return f"catalog_management:{catalog_id}"


def products(
    catalog_id: str,
    fields: Iterable[str],
    read: Callable[[Iterable[Mapping[str, Any]]], Iterable[T]],
    *,
    limit: int,
    after: str = "",
    **params: str,
) -> Call[Listed[T]]:
    """Read a page of a catalog's items, whoever put them there; `read` turns Meta's entries into values."""
    # SDK 26.0.3, productcatalog.py, get_products
    return Call(
        "GET",
        f"{catalog_id}/products",
        read=lambda answer: read_list(answer, read(answer["data"])),
        params={"fields": ",".join(fields), "limit": str(limit), **params} | ({"after": after} if after else {}),
        bucket=catalog_bucket(catalog_id),
        timeout=timedelta(seconds=60),
    )


def items_batch(catalog_id: str, records: Iterable[bytes], *, allow_upsert: bool) -> Call[Receipt]:
    """Send written records. Whether a lost call arrived matters: Meta may still be working on it when the next one comes."""
    # https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21)
    return Call(
        "POST",
        f"{catalog_id}/items_batch",
        read=_read_receipt,
        body={
            "item_type": "PRODUCT_ITEM",
            "allow_upsert": allow_upsert,
            "requests": [orjson.Fragment(record) for record in records],
        },
        bucket=batch_bucket(catalog_id),
        effect=Effect.ONCE,
        timeout=timedelta(seconds=60),
    )


def batch_status(catalog_id: str, handle: str) -> Call[BatchStatus]:
    """Ask what became of a batch."""
    # https://developers.facebook.com/docs/marketing-api/reference/product-catalog/check_batch_request_status (read 2026-11-21)
    return Call(
        "GET",
        f"{catalog_id}/check_batch_request_status",
        read=_read_status,
        params={"handle": handle, "load_ids_of_invalid_requests": "true"},
        bucket=catalog_bucket(catalog_id),
        timeout=timedelta(seconds=30),
    )


def _read_receipt(answer: Any) -> Receipt:
    handles, refused, warned = answer["handles"], {}, {}
    for finding in answer.get("validation_status") or []:
        if finding.get("errors"):
            refused[str(finding["retailer_id"])] = _words(finding["errors"])
        elif finding.get("warnings"):
            warned[str(finding["retailer_id"])] = _words(finding["warnings"])
    return Receipt(str(handles[0]) if handles else "", refused, warned)


def _read_status(answer: Any) -> BatchStatus:
    if not answer["data"]:
        return BatchStatus("", {}, {})  # Unverified: that an unknown handle may be answered so
    entry = answer["data"][0]
    unexplained = dict.fromkeys(map(str, entry.get("ids_of_invalid_requests") or []), "Meta gave no further words.")
    refused = unexplained | _by_item(entry.get("errors") or [])
    return BatchStatus(str(entry["status"]).lower(), refused, _by_item(entry.get("warnings") or []))


def _by_item(findings: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    told: dict[str, list[Mapping[str, Any]]] = {}
    for finding in findings:
        told.setdefault(str(finding.get("id", "")), []).append(finding)
    return {name: _words(some) for name, some in told.items() if name}


def _words(findings: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(dict.fromkeys(str(finding.get("message", "")) for finding in findings))
