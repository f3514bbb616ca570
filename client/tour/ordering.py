"""The tour's orders of Meta's own checkout: taken over, brought in, acknowledged, shipped, paid back, cancelled, sent back."""

from client.output import word
from client.tour.script import Listener, Stopwatch, Tour
from client.tour.selling import read_status
from client.tour.shelf import Shelf, times
from stormcom.facebook.v1.connection_pb2 import Capability
from stormcom.facebook.v1.event_pb2 import ORDER_ACTOR_STORMCOM, Event, ReturnChanged
from stormcom.facebook.v1.order_command_pb2 import (
    CANCEL_REASON_OUT_OF_STOCK,
    REFUND_REASON_DAMAGED_GOODS,
    OrderCommand,
    RefundLine,
    Return,
    Tracking,
)
from stormcom.facebook.v1.order_command_service_pb2 import (
    CancelOrderRequest,
    FulfillOrderRequest,
    RefundOrderRequest,
    ResolveReturnRequest,
)
from stormcom.facebook.v1.order_pb2 import LineQuantity, Order
from stormcom.facebook.v1.order_service_pb2 import (
    AckOrderImportRequest,
    AssociateOrderManagementRequest,
    OrderManagement,
    PollOrdersRequest,
)

WAIT_SECONDS = 20


def manage(tour: Tour) -> None:
    """Take the shop's orders over, once the connector has found out that Meta still answers for them here."""
    tour.step("Take over the orders of the Page's shop")
    tour.simulation.open_shop(tour.world)
    tour.wait_for(lambda: _answers(tour) or None, "Order management is found to answer, though Meta has ended it")
    request = AssociateOrderManagementRequest(connection_id=tour.connection_id)
    managed = tour.caller.call(tour.caller.orders.AssociateOrderManagement, request).order_management
    tour.require(managed.state == OrderManagement.STATE_OURS, f"The orders are ours: {word(managed, 'state')}")


def _answers(tour: Tour) -> bool:
    states = {one.kind: one.state for one in read_status(tour).connection.capabilities}
    return states.get(Capability.KIND_ORDER_MANAGEMENT) == Capability.STATE_ACTIVE


def bring_in(tour: Tour, listener: Listener, shelf: Shelf, pieces: int, local_order_id: str) -> Order:
    """Let a buyer order; answer as StormCom does: stock first, then the order; Meta must know in the end."""
    tour.step(f"A buyer orders {pieces} in Meta's checkout")
    watch, before = Stopwatch(), shelf.pieces
    name = tour.simulation.order(tour.world, shelf.retailer_id, pieces, shelf.currency())
    look(tour)
    event = listener.wait_for(lambda event: event.order_received.order.external_order_id == name)
    order = tour.require(event, "OrderReceived tells of it").order_received.order
    tour.note("Order at Meta → event", watch.read())
    (line,) = order.lines
    named = line.product_id, line.variant_id, line.quantity
    tour.expect(named == (shelf.product_id, shelf.variant_id, pieces), "Product, variant and pieces are StormCom's own")
    priced = shelf.costs(line.unit_price) and order.sums.total == times(line.unit_price, pieces)
    tour.expect(priced, "The price is the catalog's, and the sums add up to the last minor unit")
    tour.expect(tour.simulation.read_order(name)["state"] == "CREATED", "Meta waits: nothing is acknowledged yet")
    shelf.wait_for(before - pieces, "the order's are kept aside at once")
    shelf.count(before - pieces)
    answer = AckOrderImportRequest(
        order_id=order.order_id, outcome=AckOrderImportRequest.OUTCOME_CREATED, local_order_id=local_order_id
    )
    tour.caller.call(tour.caller.orders.AckOrderImport, answer)
    told = listener.wait_for(lambda event: event.order_acknowledged.order.order_id == order.order_id)
    tour.require(told, "OrderAcknowledged tells that Meta knows")
    held = tour.simulation.read_order(name)
    tour.expect(held["acknowledged"] and held["merchant_order_id"] == local_order_id, "Meta knows StormCom's id of it")
    shelf.wait_for(before - pieces, "the sale is counted once")
    return order


def look(tour: Tour) -> None:
    """Have orders looked for now, not in five minutes."""
    tour.caller.call(tour.caller.orders.PollOrders, PollOrdersRequest(connection_id=tour.connection_id))


