"""How Meta is asked what was done to an order: a list for each kind, a page at a time."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.connections.graph.subscriptions import page_bucket
from connector.graph.call import Call, Listed, read_list
from connector.order_changes.model.changes import Cancellation, Part, Payment, Refund
from connector.order_changes.model.returns import METAS_WORDS, Told
from connector.orders.graph.amounts import read_minor_units

PAGE_SIZE = 100
_LONGEST_TEXT = 1_000


def list_cancellations(order_id: str, page_id: str, *, after: str = "") -> Call[Listed[Cancellation]]:
    """List an order's cancellations."""
    # https://developers.facebook.com/docs/commerce-platform/order-management/cancel-order (read 2026-11-21)
    params = _params("id,items,cancel_reason", after)
    return Call(
        "GET",
        f"{order_id}/cancellations",
        params=params,
        read=lambda answer: read_list(answer, map(_cancellation, answer["data"])),
        bucket=page_bucket(page_id),
    )


def list_refunds(order_id: str, page_id: str, currency_code: str, *, after: str = "") -> Call[Listed[Refund]]:
    """List an order's refunds, all of whose amounts must be in its currency."""
    # https://developers.facebook.com/docs/commerce-platform/order-management/refund-order (read 2026-11-21)
    params = _params("id,items,refund_reason,refund_amount", after)
    return Call(
        "GET",
        f"{order_id}/refunds",
        params=params,
        read=lambda answer: read_list(answer, [_refund(one, currency_code) for one in answer["data"]]),
        bucket=page_bucket(page_id),
    )


def list_payments(order_id: str, page_id: str, currency_code: str, *, after: str = "") -> Call[Listed[Payment]]:
    """List what Meta charges for an order's shipments."""
    # https://developers.facebook.com/docs/commerce-platform/order-management/reporting/payments (read 2026-11-21)
    params = _params("id,tax,total_amount,transaction_details", after)
    return Call(
        "GET",
        f"{order_id}/payments",
        params=params,
        read=lambda answer: read_list(answer, [_payment(one, currency_code) for one in answer["data"]]),
        bucket=page_bucket(page_id),
    )


def list_returns(order_id: str, page_id: str, *, after: str = "") -> Call[Listed[Told]]:
    """List an order's returns; one in a state that we do not know is left out."""
    # SDK 25.0.0, commerceorder.py, get_returns
    # https://developers.facebook.com/docs/commerce-platform/order-management/returns-api (Feb 2025; read 2026-11-22)
    fields = "id,return_status,merchant_return_id,return_message,item_return_quantities,item_return_reasons"
    params = _params(fields, after)
    return Call(
        "GET",
        f"{order_id}/returns",
        params=params,
        read=lambda answer: read_list(answer, filter(None, map(_return, answer["data"]))),
        bucket=page_bucket(page_id),
    )


def _params(fields: str, after: str) -> dict[str, str]:
    return {"fields": fields, "limit": str(PAGE_SIZE)} | ({"after": after} if after else {})


def _cancellation(entry: Mapping[str, Any]) -> Cancellation:
    reason = entry.get("cancel_reason") or {}
    parts = [Part(str(one["id"]), _quantity(one["quantity"])) for one in _items(entry)]
    texts = _text(reason, "reason_code"), _text(reason, "reason_description")
    return Cancellation(str(entry["id"]), _joined(parts), *texts)


def _refund(entry: Mapping[str, Any], currency_code: str) -> Refund:
    sums = entry["refund_amount"]
    parts = [
        Part(
            str(one["id"]),
            _quantity(one.get("quantity") or 0),
            read_minor_units(one.get("refund_subtotal"), "refund_subtotal", currency_code),
        )
        for one in _items(entry)
    ]
    # The tax is told as a negative amount.
    subtotal, shipping, tax = (
        read_minor_units(sums.get(name), name, currency_code) for name in ("subtotal", "shipping", "tax")
    )
    total, reason = _required(sums, "total", currency_code), _text(entry.get("refund_reason") or {}, "reason_code")
    return Refund(str(entry["id"]), _joined(parts), subtotal, shipping, abs(tax), total, reason)


def _payment(entry: Mapping[str, Any], currency_code: str) -> Payment:
    # A payment without transaction_details was not captured.
    captured = bool(entry.get("transaction_details"))
    total, tax = (
        _required(entry, "total_amount", currency_code),
        read_minor_units(entry.get("tax"), "tax", currency_code),
    )
    return Payment(str(entry["id"]), total, tax, captured)


def _return(entry: Mapping[str, Any]) -> Told | None:
    state = METAS_WORDS.get(str(entry["return_status"]).upper())
    if state is None:
        return None
    parts = [Part(str(one["key"]), _quantity(one["value"])) for one in entry.get("item_return_quantities") or ()]
    # Each line has its reason; the documentation writes them in small letters and in capitals.
    reasons = dict.fromkeys(_text(one, "value").upper() for one in entry.get("item_return_reasons") or ())
    return Told(
        str(entry["id"]),
        state,
        _text(entry, "merchant_return_id"),
        _joined(parts),
        ", ".join(filter(None, reasons))[:_LONGEST_TEXT],
        _text(entry, "return_message"),
    )


def _items(entry: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found: Iterable[Mapping[str, Any]] = (entry.get("items") or {}).get("data") or ()
    return found


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Make one part of each line."""
    found: dict[str, Part] = {}
    for part in parts:
        known = found.get(part.line_id, Part(part.line_id, 0))
        found[part.line_id] = Part(part.line_id, known.quantity + part.quantity, known.amount + part.amount)
    return tuple(found.values())


def _quantity(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or int(value) < 0:
        raise ValueError("a quantity is no whole number")
    return int(value)


def _required(entry: Mapping[str, Any], name: str, currency_code: str) -> int:
    if entry[name] is None:
        raise ValueError(f"{name} is missing")
    return read_minor_units(entry[name], name, currency_code)


def _text(entry: Mapping[str, Any], name: str) -> str:
    return str(entry.get(name) or "")[:_LONGEST_TEXT]
