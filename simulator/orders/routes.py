"""The edges of orders and of their lists: what may be called, with which permission, and when Meta's SDK lost it."""

from simulator.call import Call, Rows
from simulator.orders import reading
from simulator.orders.access import MANAGE_ORDERS, READ_ORDERS, find_account, guarded
from simulator.orders.acknowledging import acknowledge, acknowledge_many
from simulator.orders.listing import list_orders as list_account_orders

# Uploads of facebook-business to PyPI (graph-api.md 0): 25.0.1, 25.0.2 and 26.0.0.
WRITES_REMOVED, REPORTS_REMOVED, DETAILS_REMOVED = "2026-03-30", "2026-06-08", "2026-08-06"


def list_orders(call: Call) -> Rows:
    """List the orders of an account or of a Page, which may have no account."""
    return list_account_orders(call, find_account(call))


NODES = reading.NODES
ROUTES = {
    # SDK 26.0.3, page.py and commercemerchantsettings.py, get_commerce_orders
    ("Page", "GET", "commerce_orders"): guarded(list_orders, READ_ORDERS),
    ("CommerceMerchantSettings", "GET", "commerce_orders"): guarded(list_orders, READ_ORDERS),
    # facebook-business-sdk-codegen 1338eb3 (graph-api.md 6): the rest, unless the SDK still has it.
    ("Page", "POST", "acknowledge_orders"): guarded(acknowledge_many, MANAGE_ORDERS, removed=WRITES_REMOVED),
    ("CommerceMerchantSettings", "POST", "acknowledge_orders"): guarded(
        acknowledge_many, MANAGE_ORDERS, removed=WRITES_REMOVED
    ),
    ("CommerceOrder", "POST", "acknowledge_order"): guarded(acknowledge, MANAGE_ORDERS, removed=WRITES_REMOVED),
    ("CommerceOrder", "GET", "items"): guarded(reading.list_items, READ_ORDERS, removed=DETAILS_REMOVED),
    ("CommerceOrder", "GET", "promotion_details"): guarded(
        reading.list_promotion_details, READ_ORDERS, removed=REPORTS_REMOVED
    ),
    ("CommerceOrder", "GET", "promotions"): guarded(reading.list_promotions, READ_ORDERS, removed=REPORTS_REMOVED),
}
