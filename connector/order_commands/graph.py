"""How Meta is told what becomes of an order, and how it is looked up afterwards."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connector.connections.graph.subscriptions import page_bucket
from connector.graph.call import Call, Effect, Listed, read_list, read_success
from connector.order_commands.model.commands import Kind, Pieces
from connector.order_commands.model.patience import KEYLESS
from connector.order_commands.model.shown import Shown
from connector.orders.graph.amounts import read_minor_units

# graph-api.md 6.2 (documentation, Feb 2026); returns: SDK 25.0.0, commerceorder.py, create_return.
_EDGES = {
    Kind.ACKNOWLEDGE: "acknowledge_order",
    Kind.FULFILL: "shipments",
    Kind.UPDATE_SHIPMENT: "update_shipment",
    Kind.CANCEL: "cancellations",
    Kind.REFUND: "refunds",
    Kind.RESOLVE_RETURN: "returns",
    Kind.RESTATE: "item_updates",
}
_SHOWN_BY = {**_EDGES, Kind.UPDATE_SHIPMENT: "shipments", Kind.RESTATE: "items"}
_FIELDS = {
    "shipments": "id,external_shipment_id,items,tracking_info",
    "cancellations": "id,items,cancel_reason",
    "refunds": "id,items,refund_reason,refund_amount",
    # https://developers.facebook.com/docs/commerce-platform/order-management/returns-api (Feb 2025; read 2026-11-22)
    "returns": "id,return_status",
    # graph-api.md 6.1 (documentation, Feb 2026)
    "items": "id,status",
}
_MOST_SHOWN = 100


def tell(
    kind: Kind, order_id: str, page_id: str, body: Mapping[str, Any], *, key: str, timeout: timedelta
) -> Call[bool]:
    """Tell Meta once: whoever repeats it with the same key gets the first answer again."""
    # graph-api.md 6.2 (documentation, Feb 2026): at most 100 letters and digits.
    keyed = {} if kind in KEYLESS else {"idempotency_key": key}
    read = _read_acknowledged if kind is Kind.ACKNOWLEDGE else read_success
    return Call(
        "POST",
        f"{order_id}/{_EDGES[kind]}",
        read,
        body={**body, **keyed},
        bucket=page_bucket(page_id),
        effect=Effect.ONCE,
        timeout=timeout,
    )


def _read_acknowledged(answer: Any) -> bool:
    if not answer["id"] or not answer["state"]:
        raise ValueError("the order's state is missing")
    return True


def look(kind: Kind, order_id: str, page_id: str, currency_code: str, *, after: str = "") -> Call[Listed[Shown]]:
    """List what came of commands of a kind, and of others' doings; of an acknowledgement there is the order itself."""
    if kind is Kind.ACKNOWLEDGE:
        # graph-api.md 6.1 (documentation, Feb 2026)
        params = {"fields": "id,order_status,merchant_order_id"}
        return Call("GET", order_id, _read_order, params=params, bucket=page_bucket(page_id))
    edge = _SHOWN_BY[kind]
    params = {"fields": _FIELDS[edge], "limit": str(_MOST_SHOWN), **({"after": after} if after else {})}

    def read(answer: Any) -> Listed[Shown]:
        told = answer["data"]
        return read_list(
            answer, map(_shown_line, told) if edge == "items" else [_shown(one, currency_code) for one in told]
        )

    return Call("GET", f"{order_id}/{edge}", read, params=params, bucket=page_bucket(page_id))


def _read_order(answer: Any) -> Listed[Shown]:
    reference = str(answer.get("merchant_order_id") or "")
    return Listed((Shown(str(answer["id"]), external_id=reference, status=str(answer["order_status"]["state"])),), "")


def _shown_line(one: Any) -> Shown:
    line_id, status = str(one["id"]), one["status"]
    return Shown(line_id, tuple(Pieces(line_id, int(status.get(fate) or 0)) for fate in ("fulfilled", "cancelled")))


def _shown(one: Any, currency_code: str) -> Shown:
    sums = one.get("refund_amount") or {}
    return Shown(
        id=str(one["id"]),
        lines=tuple(_line(item, currency_code) for item in (one.get("items") or {}).get("data", ())),
        external_id=str(one.get("external_shipment_id") or ""),
        tracking_number=str((one.get("tracking_info") or {}).get("tracking_number") or ""),
        status=str(one.get("return_status") or "").upper(),
        shipping=read_minor_units(sums.get("shipping"), "shipping", currency_code),
        total=read_minor_units(sums["total"], "total", currency_code) if "total" in sums else None,
    )


def _line(item: Any, currency_code: str) -> Pieces:
    amount = read_minor_units(item.get("refund_subtotal"), "refund_subtotal", currency_code)
    return Pieces(str(item["id"]), int(item.get("quantity") or 0), amount)
