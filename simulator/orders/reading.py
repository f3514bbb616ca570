"""How orders read: the order itself with its sums, and the edges that list what happened to it.

Who bought is hidden while Meta still checks an order. All money is told as decimal strings.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.call import Call, Json, NodeType, Rows, attribute
from simulator.orders.access import READ_ORDERS, guard
from simulator.orders.charging import item_shares, sellers_discount, shipping_options
from simulator.orders.money import write_money
from simulator.orders.state import CommerceOrder, Discount, OrderItem, ShippingOption

# Unverified: how long a seller has to ship.
SHIP_WITHIN = timedelta(days=3)


def order_time(seconds: float) -> str:
    """Write a time as orders do: `2026-01-14T19:17:31+00:00`."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def ship_by(order: CommerceOrder) -> str:
    """Write by when an order is to be shipped."""
    return order_time(order.create_time + SHIP_WITHIN.total_seconds())


def _payment_details(call: Call, order: CommerceOrder) -> Json:
    """Add up an order: total = items + shipping + tax, of which Meta pays its own promotions."""
    options = shipping_options(order).values()
    items, shipping = sum(item.unit_price * item.quantity for item in order.items), sum(one.price for one in options)
    item_discount, shipping_discount = sellers_discount(order, "LINE_ITEM"), sellers_discount(order, "SHIPPING")
    tax = sum(item.tax for item in order.items) + sum(one.tax for one in options)
    total = items - item_discount + shipping - shipping_discount + tax
    by_meta = sum(one.amount for one in order.discounts if one.after_tax)
    if call.world.switches.order_discounts_in_subtotal:
        items, shipping = items - item_discount, shipping - shipping_discount
    money = _writer(order)
    details = {
        "subtotal": {"items": money(items), "shipping": money(shipping)},
        "tax": money(tax),
        "total_amount": money(total),
        "tax_remitted": order.tax_remitted,
    }
    return details | {"facebook_paid_amount": money(by_meta), "buyer_paid_amount": money(total - by_meta)}


def _writer(order: CommerceOrder) -> Any:
    return lambda minor: write_money(minor, order.currency)


def _option(order: CommerceOrder, option: ShippingOption | None) -> Json:
    if option is None:
        return None
    return {
        "name": option.name,
        "reference_id": option.reference_id,
        "price": write_money(option.price, order.currency),
        "calculated_tax": write_money(option.tax, order.currency),
        "estimated_shipping_time": {"min_days": option.min_days, "max_days": option.max_days},
    }


def _whole_option(_call: Call, order: CommerceOrder) -> Json:
    """Return the option of the whole order; of options by line, a compatible summary."""
    options = list(shipping_options(order).values())
    first = options[0]
    return _option(order, ShippingOption(
        first.name, first.reference_id, sum(one.price for one in options), sum(one.tax for one in options),
        min(one.min_days for one in options), max(one.max_days for one in options),
    ))  # fmt: skip


def _address(_call: Call, order: CommerceOrder) -> Json:
    return None if order.state == "FB_PROCESSING" else order.buyer.address


def _buyer(_call: Call, order: CommerceOrder) -> Json:
    if order.state == "FB_PROCESSING":
        return None
    buyer = order.buyer
    details = {"name": buyer.name, "email": buyer.email, "email_remarketing_option": buyer.marketing}
    details["phone_number"] = buyer.phone_number or None
    return {name: value for name, value in details.items() if value is not None}


def _channel(call: Call, order: CommerceOrder) -> str:
    """Write the channel in the case that the switch wants."""
    # graph-api.md 6.1: the documentation's samples have both `facebook` and `Instagram`.
    documented = {"facebook": "facebook", "instagram": "Instagram"}[order.channel]
    return {"documented": documented, "lower": order.channel, "upper": order.channel.upper()}[
        call.world.switches.order_channel_case
    ]


# --- lines -----------------------------------------------------------------------------------------------------------


def order_of(call: Call) -> CommerceOrder:
    """Return the order whose edge is read."""
    found: CommerceOrder = call.node
    return found


