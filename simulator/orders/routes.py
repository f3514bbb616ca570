"""The edges of orders and of their lists: what may be called, with which permission, and when Meta's SDK lost it."""

from simulator.call import Call, Rows
from simulator.orders import account, payouts, reading, results, returning
from simulator.orders.access import MANAGE_ORDERS, READ_ORDERS, READ_REPORTS, find_account, guarded
from simulator.orders.acknowledging import acknowledge, acknowledge_many
from simulator.orders.cancelling import cancel_units
from simulator.orders.listing import list_orders as list_account_orders
from simulator.orders.refunding import refund_units
from simulator.orders.shipping import ship_units, track
from simulator.orders.snapshot import update_items

# Uploads of facebook-business to PyPI (graph-api.md 0): 25.0.1, 25.0.2 and 26.0.0.
WRITES_REMOVED, REPORTS_REMOVED, DETAILS_REMOVED = "2026-03-30", "2026-06-08", "2026-08-06"


def list_orders(call: Call) -> Rows:
    """List the orders of an account or of a Page, which may have no account."""
    return list_account_orders(call, find_account(call))


NODES = {**reading.NODES, **results.NODES, **returning.NODES, **payouts.NODES, **account.NODES}
_BULK = guarded(acknowledge_many, MANAGE_ORDERS, removed=WRITES_REMOVED)
_ORDERS, _PAYOUTS = guarded(list_orders, READ_ORDERS), guarded(payouts.list_payouts, READ_REPORTS)
# What can be read of an order: edge → function and when the SDK lost it.
_READS = {
    "items": (reading.list_items, DETAILS_REMOVED),
    "payments": (results.lister("payments"), DETAILS_REMOVED),
    "shipments": (results.lister("shipments"), DETAILS_REMOVED),
    "cancellations": (results.lister("cancellations"), DETAILS_REMOVED),
    "refunds": (results.lister("refunds"), DETAILS_REMOVED),
    "returns": (returning.list_returns, REPORTS_REMOVED),
    "promotions": (reading.list_promotions, REPORTS_REMOVED),
    "promotion_details": (reading.list_promotion_details, REPORTS_REMOVED),
}
# What can be done to one: the same; shipments are still in SDK 26.0.3.
_WRITES = {
    "acknowledge_order": (acknowledge, WRITES_REMOVED),
    "shipments": (ship_units, ""),
    "update_shipment": (track, WRITES_REMOVED),
    "cancellations": (cancel_units, WRITES_REMOVED),
    "refunds": (refund_units, WRITES_REMOVED),
    "returns": (returning.write_return, WRITES_REMOVED),
    "item_updates": (update_items, WRITES_REMOVED),
}
ROUTES = {
    # SDK 26.0.3, page.py and commercemerchantsettings.py
    ("Page", "GET", "commerce_orders"): _ORDERS,
    ("CommerceMerchantSettings", "GET", "commerce_orders"): _ORDERS,
    ("Page", "GET", "commerce_payouts"): _PAYOUTS,
    ("CommerceMerchantSettings", "GET", "commerce_payouts"): _PAYOUTS,
    ("Page", "GET", "commerce_transactions"): guarded(payouts.list_transactions, READ_REPORTS),
    # facebook-business-sdk-codegen 1338eb3 (graph-api.md 5 and 6)
    ("CommerceMerchantSettings", "GET", "commerce_transactions"): guarded(
        payouts.list_transactions, READ_REPORTS, removed=REPORTS_REMOVED
    ),
    ("CommerceMerchantSettings", "GET", "returns"): guarded(
        returning.list_account_returns, READ_ORDERS, removed=DETAILS_REMOVED
    ),
    ("Page", "POST", "acknowledge_orders"): _BULK,
    ("CommerceMerchantSettings", "POST", "acknowledge_orders"): _BULK,
    **{("CommerceOrder", "GET", edge): guarded(act, READ_ORDERS, removed=end) for edge, (act, end) in _READS.items()},
    **{
        ("CommerceOrder", "POST", edge): guarded(act, MANAGE_ORDERS, removed=end)
        for edge, (act, end) in _WRITES.items()
    },
    **account.ROUTES,
}
# Of these edges an unknown id is that of an order or account.
OWN_EDGES = frozenset(edge for kind, _, edge in ROUTES if edge and kind != "Business")
