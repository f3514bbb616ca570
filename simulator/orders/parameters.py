"""What can be sent to each edge of orders and of their accounts, by Meta's published tables.

A parameter of another type is refused by its name, and so is a required one that is missing. What is in no table is passed over, as
Graph does everywhere, unless a switch has it refused.
"""

from collections.abc import Callable, Mapping

from simulator.call import Call, Result
from simulator.errors import invalid_parameter
from simulator.orders.listing import read_seconds

# facebook-business-sdk-codegen 1338eb3, CommerceOrder.json, CommerceMerchantSettings.json and Page.json; older commits for what had gone
# by then: 6858515 (POST order_management_apps), e741ad1 (GET shipping_profiles). Required ones end in `!`.
_KEY = "idempotency_key string!"
_BULK = f"{_KEY}, orders list<map>!"
_ORDERS = "filters list<enum>, state list<enum>, updated_after datetime, updated_before datetime"
_PAYOUTS = "end_time datetime, start_time datetime"
_TRANSACTIONS = f"{_PAYOUTS}, payout_reference_id string"
_ORDER = {
    "GET": dict.fromkeys(
        ("items", "payments", "shipments", "cancellations", "refunds", "promotions", "promotion_details"), ""
    )
    | {"returns": "merchant_return_id string, statuses list<enum>"},
    "POST": {
        "acknowledge_order": f"{_KEY}, merchant_order_reference string",
        "shipments": f"{_KEY}, external_redemption_link string, external_shipment_id string, fulfillment map, items list<map>, "
        "merchant_order_reference string, shipment_origin_postal_code string, shipping_tax_details map, "
        "should_use_default_fulfillment_location bool, tracking_info map",
        "update_shipment": f"{_KEY}, external_shipment_id string, fulfillment_id string, shipment_id string, tracking_info map!",
        "cancellations": f"{_KEY}, cancel_reason map, items list<map>, restock_items bool",
        "refunds": f"{_KEY}, adjustment_amount map, deductions list<map>, items list<map>, reason_code enum!, reason_text string, "
        "return_id string, shipping map",
        "returns": "items list<map>!, merchant_return_id string, return_message string, update map",
        "item_updates": "items list<map>!, merchant_order_reference string!",
    },
}
_ACCOUNT = {
    "GET": {
        "commerce_orders": _ORDERS,
        "commerce_payouts": _PAYOUTS,
        "commerce_transactions": _TRANSACTIONS,
        "returns": "end_time_created datetime, merchant_return_id string, start_time_created datetime, statuses list<enum>",
        "shipping_profiles": "reference_id string",
        "tax_settings": "",
    },
    "POST": {
        "": "checkout_config map, korea_ftc_listing string, merchant_status enum, privacy_policy_localized map",
        "acknowledge_orders": _BULK,
        "order_management_apps": "",
        "shipping_profiles": "handling_time map, is_default bool, is_default_shipping_profile bool, name string!, "
        "reference_id string, shipping_destinations list<map>!",
    },
    "DELETE": {"order_management_apps": ""},
}
_PAGE = {
    "GET": {"commerce_orders": _ORDERS, "commerce_payouts": _PAYOUTS, "commerce_transactions": _TRANSACTIONS},
    "POST": {"acknowledge_orders": _BULK},
}
PARAMETERS: Mapping[tuple[str, str, str], Mapping[str, str]] = {
    (kind, method, edge): dict(one.split() for one in names.split(", ") if one)
    for kind, methods in (("CommerceOrder", _ORDER), ("CommerceMerchantSettings", _ACCOUNT), ("Page", _PAGE))
    for method, edges in methods.items()
    for edge, names in edges.items()
}
# https://developers.facebook.com/docs/graph-api/overview (read 2026-11-21): understood everywhere.
_EVERYWHERE = {
    "access_token", "appsecret_proof", "appsecret_time", "fields", "limit", "after", "before", "summary", "metadata", "debug", "locale",
    "method",
}  # fmt: skip


def _text(call: Call, name: str) -> None:
    if isinstance(call.params[name], list | dict):
        raise invalid_parameter(f"Param {name} must be a string")


def _objects(call: Call, name: str) -> None:
    if not all(isinstance(one, dict) for one in call.structure(name, list, [])):
        raise invalid_parameter(f"Param {name} must be an array of objects")


# Which words an enum has, its edge knows.
_CHECKS: Mapping[str, Callable[[Call, str], object]] = {
    "string": _text,
    "enum": _text,
    "bool": lambda call, name: call.flag(name),
    "datetime": lambda call, name: read_seconds(call, name, 0),
    "map": lambda call, name: call.structure(name, dict, {}),
    "list<map>": _objects,
    "list<enum>": lambda call, name: call.names(name, []),
}


def checked(act: Callable[[Call], Result]) -> Callable[[Call], Result]:
    """Return the function that looks at its parameters first."""

    def checked_act(call: Call) -> Result:
        check(call)
        return act(call)

    return checked_act


def check(call: Call) -> None:
    """Refuse parameters that do not fit the published table of the edge."""
    known = PARAMETERS[call.kind, call.method, call.edge]
    if call.world.switches.refuse_unknown_order_parameters and (
        unknown := call.params.keys() - known.keys() - _EVERYWHERE
    ):
        raise invalid_parameter(f"Unexpected parameter {min(unknown)}")
    for name, type_ in known.items():
        if name in call.params:
            _CHECKS[type_.rstrip("!")](call, name)
    for name in (name for name, type_ in known.items() if type_.endswith("!")):
        call.text(name)
