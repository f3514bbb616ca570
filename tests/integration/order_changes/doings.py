"""What people do to orders at Meta, without us: the merchant ships, the buyer cancels and sends back, Meta pays back."""

from typing import Any

from simulator.orders import book
from simulator.orders.shipping import ship as send_parcel
from simulator.orders.state import Units
from tests.integration.orders.conftest import Mall, Order

LAMPS = [{"retailer_id": "sc_p1", "quantity": 3, "price": "20.00", "tax": "3.00"}]


async def taken(mall: Mall, local_order_id: str = "local-1", **document: Any) -> Order:
    """Let a buyer order something that StormCom makes an order of, and Meta is told."""
    order = await mall.bought(**{"lines": LAMPS} | document)
    await mall.answer(order, local_order_id)
    await mall.turn()
    return await mall.get(order.external_order_id)


def ship(mall: Mall, order: Order, *quantities: int) -> None:
    """Let the merchant ship pieces of the lines at Meta; all that is open unless said otherwise."""
    there = mall.meta(order.external_order_id)
    wanted = quantities or tuple(item.open for item in there.items)
    units = [Units(item, count) for item, count in zip(there.items, wanted, strict=False) if count]
    send_parcel(mall.world, there, units, ("", "", ""))
    book.change(mall.world, there, state=book.complete(there), what="shipped")


async def act(mall: Mall, order: Order, what: str, **document: Any) -> None:
    """Let the buyer or Meta act (`by`): cancel, refund, return."""
    await mall.control("POST", f"/orders/{order.external_order_id}/{what}", document)


def pieces(order: Order, *quantities: int, name: str = "quantity") -> list[dict[str, Any]]:
    """Name pieces of an order's lines in Meta's words."""
    return [
        {"item_id": line.line_id, name: count}
        for line, count in zip(order.lines, quantities, strict=False)
        if count
    ]  # fmt: skip
