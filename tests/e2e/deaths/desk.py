"""A store whose Page keeps its orders at Meta: what buyers and StormCom do there, and how far the connector came with it.

Each order is three pieces: one is shipped, one cancelled, and the price of the shipped one paid back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, LiteralString, cast

import psycopg

from client.call import Caller
from client.tour.simulation import Simulation
from stack.supervisor import Stack
from stormcom.facebook.v1.catalog_service_pb2 import UpsertProductsRequest
from stormcom.facebook.v1.connector_service_pb2 import GetStatusRequest
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import AckEventsRequest, PullEventsRequest
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.order_command_pb2 import (
    CANCEL_REASON_OUT_OF_STOCK,
    REFUND_REASON_DAMAGED_GOODS,
    RefundLine,
    Tracking,
)
from stormcom.facebook.v1.order_command_service_pb2 import CancelOrderRequest, FulfillOrderRequest, RefundOrderRequest
from stormcom.facebook.v1.order_pb2 import LineQuantity, Order
from stormcom.facebook.v1.order_service_pb2 import (
    AckOrderImportRequest,
    GetOrderRequest,
    PollOrdersRequest,
)
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ACTIVE, Product
from tests.e2e.storm.town import await_for, found, take_over

PIECES, PRICE, PAID_BACK = 3, "20.01", 2001
_WORK = ["POLL_ORDERS", "IMPORT_ORDERS", "READ_ORDER", "ACKNOWLEDGE_ORDERS", "SEND_ORDER_COMMANDS", "READ_CHANGES"]
# Looking for orders is periodic: between two looks it waits, and that is no work left.
_LEFT = """
    SELECT name, due_time, leased, reason FROM tasks WHERE connection_id = %(connection)s AND name = ANY (%(work)s)
    AND (name <> 'POLL_ORDERS' OR leased OR due_time <= now())
"""
_BURY = """
    WITH left_behind AS (UPDATE tasks SET due_time = now() WHERE leased RETURNING name)
    SELECT pg_notify('tasks_due', name) FROM left_behind