def list_items(call: Call) -> Rows:
    """List the lines."""
    # graph-api.md 6.1 (documentation, Feb 2026)
    default = ("id", "retailer_id", "product_id", "quantity", "price_per_unit")
    return Rows(order_of(call).items, lambda item: (int(item.id),), default)


def name_line(item: OrderItem) -> dict[str, Json]:
    """Write what a line is called."""
    return {"id": item.id, "product_id": item.product_id, "retailer_id": item.retailer_id}


def _item_tax(call: Call, item: OrderItem) -> Json:
    money = _writer(order_of(call))
    return {"estimated_tax": money(item.tax), "captured_tax": {"total_tax": money(item.charged_tax)}}


def _status(_call: Call, item: OrderItem) -> Json:
    return {"in_progress": item.open, "fulfilled": item.fulfilled, "cancelled": item.cancelled}


def _available(call: Call, item: OrderItem) -> Json:
    return write_money(item.charged_amount - item.refunded_amount, order_of(call).currency)


def _item_promotions(call: Call, item: OrderItem) -> Json:
    order = order_of(call)
    rows = [(one, item_shares(order, one).get(item.id, 0)) for one in order.discounts]
    return {"data": [promotion_document(order, one, amount) for one, amount in rows if amount]}


def promotion_document(order: CommerceOrder, discount: Discount, amount: int) -> Json:
    """Describe what a promotion took off."""
    document = {
        "promotion_id": discount.promotion_id,
        "campaign_name": discount.campaign_name,
        "coupon_code": discount.coupon_code or None,
        "applied_amount": write_money(amount, order.currency),
        "sponsor": discount.sponsor,
        "applied_after_tax": discount.after_tax,
        "retailer_id": discount.retailer_id or None,
        "target_granularity": discount.granularity,
    }
    return {name: value for name, value in document.items() if value is not None}


def list_promotion_details(call: Call) -> Json:
    """List what promotions took off the whole order."""
    order = order_of(call)
    return {"data": [promotion_document(order, one, one.amount) for one in order.discounts]}


def list_promotions(call: Call) -> Json:
    """List the promotions that an order used."""
    # Unverified: which fields; SDK 25.0.0 has the edge, without a class for it.
    names = {one.promotion_id: one.campaign_name for one in order_of(call).discounts}
    return {"data": [{"id": promotion, "name": name} for promotion, name in names.items()]}


NODES = {
    "CommerceOrder": NodeType(
        {
            "id": attribute("id"),
            "order_status": lambda _, order: {"state": order.state},
            "created": lambda _, order: order_time(order.create_time),
            "last_updated": lambda _, order: order_time(order.update_time),
            "channel": _channel,
            "merchant_order_id": attribute("merchant_order_id"),
            "ship_by_date": lambda _, order: ship_by(order)[:10],
            "is_test_order": lambda _, order: order.is_test,
            "is_group_buy": lambda *_: False,
            "contains_bopis_items": lambda *_: False,
            "selected_shipping_option": _whole_option,
            "shipping_address": _address,
            "estimated_payment_details": _payment_details,
            "buyer_details": _buyer,
        },
        default=("id", "order_status", "created", "last_updated"),
        scopes=READ_ORDERS,
        guard=guard,
    ),
    "OrderItem": NodeType(
        {
            "id": attribute("id"),
            "product_id": attribute("product_id"),
            "retailer_id": attribute("retailer_id"),
            "product_name": attribute("product_name"),
            "quantity": attribute("quantity"),
            "price_per_unit": lambda call, item: write_money(item.unit_price, order_of(call).currency),
            # https://developers.facebook.com/docs/graph-api/reference/commerce-order-item (v24.0; read 2026-11-22)
            "ship_by": lambda call, _item: ship_by(order_of(call)),
            "tax_details": _item_tax,
            "status": _status,
            "selected_shipping_option": lambda call, item: _option(order_of(call), item.option),
            # Unverified: what it holds when the buyer had something to write; nothing does here.
            "customization": lambda *_: None,
            "promotion_details": _item_promotions,
            "amount_available_for_refund": _available,
        }
    ),
}
