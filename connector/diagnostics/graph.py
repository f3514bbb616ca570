"""How Meta is asked what is wrong: with the catalog as a whole, and with items, page by page."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from connector.diagnostics.model.values import ItemTrouble, Severity, Source, Trouble
from connector.graph.call import Call, Listed
from connector.registry.graph import catalog_bucket, products


def catalog_trouble(catalog_id: str) -> Call[list[Trouble]]:
    """Ask what is wrong with a catalog as a whole."""
    # SDK 26.0.3, productcatalog.py, get_diagnostics
    fields = "type,severity,title,subtitle,error_code,number_of_affected_items,affected_entity,affected_channels"
    return Call(
        "GET",
        f"{catalog_id}/diagnostics",
        read=_read_catalog,
        params={"fields": fields},
        bucket=catalog_bucket(catalog_id),
        timeout=timedelta(seconds=30),
    )


def item_trouble(catalog_id: str, *, priority: str, after: str, limit: int) -> Call[Listed[ItemTrouble]]:
    """Ask for items that have an error of this priority (HIGH, MEDIUM, LOW)."""
    # SDK 26.0.3, productcatalog.py, get_products: error_priority
    fields = "id", "retailer_id", "errors"
    return products(catalog_id, fields, _read_items, limit=limit, after=after, error_priority=priority)


def _read_catalog(answer: Any) -> list[Trouble]:
    return [_trouble(entry) for entry in answer["data"]]


def _trouble(entry: Mapping[str, Any]) -> Trouble:
    title = " – ".join(str(entry[name]) for name in ("title", "subtitle") if entry.get(name))
    severity = Severity.MUST_FIX if entry.get("severity") == Severity.MUST_FIX else Severity.OPPORTUNITY
    channels = tuple(map(str, entry.get("affected_channels") or ()))
    count = int(entry.get("number_of_affected_items") or 0)
    return Trouble(Source.CATALOG, str(entry["type"]), severity, title, count, (), channels, None, None)


def _read_items(entries: Iterable[Mapping[str, Any]]) -> Iterable[ItemTrouble]:
    found = (one for one in entries if one.get("retailer_id") and one.get("errors"))
    return (ItemTrouble(str(one["retailer_id"]), tuple(map(_error, one["errors"]))) for one in found)


def _error(error: Mapping[str, Any]) -> Mapping[str, str]:
    names = "error_type", "error_priority", "title", "description", "call_to_action"
    return {name: str(error.get(name) or "") for name in names}
