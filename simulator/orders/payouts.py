"""The seller's balance: a transaction for every charge and refund, and payouts that take a day's transactions together.

    charged ──2 to 30 days (`payout_seconds`)──▶ paid out with everything else that became due that day

What is not paid out yet is one payout more, without a date. Charges and refunds of an order add up to its transactions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from simulator.call import Call, Json, NodeType, Rows, attribute
from simulator.orders.access import find_account
from simulator.orders.charging import collect
from simulator.orders.listing import read_seconds
from simulator.orders.money import share, write_money
from simulator.orders.reading import name_line, order_time
from simulator.orders.state import CommerceOrder, Units

FAR = 2**40
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class CommerceOrderTransactionDetail:
    """One movement of the balance; `net` is what the seller gets of it, `fee` is taken off already."""

    id: str
    order: CommerceOrder
    time: float
    pay_time: float
    kind: str
    net: int
    fee: int
    tax: int
    units: tuple[Units, ...]
    reference: str  # of the payout; empty while it is still in the balance


@dataclass(frozen=True, slots=True)
class CommercePayout:
    """Transactions of one currency that are paid out together; without a date they are still in the balance."""

    id: str
    reference: str
    currency: str
    amount: int
    pay_time: float | None


def transactions(call: Call) -> list[CommerceOrderTransactionDetail]:
    """Return every transaction of the account, oldest first."""
    shop, now = find_account(call), call.world.clock.now()
    if shop is None:
        return []
    found: list[CommerceOrderTransactionDetail] = []
    for order in shop.orders.orders.values():
        collect(order, now=now)
        found += transactions_of(call, order)
    return sorted(found, key=lambda one: (one.time, int(one.id)))


def transactions_of(call: Call, order: CommerceOrder) -> list[CommerceOrderTransactionDetail]:
    """Return the transactions of one order."""
    now = call.world.clock.now()
    return [*_charges(call, order, now), *_refunds(call, order, now)]


def _charges(call: Call, order: CommerceOrder, now: float) -> Iterator[CommerceOrderTransactionDetail]:
    for payment in order.payments:
        if not payment.collected:
            continue
        # Tax that Meta hands to the state itself never reaches the seller.
        gross = payment.total - (payment.tax if order.tax_remitted else 0)
        fee = share(gross, round(call.world.switches.order_fee_share * 10_000), 10_000)
        reference = _reference(order, payment.pay_time, now)
        yield CommerceOrderTransactionDetail(
            payment.id, order, payment.capture_time, payment.pay_time, "SALE", gross - fee, fee, payment.tax,
            tuple(payment.shipment.units), reference,
        )  # fmt: skip


def _refunds(call: Call, order: CommerceOrder, now: float) -> Iterator[CommerceOrderTransactionDetail]:
    for refund in order.refunds:
        gross = refund.total - (refund.tax if order.tax_remitted else 0)
        # Unverified: that the fee comes back with a refund.
        fee = share(gross, round(call.world.switches.order_fee_share * 10_000), 10_000)
        reference = _reference(order, refund.pay_time, now)
        yield CommerceOrderTransactionDetail(
            refund.id, order, refund.time, refund.pay_time, "REFUND", fee - gross, -fee, -refund.tax,
            tuple(Units(line.item, line.quantity) for line in refund.lines), reference,
        )  # fmt: skip


def _day(pay_time: float) -> int:
    """Return the day on which something is paid out: the first one that begins when it is due."""
    return -int(-pay_time // DAY_SECONDS)


def _reference(order: CommerceOrder, pay_time: float, now: float) -> str:
    day = _day(pay_time)
    if day * DAY_SECONDS > now:
        return ""
    # Stable and opaque: the same payout has the same reference at every reading.
    return f"{crc32(f'{order.account_id} {order.currency} {day}'.encode()):010}{day}"


def list_transactions(call: Call) -> Rows:
    """List the transactions, between two moments or of one payout."""
    first, last = read_seconds(call, "start_time", 0), read_seconds(call, "end_time", FAR)
    wanted = call.text("payout_reference_id", "")
    found = [
        one for one in transactions(call) if first <= one.time <= last and wanted in {"", one.reference}
    ]  # fmt: skip
    return Rows(found, lambda one: (int(one.time * 1_000_000), int(one.id)))


def list_payouts(call: Call) -> Rows:
    """List the payouts between two moments, and what is still in the balance."""
    first, last = read_seconds(call, "start_time", 0), read_seconds(call, "end_time", FAR)
    sums: dict[tuple[str, str], tuple[int, float | None]] = {}
    for one in transactions(call):
        key = (one.order.currency, one.reference)
        time = _day(one.pay_time) * float(DAY_SECONDS) if one.reference else None
        sums[key] = (sums.get(key, (0, None))[0] + one.net, time)
    found = [
        CommercePayout(reference or "0", reference, currency, amount, time)
        for (currency, reference), (amount, time) in sums.items()
        if time is None or first <= time <= last
    ]
    found.sort(key=_payout_key)
    return Rows(found, _payout_key)


def _payout_key(payout: CommercePayout) -> tuple[int, ...]:
    return (int(payout.pay_time or FAR), *payout.currency.encode(), int(payout.id))


def _date(_call: Call, payout: CommercePayout) -> Json:
    # graph-api.md 5 (documentation, "Payouts"): an empty date means that it is still in the balance.
    return order_time(payout.pay_time) if payout.pay_time is not None else ""


def _payout_status(call: Call, payout: CommercePayout) -> str | None:
    if not payout.reference:
        return None
    return "FAILED" if call.world.switches.failed_payouts else "COMPLETED"


def _transfer(reference: str) -> str | None:
    # Unverified: how a transfer's id looks.
    return f"TR{reference}" if reference else None


def _items(one: CommerceOrderTransactionDetail) -> Json:
    # Unverified: which members.
    return {"data": [name_line(unit.item) | {"quantity": unit.quantity} for unit in one.units]}


def _tax_details(one: CommerceOrderTransactionDetail) -> Json:
    # Unverified: which members; the documentation has the list only.
    address = one.order.buyer.address
    place = {"state": address["state"], "postal_code": address["postal_code"]}
    return {"data": [{**place, "tax_amount": write_money(one.tax, one.order.currency)}]}


def describe(one: CommerceOrderTransactionDetail) -> Json:
    """Describe a transaction as payments do."""
    # https://developers.facebook.com/docs/commerce-platform/reporting/payments-and-promotions (read 2026-11-22)
    document = {
        "transaction_type": one.kind,
        "transaction_date": order_time(one.time),
        "transfer_id": _transfer(one.reference),
        "processing_fee": write_money(one.fee, one.order.currency),
        "net_payment_amount": write_money(one.net, one.order.currency),
        "tax_rate": tax_rate(one.order),
        "tax_details": _tax_details(one)["data"],
    }
    return {name: value for name, value in document.items() if value is not None}


NODES = {
    "CommercePayout": NodeType(
        {
            "amount": lambda _call, payout: write_money(payout.amount, payout.currency),
            "payout_date": _date,
            "payout_reference_id": attribute("reference"),
            # Unverified: the status of what is still in the balance.
            "status": _payout_status,
            "transfer_id": lambda _call, payout: _transfer(payout.reference),
        },
        default=("amount", "payout_date", "payout_reference_id", "status", "transfer_id"),
    ),
    "CommerceOrderTransactionDetail": NodeType(
        {
            "order_id": lambda _call, one: one.order.id,
            "order_created": lambda _call, one: order_time(one.order.create_time),
            "merchant_order_id": lambda _call, one: one.order.merchant_order_id or None,
            "order_details": lambda _call, one: one.order,
            "transaction_date": lambda _call, one: order_time(one.time),
            # https://developers.facebook.com/docs/commerce-platform/reporting/transactions (Feb 2026; read 2026-11-22)
            "transaction_type": attribute("kind"),
            "net_payment_amount": lambda _call, one: write_money(one.net, one.order.currency),
            "processing_fee": lambda _call, one: write_money(one.fee, one.order.currency),
            "payout_reference_id": attribute("reference"),
            "postal_code": lambda _call, one: one.order.buyer.address["postal_code"],
            "state": lambda _call, one: one.order.buyer.address["state"],
            "tax_rate": lambda _call, one: tax_rate(one.order),
            "transfer_id": lambda _call, one: _transfer(one.reference),
            # SDK 26.0.3, commerceordertransactiondetail.py, get_items and get_tax_details
            "items": lambda _call, one: _items(one),
            "tax_details": lambda _call, one: _tax_details(one),
        },
        default=(
            "order_id", "order_created", "merchant_order_id", "transaction_date", "transaction_type", "net_payment_amount",
            "processing_fee", "payout_reference_id", "postal_code", "state", "tax_rate", "transfer_id",
        ),
    ),
}  # fmt: skip


def tax_rate(order: CommerceOrder) -> str:
    """Return the share of the tax in the prices of the lines."""
    prices = sum(item.unit_price * item.quantity for item in order.items)
    tax = sum(item.tax for item in order.items)
    return f"{tax / prices if prices else 0:.4f}"
