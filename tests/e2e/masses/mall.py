"""Stores whose Pages keep their orders at Meta, buyers who order there by the thousand, and the staff who answer and ship.

Who asks for something keeps it in `Sold`; the reckoning compares it with what Meta holds and with what was told.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from client.call import Caller
from client.tour.simulation import Simulation
from stack.supervisor import Stack
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.order_command_pb2 import CANCEL_REASON_OUT_OF_STOCK, REFUND_REASON_DAMAGED_GOODS, RefundLine
from stormcom.facebook.v1.order_command_service_pb2 import CancelOrderRequest, FulfillOrderRequest, RefundOrderRequest
from stormcom.facebook.v1.order_pb2 import LineQuantity, Order
from stormcom.facebook.v1.order_service_pb2 import (
    AckOrderImportRequest,
    ListOrdersRequest,
    PollOrdersRequest,
)
from tests.e2e.masses.hours import Hours
from tests.e2e.storm.town import found, take_over

CALLERS = 8
SHIPPED, CANCELLED = 2, 1
"""Pieces of the first line; of the second, all are shipped."""


@dataclass(slots=True)
class Sold:
    """An order, what StormCom asked for it, and what that must come to: minor units that go back for each line."""

    order: Order
    commands: dict[str, str] = field(default_factory=dict)
    refunds: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shop:
    """One store, its Page, and its account at Meta."""

    caller: Caller
    page_id: str
    account_id: str

    def orders(self) -> Iterator[Order]:
        """List the store's orders."""
        return self.caller.list_all(self.caller.orders.ListOrders, ListOrdersRequest(page_size=200), field="orders")

    def take(self, order: Order) -> None:
        """Make an order of it, as StormCom does."""
        said = AckOrderImportRequest.OUTCOME_CREATED
        request = AckOrderImportRequest(
            order_id=order.order_id, outcome=said, local_order_id=f"sc-{order.external_order_id}"
        )
        self.caller.call(self.caller.orders.AckOrderImport, request)

    def ship_and_cancel(self, sold: Sold) -> None:
        """Ship most of an order, and cancel a piece."""
        first, second = sold.order.lines
        lines = [
            LineQuantity(line_id=first.line_id, quantity=SHIPPED),
            LineQuantity(line_id=second.line_id, quantity=second.quantity),
        ]
        ship = FulfillOrderRequest(order_id=sold.order.order_id, shipment_id="s1", lines=lines)
        done = self.caller.call(self.caller.order_commands.FulfillOrder, ship).command
        one = LineQuantity(line_id=first.line_id, quantity=CANCELLED)
        reason = CANCEL_REASON_OUT_OF_STOCK
        cancel = CancelOrderRequest(order_id=sold.order.order_id, reason=reason, lines=[one])
        undone = self.caller.call(self.caller.order_commands.CancelOrder, cancel).command
        sold.commands |= {"ship": done.command_id, "cancel": undone.command_id}

    def refund(self, sold: Sold, noise: random.Random) -> None:
        """Pay a part back: pieces of the first line or an amount for it, and an amount for the second."""
        first, second = sold.order.lines
        price = first.unit_price.minor_units
        pieces, part = noise.randint(0, SHIPPED), noise.randint(1, SHIPPED * price)
        small = noise.randint(1, second.unit_price.minor_units)
        lines = [
            RefundLine(line_id=first.line_id, quantity=pieces)
            if pieces
            else RefundLine(line_id=first.line_id, amount=Money(currency_code="USD", minor_units=part)),
            RefundLine(line_id=second.line_id, amount=Money(currency_code="USD", minor_units=small)),
        ]
        wish = RefundOrderRequest(order_id=sold.order.order_id, reason=REFUND_REASON_DAMAGED_GOODS, lines=lines)
        command = self.caller.call(self.caller.order_commands.RefundOrder, wish).command
        sold.commands["refund"] = command.command_id
        sold.refunds = [pieces * price or part, small]


@dataclass(frozen=True, slots=True)
class Mall:
    """Shops, and their hours."""

    simulation: Simulation
    shops: Sequence[Shop]
    hours: Hours

    @classmethod
    def open(cls, stack: Stack, number: int, *, shops: int) -> "Mall":
        """Open so many shops, and take their orders over; malls of other numbers share nothing with it."""
        simulation = Simulation(stack.simulator_url)
        town = found(stack, number, stores=shops, page={"orders": "kept"})
        opened = [_open(simulation, caller, page_id) for caller, page_id in zip(town.callers, town.people, strict=True)]
        return cls(simulation, opened, Hours(stack.servers.database_url, [shop.caller.store_id for shop in opened]))

    def place(self, shop: Shop, **document: Any) -> list[str]:
        """Let buyers order in a shop; tells Meta's ids."""
        answer = self.simulation._ask("POST", f"/_simulator/pages/{shop.page_id}/orders", document)
        return list(answer["order_ids"])

    def look(self, *, seconds: float) -> None:
        """Have orders looked for, and wait until all that follows is done."""
        for shop in self.shops:
            shop.caller.call(shop.caller.orders.PollOrders, PollOrdersRequest())
        self.hours.wait_until_quiet(seconds=seconds)

    def together(self, doings: Iterable[Any]) -> None:
        """Let several people do things side by side."""
        with ThreadPoolExecutor(CALLERS) as threads:
            for done in [threads.submit(doing) for doing in doings]:
                done.result()


def _open(simulation: Simulation, caller: Caller, page_id: str) -> Shop:
    shown = simulation._ask("PATCH", f"/_simulator/pages/{page_id}/shop", {})
    take_over(caller)
    return Shop(caller, page_id, str(shown["id"]))
