"""The control API's part about orders: buyers and Meta act, and everything that changed an order can be read.

    POST /_simulator/pages/{page_id}/orders     places orders (see seeding.py); a Page without a shop gets one
    GET  /_simulator/pages/{page_id}/effects    the ledger: what changed which order, by whom, under which key

What buyers and Meta do to an order afterwards is in steering.py.
"""

from typing import Any

from aiohttp import web

from simulator.orders import book, seeding
from simulator.orders.access import account_of_page
from simulator.orders.state import CommerceOrder, Effect
from simulator.standing import CommerceMerchantSettings
from simulator.state import Page
from simulator.world import World

Document = dict[str, Any]
DEFAULT_LIMIT = 1_000


def place_orders(world: World, request: web.Request, document: Document) -> Document:
    """Let buyers order. An empty body: one lamp.

    {lines, shipping, promotions, buyer, address, channel, currency, tax_remitted, test, processing_seconds, vanishes,
    age_seconds, count}
    """
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    account = account_of_page(world, page) or CommerceMerchantSettings(world.new_id(), page.id)
    draft = seeding.read_draft(world, account, document)
    world.add(account)
    placed = seeding.place(world, account, draft)
    return {"account_id": account.id, "order_ids": [order.id for order in placed]}


def finish_processing(world: World, request: web.Request, _document: Document) -> Document:
    """End Meta's own checks of an order now."""
    order = find_order(world, request)
    if order.state != "FB_PROCESSING":
        raise ValueError(f"order_id: the order is {order.state} already")
    order.process_until = world.clock.now()
    if order.vanishes:
        book.forget(world, book.account_of(world, order), order)
    else:
        book.finalise(world, book.account_of(world, order), order, at=world.clock.now())
    return describe(order)


def touch(world: World, request: web.Request, _document: Document) -> Document:
    """Let an order change in nothing but its `last_updated`."""
    order = find_order(world, request)
    book.change(world, order, what="touched")
    return describe(order)


def list_placed(world: World, request: web.Request, _document: Document) -> Document:
    """List the orders of a Page as they truly are.

    ?limit=&after=<sequence>
    """
    account = _account(world, request)
    book.settle(world, account)
    after, limit = _number(request, "after", 0), _number(request, "limit", DEFAULT_LIMIT)
    found = [order for order in account.orders.orders.values() if order.sequence > after][:limit]
    states = {state: len(orders) for state, orders in account.orders.by_state.items()}
    return {"orders": [describe(order) for order in found], "states": states}


def read_order(world: World, request: web.Request, _document: Document) -> Document:
    """Show an order as it truly is, with its effects."""
    order = find_order(world, request)
    effects = book.account_of(world, order).orders.effects
    return {**describe(order), "effects": [_effect(one) for one in effects if one.order_id == order.id]}


def list_effects(world: World, request: web.Request, _document: Document) -> Document:
    """List what changed the orders of a Page, oldest first.

    ?since=<sequence>&limit=&kind=&order_id=
    """
    account, since, limit = (
        _account(world, request),
        _number(request, "since", 0),
        _number(request, "limit", DEFAULT_LIMIT),
    )
    kind, order_id = request.query.get("kind", ""), request.query.get("order_id", "")
    found = [
        one
        for one in account.orders.effects
        if one.sequence > since and kind in {"", one.kind} and order_id in {"", one.order_id}
    ]
    return {"effects": [_effect(one) for one in found[:limit]], "total": len(found)}


def describe(order: CommerceOrder) -> Document:
    """Show an order, buyer included; amounts in minor units."""
    return {
        "id": order.id,
        "sequence": order.sequence,
        "account_id": order.account_id,
        "state": order.state,
        "merchant_order_id": order.merchant_order_id,
        "acknowledged": order.acknowledged,
        "currency": order.currency,
        "create_time": order.create_time,
        "update_time": order.update_time,
        "items": [
            {name: getattr(item, name) for name in ITEM_MEMBERS}
            for item in order.items
        ],
        "shipping_charged": order.shipping_charged,
        "shipping_refunded": order.shipping_refunded,
        "refunded_total": sum(refund.total for refund in order.refunds),
        "shipments": len(order.shipments),
        "cancellations": len(order.cancellations),
        "refunds": len(order.refunds),
        "returns": [{"id": one.id, "status": one.status} for one in order.returns],
    }  # fmt: skip


ITEM_MEMBERS = (
    "id", "retailer_id", "quantity", "fulfilled", "cancelled", "refunded", "charged_amount", "charged_tax",
    "refunded_amount", "refunded_tax",
)  # fmt: skip


def _effect(effect: Effect) -> Document:
    return {
        "sequence": effect.sequence,
        "time": effect.time,
        "kind": effect.kind,
        "by": effect.by,
        "order_id": effect.order_id,
        "key": effect.key,
        "details": effect.details,
    }


def find_order(world: World, request: web.Request) -> CommerceOrder:
    """Return the order that a request is about."""
    book.settle_all(world)
    return world.require(CommerceOrder, request.match_info["order_id"], name="order_id")


def _account(world: World, request: web.Request) -> CommerceMerchantSettings:
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    account = account_of_page(world, page)
    if account is None:
        raise ValueError("page_id: the Page has no shop; PATCH its shop or place an order first")
    return account


def _number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, str(default))
    if not value.isdecimal():
        raise ValueError(f"{name}: expected a number of at least 0, got {value!r}")
    return int(value)


ROUTES = (
    ("POST", "/_simulator/pages/{page_id}/orders", place_orders, seeding.ORDER),
    ("GET", "/_simulator/pages/{page_id}/orders", list_placed, ""),
    ("GET", "/_simulator/pages/{page_id}/effects", list_effects, ""),
    ("GET", "/_simulator/orders/{order_id}", read_order, ""),
    ("POST", "/_simulator/orders/{order_id}/finish-processing", finish_processing, ""),
    ("POST", "/_simulator/orders/{order_id}/touch", touch, ""),
)
