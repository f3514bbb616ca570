"""What Meta published of orders: parameters and fields, with the edges that its SDK had until 2026 and has no more.

`PUBLISHED` (edge → parameter → type, required ones end in `!`) and `FIELDS` judge the simulator, `FORMER_EDGES` the calls that are sent
to it. Nothing is taken from the simulator here.
"""

from collections.abc import Mapping

Table = Mapping[str, str]

_KEY = {"idempotency_key": "string!"}
_TIMES = {"start_time": "datetime", "end_time": "datetime"}
_LISTED: Table = {
    "state": "list<enum>", "filters": "list<enum>", "updated_after": "datetime", "updated_before": "datetime",
}  # fmt: skip
_TRANSACTIONS: Table = {**_TIMES, "payout_reference_id": "string"}
_BULK: Table = {**_KEY, "orders": "list<map>!"}
_RETURNS: Table = {"merchant_return_id": "string", "statuses": "list<enum>"}
_PROFILE: Table = {
    "name": "string!", "shipping_destinations": "list<map>!", "handling_time": "map", "is_default": "bool",
    "is_default_shipping_profile": "bool", "reference_id": "string",
}  # fmt: skip
_SHIPMENT: Table = {
    **_KEY, "external_redemption_link": "string", "external_shipment_id": "string", "fulfillment": "map", "items": "list<map>",
    "merchant_order_reference": "string", "shipment_origin_postal_code": "string", "shipping_tax_details": "map",
    "should_use_default_fulfillment_location": "bool", "tracking_info": "map",
}  # fmt: skip
# facebook-business-sdk-codegen 1338eb3 (2026-03-10), CommerceOrder.json, CommerceMerchantSettings.json, Page.json
PUBLISHED: Mapping[tuple[str, str, str], Table] = {
    ("CommerceOrder", "POST", "acknowledge_order"): {**_KEY, "merchant_order_reference": "string"},
    ("CommerceOrder", "POST", "shipments"): _SHIPMENT,
    ("CommerceOrder", "POST", "update_shipment"): {
        **_KEY, "external_shipment_id": "string", "fulfillment_id": "string", "shipment_id": "string", "tracking_info": "map!",
    },
    ("CommerceOrder", "POST", "cancellations"): {
        **_KEY, "cancel_reason": "map", "items": "list<map>", "restock_items": "bool",
    },
    ("CommerceOrder", "POST", "refunds"): {
        **_KEY, "adjustment_amount": "map", "deductions": "list<map>", "items": "list<map>", "reason_code": "enum!",
        "reason_text": "string", "return_id": "string", "shipping": "map",
    },
    ("CommerceOrder", "POST", "returns"): {
        "items": "list<map>!", "merchant_return_id": "string", "return_message": "string", "update": "map",
    },
    ("CommerceOrder", "POST", "item_updates"): {"items": "list<map>!", "merchant_order_reference": "string!"},
    **{
        ("CommerceOrder", "GET", edge): {}
        for edge in ("items", "payments", "shipments", "cancellations", "refunds", "promotions", "promotion_details")
    },
    ("CommerceOrder", "GET", "returns"): _RETURNS,
    ("CommerceMerchantSettings", "GET", "commerce_orders"): _LISTED,
    ("CommerceMerchantSettings", "GET", "commerce_payouts"): _TIMES,
    ("CommerceMerchantSettings", "GET", "commerce_transactions"): _TRANSACTIONS,
    ("CommerceMerchantSettings", "GET", "order_management_apps"): {},
    ("CommerceMerchantSettings", "GET", "product_catalogs"): {},
    ("CommerceMerchantSettings", "GET", "returns"): {
        **_RETURNS, "start_time_created": "datetime", "end_time_created": "datetime",
    },
    ("CommerceMerchantSettings", "GET", "setup_status"): {},
    ("CommerceMerchantSettings", "GET", "shops"): {},
    ("CommerceMerchantSettings", "GET", "tax_settings"): {},
    ("CommerceMerchantSettings", "POST", ""): {
        "checkout_config": "map", "korea_ftc_listing": "string", "merchant_status": "enum", "privacy_policy_localized": "map",
    },
    ("CommerceMerchantSettings", "POST", "acknowledge_orders"): _BULK,
    ("CommerceMerchantSettings", "POST", "shipping_profiles"): _PROFILE,
    # The same, 6858515 (2025-07-17) and e741ad1 (2025-09-25); DELETE: Meta's order guide (graph-api.md 5).
    ("CommerceMerchantSettings", "POST", "order_management_apps"): {},
    ("CommerceMerchantSettings", "DELETE", "order_management_apps"): {},
    ("CommerceMerchantSettings", "GET", "shipping_profiles"): {"reference_id": "string"},
    ("Page", "GET", "commerce_merchant_settings"): {},
    ("Page", "GET", "commerce_orders"): _LISTED,
    ("Page", "GET", "commerce_payouts"): _TIMES,
    ("Page", "GET", "commerce_transactions"): _TRANSACTIONS,
    ("Page", "POST", "acknowledge_orders"): _BULK,
}  # fmt: skip
# The enums of the same spec, enum_types.json.
ENUMS: Mapping[str, str] = {
    "state": "COMPLETED CREATED FB_PROCESSING IN_PROGRESS",
    "filters": "HAS_CANCELLATIONS HAS_FULFILLMENTS HAS_REFUNDS NO_CANCELLATIONS NO_REFUNDS NO_SHIPMENTS",
    "statuses": "APPROVED DISAPPROVED MERCHANT_MARKED_COMPLETED REFUNDED REQUESTED",
    "merchant_status": "ENABLED EXTERNALLY_DISABLED",
    "reason_code": "BUYERS_REMORSE DAMAGED_GOODS FACEBOOK_INITIATED NOT_AS_DESCRIBED QUALITY_ISSUE REFUND_COMPROMISED REFUND_FOR_RETURN "
    "REFUND_REASON_OTHER REFUND_SFI_FAKE REFUND_SFI_REAL WRONG_ITEM",
}
# Of these Meta's SDK 26.0.3 still has a method.
KEPT = frozenset({
    ("CommerceOrder", "POST", "shipments"), ("CommerceMerchantSettings", "POST", ""),
    ("CommerceMerchantSettings", "POST", "shipping_profiles"), ("Page", "GET", "commerce_transactions"),
    *((kind, "GET", edge) for kind in ("Page", "CommerceMerchantSettings") for edge in ("commerce_orders", "commerce_payouts")),
    *(("CommerceMerchantSettings", "GET", edge) for edge in ("order_management_apps", "product_catalogs", "setup_status", "shops")),
    ("Page", "GET", "commerce_merchant_settings"),
})  # fmt: skip
FORMER_EDGES = {place: set(table) for place, table in PUBLISHED.items() if place not in KEPT}
# What the lists of an order hold: the SDK never had classes for them.
FORMER_KINDS = frozenset(
    {"OrderItem", "OrderPayment", "OrderShipment", "OrderCancellation", "OrderRefund", "OrderReturn"}
)
# The things of `FIELDS` that Graph reads as nodes.
NODES_READ = {
    "CommerceOrder": "order",
    "CommerceMerchantSettings": "account",
    "OrderItem": "items",
    "OrderReturn": "returns",
}
# What can be read of each thing. Sources: the spec above, its `fields`; https://developers.facebook.com/docs/graph-api/reference/
# commerce-order-item, -cancellation and commerce-promotion-detail (v24.0), https://developers.facebook.com/docs/commerce-platform/
# reporting/payments and /transactions, /order-management/returns-api (all read 2026-11-22); graph-api.md 6.1 and 6.2 for the rest.
FIELDS: Mapping[str, str] = {
    "order": "buyer_details channel contains_bopis_items created estimated_payment_details id is_group_buy is_test_order last_updated "
    "merchant_order_id order_status pre_order_details selected_shipping_option ship_by_date shipping_address",
    "items": "id customization gift_details price_details price_per_unit product_id product_name quantity retailer_id "
    "selected_shipping_option ship_by status tax_details promotion_details amount_available_for_refund",
    "payments": "id subtotal tax tax_remitted total_amount shipments transaction_details items",
    "shipments": "id external_shipment_id items tracking_info",
    "cancellations": "id items cancel_reason",
    "refunds": "id items refund_reason refund_amount",
    "returns": "id return_status return_message merchant_return_id return_buyer_images item_return_quantities item_return_reasons items "
    "order",
    "promotion_details": "applied_after_tax applied_amount campaign_name coupon_code promotion_id retailer_id sponsor "
    "target_granularity",
    "commerce_payouts": "amount payout_date payout_reference_id status transfer_id",
    "commerce_transactions": "merchant_order_id net_payment_amount order_created order_details order_id payout_reference_id postal_code "
    "processing_fee state tax_rate transaction_date transaction_type transfer_id items tax_details",
    "account": "checkout_config contact_email cta display_name facebook_channel id instagram_channel korea_ftc_listing merchant_page "
    "merchant_status offsite_iab_checkout_enabled_countries payment_provider privacy_policy_localized shops_ads_setup terms",
    "shops": "commerce_merchant_settings fb_sales_channel id ig_sales_channel shop_status workspace",
    "setup_status": "deals_setup marketplace_approval_status marketplace_approval_status_details payment_setup review_status shop_setup",
}
