"""Edges of orders that Meta's SDK had until 2026 and has no more, with what could be sent: the table for judging such calls.

Sources: facebook-business-sdk-codegen 1338eb3 and the documentation of February 2026, as in graph-api.md 5 and 6; where a parameter is
told by the documentation only, or by the SDK only, it counts as known.
"""

from collections.abc import Mapping

_WRITES: Mapping[str, set[str]] = {
    "acknowledge_order": {"idempotency_key", "merchant_order_reference"},
    "update_shipment": {
        "idempotency_key", "external_shipment_id", "shipment_id", "tracking_info", "fulfillment_id",
    },
    "cancellations": {"idempotency_key", "cancel_reason", "restock_items", "items"},
    "refunds": {
        "idempotency_key", "reason_code", "reason_text", "items", "shipping", "deductions", "adjustment_amount",
        "return_id",
    },
    "returns": {"idempotency_key", "items", "merchant_return_id", "return_message", "update"},
    "item_updates": {"merchant_order_reference", "items"},
}  # fmt: skip
_READS = (
    "items", "payments", "shipments", "cancellations", "refunds", "returns", "promotions", "promotion_details",
)  # fmt: skip
_BULK = {"idempotency_key", "orders"}
FORMER_EDGES: Mapping[tuple[str, str, str], set[str]] = {
    **{("CommerceOrder", "POST", edge): known for edge, known in _WRITES.items()},
    **{("CommerceOrder", "GET", edge): set() for edge in _READS},
    ("Page", "POST", "acknowledge_orders"): _BULK,
    ("CommerceMerchantSettings", "POST", "acknowledge_orders"): _BULK,
    ("CommerceMerchantSettings", "GET", "commerce_transactions"): {"start_time", "end_time", "payout_reference_id"},
    ("CommerceMerchantSettings", "POST", "order_management_apps"): set(),
    ("CommerceMerchantSettings", "DELETE", "order_management_apps"): set(),
    ("CommerceMerchantSettings", "GET", "returns"): {
        "start_time_created", "end_time_created", "merchant_return_id", "statuses",
    },
    ("CommerceMerchantSettings", "GET", "tax_settings"): set(),
    ("CommerceMerchantSettings", "GET", "shipping_profiles"): {"reference_id"},
}  # fmt: skip
# What the lists of an order hold: the SDK never had classes for them.
FORMER_KINDS = frozenset(
    {"OrderItem", "OrderPayment", "OrderShipment", "OrderCancellation", "OrderRefund", "OrderReturn"}
)
