"""Webhooks about orders. Nobody has seen one: which shape they have, and whether there are any, is a switch.

Every shape names the order, what happened and its state: a hint to read the order, never the order itself.
"""

from collections.abc import Mapping
from typing import Any

from simulator.orders.state import CommerceOrder
from simulator.state import Application, Page
from simulator.world import World

# Unverified: every one of these; graph-api.md 9.6 names the places where such a webhook could come.
# switch → object of the webhook, field, whose id the entry has
SHAPES: Mapping[str, tuple[str, str, str]] = {
    "page.orders": ("page", "orders", "page"),
    "page.commerce_orders": ("page", "commerce_orders", "page"),
    "commerce_account.orders": ("commerce_account", "orders", "account"),
    "commerce_account.commerce_orders": ("commerce_account", "commerce_orders", "account"),
    # As Meta's order guide draws it: the entry's id is the webhook's own, to tell repetitions.
    "webhook_id": ("commerce_account", "orders", "webhook"),
}


def tell(world: World, order: CommerceOrder, what: str) -> None:
    """Tell the apps of the order's Page that an order changed, if there are such webhooks."""
    shape = world.switches.order_webhooks
    if shape == "none":
        return
    if shape == "mixed":
        shape = world.random.choice(sorted(SHAPES))
    object_, field, whose = SHAPES[shape]
    entry_id = {"page": order.page_id, "account": order.account_id, "webhook": ""}[whose] or world.new_id()
    for app in _listeners(world, order, object_):
        value = {"order_id": order.id, "commerce_account_id": order.account_id, "event": what, "state": order.state}
        payload: dict[str, Any] = {"field": field, "value": value}
        world.outbox.tell(app, object_, entry_id, "changes", payload)


def _listeners(world: World, order: CommerceOrder, object_: str) -> list[Application]:
    """Return the apps that have a webhook of that object and are subscribed to the order's Page."""
    page = world.require(Page, order.page_id, name="page_id")
    return [world.apps[app_id] for app_id in page.fields_by_app if object_ in world.apps[app_id].subscriptions]
