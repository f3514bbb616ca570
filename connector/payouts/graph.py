"""How Meta is asked for payouts and transactions: of the Page, or of its commerce account, a page at a time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.connections.graph.subscriptions import page_bucket
from connector.errors import MetaRefused
from connector.graph.call import Call, Listed, read_list
from connector.graph.faults import REASONS, Kind
from connector.orders.graph.amounts import read_amount
from connector.payouts.model.values import PAGE_SIZE, Payout, State, Transaction

# SDK 26.0.3, commercepayout.py and commerceordertransactiondetail.py, Field
_PAYOUT = "amount,payout_date,payout_reference_id,status,transfer_id"
_TRANSACTION = (
    "order_id,order_created,transaction_date,transaction_type,net_payment_amount,processing_fee,payout_reference_id,postal_code,"
    "state,tax_rate,transfer_id"
)
_LONGEST_TEXT = 200
# Unverified: how Meta answers calls of an edge that it took away while others still answer; the SDK lost the account's
# commerce_transactions with 25.0.2, the Page's is there.
_GONE_CODES = frozenset({3, 12, 33, 100, 803, 2500})


def tells_gone(refusal: MetaRefused) -> bool:
    """Tell whether a refusal means that the edge is not there, so that the other one is worth a try."""
    return refusal.reason == REASONS[Kind.RETIRED] or refusal.code in _GONE_CODES


def list_payouts(node_id: str, page_id: str, *, since: datetime, until: datetime, after: str) -> Call[Listed[Payout]]:
    """Ask for payouts between two moments, and for what is in the balance."""
    # SDK 26.0.3, page.py and commercemerchantsettings.py, get_commerce_payouts
    params = _window(since, until, _PAYOUT, after)
    return Call(
        "GET",
        f"{node_id}/commerce_payouts",
        params=params,
        read=lambda answer: read_list(answer, map(_payout, answer["data"])),
        bucket=page_bucket(page_id),
        timeout=timedelta(seconds=30),
    )


def list_transactions(
    node_id: str, page_id: str, *, since: datetime, until: datetime, after: str
) -> Call[Listed[Transaction]]:
    """Ask for transactions between two moments."""
    # SDK 26.0.3, page.py, get_commerce_transactions
    params = _window(since, until, _TRANSACTION, after)
    return Call(
        "GET",
        f"{node_id}/commerce_transactions",
        params=params,
        read=lambda answer: read_list(answer, map(_transaction, answer["data"])),
        bucket=page_bucket(page_id),
        timeout=timedelta(seconds=30),
    )


def _window(since: datetime, until: datetime, fields: str, after: str) -> dict[str, str]:
    times = {"start_time": str(int(since.timestamp())), "end_time": str(int(until.timestamp()) + 1)}
    return times | {"fields": fields, "limit": str(PAGE_SIZE)} | ({"after": after} if after else {})


def _payout(entry: Mapping[str, Any]) -> Payout:
    amount, time = read_amount(entry.get("amount"), "amount"), _moment(entry.get("payout_date"))
    # https://developers.facebook.com/docs/commerce-platform/order-management (read 2026-11-21): without a date it is still in the
    # balance. Unverified: that a payout with a date may lack its status.
    state = State.PENDING if time is None else State.FAILED if entry.get("status") == "FAILED" else State.COMPLETED
    named = _text(entry, "payout_reference_id"), _text(entry, "transfer_id")
    if time is not None and not any(named):
        raise ValueError("a payout has neither reference nor transfer")
    return Payout(*named, amount.currency_code, amount.minor_units, state, time)


def _transaction(entry: Mapping[str, Any]) -> Transaction:
    net = read_amount(entry["net_payment_amount"], "net_payment_amount")
    fee = read_amount(entry.get("processing_fee") or {"amount": "0", "currency": net.currency_code}, "processing_fee")
    time = _moment(entry["transaction_date"])
    if time is None or fee.currency_code != net.currency_code or not _text(entry, "order_id"):
        raise ValueError("a transaction has no time or order, or two currencies")
    return Transaction(
        external_order_id=_text(entry, "order_id"),
        type=_text(entry, "transaction_type"),
        currency_code=net.currency_code,
        net_amount=net.minor_units,
        processing_fee=fee.minor_units,
        tax_rate=_text(entry, "tax_rate"),
        region=_text(entry, "state"),
        postal_code=_text(entry, "postal_code"),
        payout_reference_id=_text(entry, "payout_reference_id"),
        transfer_id=_text(entry, "transfer_id"),
        transaction_time=time,
        order_time=_moment(entry.get("order_created")),
    )


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return str(value)[:_LONGEST_TEXT] if isinstance(value, str | int | float) else ""


def _moment(value: Any) -> datetime | None:
    if not value:
        return None
    time = datetime.fromisoformat(str(value))
    return time if time.tzinfo else time.replace(tzinfo=UTC)