def ship_and_pay_back(tour: Tour, listener: Listener, order: Order) -> None:
    """Ship everything, then pay one piece back."""
    tour.step("Ship it, and pay one piece back")
    commands, (line,) = tour.caller.order_commands, order.lines
    ship = FulfillOrderRequest(
        order_id=order.order_id, shipment_id="parcel_1", wait_seconds=WAIT_SECONDS,
        tracking=Tracking(carrier="dhl", tracking_number="T-1"),
    )  # fmt: skip
    _succeeded(tour, tour.caller.call(commands.FulfillOrder, ship).command)
    (item,) = tour.simulation.read_order(order.external_order_id)["items"]
    tour.expect(item["fulfilled"] == line.quantity, "All pieces are shipped at Meta")
    _pay_back(tour, listener, order)
    tour.expect(_refunded(tour, order) == line.unit_price.minor_units, "Meta paid back the price of one piece")


def _pay_back(tour: Tour, listener: Listener, order: Order, return_id: str = "") -> None:
    (line,) = order.lines
    wish = RefundOrderRequest(
        order_id=order.order_id, lines=[RefundLine(line_id=line.line_id, quantity=1)], wait_seconds=WAIT_SECONDS,
        reason=REFUND_REASON_DAMAGED_GOODS, return_id=return_id,
    )  # fmt: skip
    command = _succeeded(tour, tour.caller.call(tour.caller.order_commands.RefundOrder, wish).command)
    event = listener.wait_for(lambda event: event.order_refunded.command_id == command.command_id)
    told = tour.require(event, "OrderRefunded names our command").order_refunded
    tour.expect(told.total == command.amount == line.unit_price, "It tells what Meta paid, to the last minor unit")


def _refunded(tour: Tour, order: Order) -> int:
    return int(tour.simulation.read_order(order.external_order_id)["refunded_total"])


def cancel(tour: Tour, listener: Listener, shelf: Shelf, order: Order) -> None:
    """Cancel an order that is not shipped; its pieces are for sale again."""
    tour.step("Cancel an order")
    (line,) = order.lines
    wish = CancelOrderRequest(
        order_id=order.order_id, reason=CANCEL_REASON_OUT_OF_STOCK, restock=True, wait_seconds=WAIT_SECONDS
    )
    command = _succeeded(tour, tour.caller.call(tour.caller.order_commands.CancelOrder, wish).command)
    event = listener.wait_for(lambda event: event.order_cancelled.command_id == command.command_id)
    told = tour.require(event, "OrderCancelled names our command").order_cancelled
    pieces = [one.quantity for one in told.lines]
    tour.expect((pieces, told.actor) == ([line.quantity], ORDER_ACTOR_STORMCOM), "It tells all pieces, and by whom")
    state = tour.simulation.read_order(order.external_order_id)["items"][0]["cancelled"]
    tour.expect(state == line.quantity, "Meta has cancelled all pieces")
    shelf.count(shelf.pieces + line.quantity)
    shelf.wait_for(shelf.pieces, "the cancelled ones are for sale again")


def take_back(tour: Tour, listener: Listener, order: Order) -> None:
    """Let the buyer send a piece back: asked for, approved, paid back."""
    tour.step("The buyer sends a piece back")
    (line,) = order.lines
    before = _refunded(tour, order)
    tour.simulation.send_back(order.external_order_id, line.line_id, 1)
    look(tour)
    asked = _returned(tour, listener, order, Return.STATE_REQUESTED)
    pieces = [LineQuantity(line_id=one.line_id, quantity=one.quantity) for one in asked.order_return.lines]
    tour.expect(pieces == [LineQuantity(line_id=line.line_id, quantity=1)], "One piece of the order is to come back")
    return_id = asked.order_return.return_id
    wish = ResolveReturnRequest(
        order_id=order.order_id, return_id=return_id, answer=ResolveReturnRequest.ANSWER_APPROVE,
        wait_seconds=WAIT_SECONDS,
    )  # fmt: skip
    _succeeded(tour, tour.caller.call(tour.caller.order_commands.ResolveReturn, wish).command)
    _returned(tour, listener, order, Return.STATE_APPROVED)
    _pay_back(tour, listener, order, return_id=return_id)
    _returned(tour, listener, order, Return.STATE_REFUNDED)
    tour.expect(_refunded(tour, order) == before + line.unit_price.minor_units, "Meta paid it back once")


def _returned(tour: Tour, listener: Listener, order: Order, state: "Return.State.ValueType") -> ReturnChanged:
    def told(event: Event) -> bool:
        found = event.return_changed.order_return
        return (found.order_id, found.state) == (order.order_id, state)

    event = listener.wait_for(told)
    return tour.require(event, f"ReturnChanged tells {Return.State.Name(state)}").return_changed


def _succeeded(tour: Tour, command: OrderCommand) -> OrderCommand:
    """State that a command has ended well."""
    done = command.state == OrderCommand.STATE_SUCCEEDED
    text = f"Meta did it: {word(command, 'kind')} {word(command, 'state')} {command.problem.message}"
    return tour.require(command if done else None, text.rstrip())