"""
_EAR = """SELECT 1 FROM pg_stat_activity WHERE query = 'LISTEN "tasks_due"' AND backend_start > %(since)s"""
_PASS = (
    "UPDATE order_commands SET retry_time = now() WHERE connection_id = %(connection)s AND retry_time > now() RETURNING id",
    """
    UPDATE orders SET acknowledge_due_time = now() WHERE connection_id = %(connection)s AND acknowledge_due_time > now()
    RETURNING id
    """,
    """
    WITH due AS (
        UPDATE tasks SET due_time = now() WHERE connection_id = %(connection)s AND name = ANY (%(work)s)
        AND name <> 'POLL_ORDERS' AND NOT leased AND due_time > now() RETURNING name
    ) SELECT pg_notify('tasks_due', name) FROM due
    """,
)
_IMPORT_STATES = "SELECT 1 FROM orders WHERE external_order_id = %(order)s AND import_state = %(state)s"
_ENDED = "SELECT 1 FROM order_commands WHERE external_order_id = %(order)s AND kind = %(kind)s AND end_time IS NOT NULL"


class Step(StrEnum):
    """What is done with an order, in this order."""

    IMPORT = "import"
    ACKNOWLEDGE = "acknowledge"
    SHIP = "ship"
    CANCEL = "cancel"
    REFUND = "refund"


_ENDS: dict[Step, tuple[LiteralString, dict[str, str]]] = {
    Step.IMPORT: (_IMPORT_STATES, {"state": "IMPORTING"}),
    Step.ACKNOWLEDGE: (_IMPORT_STATES, {"state": "ACKNOWLEDGED"}),
    Step.SHIP: (_ENDED, {"kind": "FULFILL"}),
    Step.CANCEL: (_ENDED, {"kind": "CANCEL"}),
    Step.REFUND: (_ENDED, {"kind": "REFUND"}),
}


@dataclass(slots=True)
class Desk:
    """One store, its Meta and its tables; `orders` are Meta's ids of all its orders, `heard` the events StormCom was told."""

    caller: Caller
    simulation: Simulation
    page_id: str
    database: psycopg.Connection
    connection_id: str
    retailer_id: str
    orders: list[str] = field(default_factory=list)
    heard: dict[str, Event] = field(default_factory=dict)

    @classmethod
    def open(cls, stack: Stack, number: int) -> "Desk":
        """Connect a new store and take its Page's orders over; a worker has to live."""
        simulation, town = Simulation(stack.simulator_url), found(stack, number, stores=1, page={"orders": "kept"})
        (caller,), (page_id,) = town.callers, town.people
        simulation._ask("PATCH", f"/_simulator/pages/{page_id}/shop", {})
        connection = caller.call(caller.connector.GetStatus, GetStatusRequest()).status.connection
        (offered,) = caller.call(caller.catalog.UpsertProducts, UpsertProductsRequest(products=[_WARE])).results
        (retailer_id,) = offered.retailer_ids
        take_over(caller)
        database = psycopg.connect(stack.servers.database_url, autocommit=True)
        desk = cls(caller, simulation, page_id, database, connection.connection_id, retailer_id)
        await_for("the first look", lambda: not desk.left())
        return desk

    def close(self) -> None:
        """Leave it to itself."""
        self.database.close()
        self.caller.channel.close()

    def begin(self, step: Step, order: str = "") -> str:
        """Have a step begun, with a new order or a known one; return Meta's id of it."""
        if step is Step.IMPORT:
            order = self._buy()
        else:
            self._wish(step, self.look_up(order))
        return order

    def _buy(self) -> str:
        lines = [{"retailer_id": self.retailer_id, "quantity": PIECES, "price": PRICE}]
        # Old enough that nothing new is expected of it: it is not read again without need.
        document = {"lines": lines, "processing_seconds": 0, "age_seconds": 60}
        (order,) = self.simulation._ask("POST", f"/_simulator/pages/{self.page_id}/orders", document)["order_ids"]
        self.orders.append(order)
        self.caller.call(self.caller.orders.PollOrders, PollOrdersRequest(connection_id=self.connection_id))
        return str(order)

    def look_up(self, order: str) -> Order:
        """Tell an order as the connector knows it."""
        return self.caller.call(self.caller.orders.GetOrder, GetOrderRequest(external_order_id=order)).order

    def _wish(self, step: Step, order: Order) -> None:
        (line,) = order.lines
        name, one = order.order_id, [LineQuantity(line_id=line.line_id, quantity=1)]
        commands, call = self.caller.order_commands, self.caller.call
        match step:
            case Step.ACKNOWLEDGE:
                created, ours = AckOrderImportRequest.OUTCOME_CREATED, local(order.external_order_id)
                answer = AckOrderImportRequest(order_id=name, outcome=created, local_order_id=ours)
                call(self.caller.orders.AckOrderImport, answer)
            case Step.SHIP:
                tracking = Tracking(carrier="dhl", tracking_number="T-1")
                ship = FulfillOrderRequest(order_id=name, shipment_id="parcel", lines=one, tracking=tracking)
                call(commands.FulfillOrder, ship)
            case Step.CANCEL:
                cancel = CancelOrderRequest(order_id=name, lines=one, reason=CANCEL_REASON_OUT_OF_STOCK, restock=True)
                call(commands.CancelOrder, cancel)
            case Step.REFUND:
                lines = [RefundLine(line_id=line.line_id, quantity=1)]
                call(commands.RefundOrder, RefundOrderRequest(order_id=name, lines=lines, reason=REFUND_REASON_DAMAGED_GOODS))  # fmt: skip
            case _:
                raise ValueError(f"{step} is the buyer's")

    def done(self, step: Step, order: str) -> bool:
        """Tell whether a step is over, and whatever follows from it."""
        query, named = _ENDS[step]
        return bool(self._ask(query, order=order, **named)) and not self.left()

    def left(self) -> list[tuple[Any, ...]]:
        """List the work with orders that is left, be it for later."""
        return self._ask(_LEFT)

    def bury(self) -> datetime:
        """Let the time pass after which a dead worker's work is another's; no worker may live. Tells the time."""
        self._ask(_BURY)
        ((now,),) = self._ask("SELECT clock_timestamp()")
        return cast("datetime", now)

    def heeded(self, *, since: datetime) -> bool:
        """Tell whether a crew that began since then listens for work."""
        return bool(self._ask(_EAR, since=since))

    def pass_time(self) -> None:
        """Let the time pass after which what waits is tried again."""
        for query in _PASS:
            self._ask(query)

    def _ask(self, query: LiteralString, **named: str | datetime) -> list[tuple[Any, ...]]:
        told = {"connection": self.connection_id, "work": _WORK, **named}
        return self.database.execute(query, told).fetchall()

    def listen(self) -> None:
        """Take all events there are, and acknowledge them."""
        pull = partial(self.caller.call, self.caller.events.PullEvents)
        while events := pull(PullEventsRequest(max_events=500, lease_seconds=60)).events:
            self.heard |= {event.event_id: event for event in events}
            ids = [event.event_id for event in events]
            self.caller.call(self.caller.events.AckEvents, AckEventsRequest(event_ids=ids))


def local(order: str) -> str:
    """Tell StormCom's id of an order of Meta's."""
    return f"sc-{order}"


_WARE = Product(
    product_id="lamp",
    source_version=1,
    status=PRODUCT_STATUS_ACTIVE,
    title="Lamp",
    description="It shines.",
    link="https://shop.example/lamp",
    image_links=["https://cdn.example/lamp.jpg"],
    brand="Nodi",
    price=Money(currency_code="USD", minor_units=PAID_BACK),
    track_inventory=True,
    quantity=1_000_000,
)
