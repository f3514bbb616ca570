"""What StormCom does with an order reaches Meta once, and what came of it is known by Meta's own word."""

from stormcom.facebook.v1 import money_pb2, order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from tests.integration.conftest import STORE
from tests.integration.order_commands.conftest import DHL, Command, Desk, Order


def _money(minor_units: int, currency: str = "USD") -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, minor_units=minor_units)


async def test_a_shipment_reaches_meta(desk: Desk) -> None:
    """Pieces are shipped under StormCom's id, with carrier and number, and the line counts them; the rest and a new number follow."""
    order = await desk.bought()
    command = await desk.ship(order, 2, tracking=DHL)
    assert (Command.STATE_WAITING, 0, "p1") == (command.state, command.try_count, command.lines[0].retailer_id)
    command = await desk.done(command)
    assert (Command.STATE_SUCCEEDED, 1) == (command.state, command.try_count)
    rest = await desk.ship(order, shipment_id="s2")
    better = order_command_pb2.Tracking(carrier="Pathao", tracking_number="T-2")
    request = pb.UpdateShipmentRequest(**desk.wish(order), shipment_id="s1", tracking=better)
    update = (await desk.commands.UpdateShipment(request)).command
    await desk.mall.turn()
    assert [1] == [one.quantity for one in rest.lines]
    assert Command.STATE_SUCCEEDED == (await desk.now(update)).state
    shipments = desk.mall.meta(order.external_order_id).shipments
    assert [("s1", "other", "T-2", "Pathao"), ("s2", "other", "", "")] == [
        (one.external_shipment_id, one.carrier, one.tracking_number, one.shipping_method_name) for one in shipments
    ]
    assert 3 == (await desk.mall.get(order.external_order_id)).lines[0].shipped_quantity
    told = [one["command"] for one in await desk.mall.told("order_command_changed")]
    assert [(command.command_id, "STATE_SUCCEEDED")] == [(one["command_id"], one["state"]) for one in told[:1]]
    assert 3 == len(told)


async def test_pieces_are_cancelled(desk: Desk) -> None:
    """Some pieces are cancelled, restocked and with words, then all that are left."""
    order = await desk.bought()
    reason = order_command_pb2.CANCEL_REASON_OUT_OF_STOCK
    some = await desk.cancel(order, 1, reason=reason, description="Gone", restock=True)
    rest = await desk.cancel(order)
    await desk.mall.turn()
    assert [Command.STATE_SUCCEEDED] * 2 == [(await desk.now(one)).state for one in (some, rest)]
    assert [("OUT_OF_STOCK", "Gone", True, 1), ("CANCEL_REASON_OTHER", "", False, 2)] == [
        (one.reason_code, one.reason_description, one.restock, one.units[0].quantity)
        for one in desk.mall.meta(order.external_order_id).cancellations
    ]
    await desk.mall.look()
    after = await desk.mall.get(order.external_order_id)
    assert (3, Order.STATE_CANCELLED) == (after.lines[0].cancelled_quantity, after.state)
    assert [some.command_id, rest.command_id] == [one["command_id"] for one in await desk.mall.told("order_cancelled")]


async def test_money_goes_back(desk: Desk) -> None:
    """Pieces, an amount and shipping less a deduction go back, each once and to the minor unit; then everything else."""
    order = await desk.shipped(shipping={"price": "5.00", "tax": "0.40"})
    line_id = order.lines[0].line_id
    amount = [order_command_pb2.RefundLine(line_id=line_id, amount=_money(777))]
    pieces = await desk.done(await desk.refund(order, 1))
    partial = await desk.done(await desk.refund(order, lines=amount, return_shipping_deduction=_money(100)))
    shipping = await desk.done(await desk.refund(order, shipping_amount=_money(200)))
    rest = await desk.done(await desk.refund(order, everything=True))
    meta = desk.mall.meta(order.external_order_id)
    assert [one.total for one in meta.refunds] == [one.amount.minor_units for one in (pieces, partial, shipping, rest)]
    assert (2050, 777 + 19 - 100, 216) == (
        pieces.amount.minor_units,
        partial.amount.minor_units,
        shipping.amount.minor_units,
    )
    assert 3 * 2000 + 150 + 540 - 100 == sum(one.total for one in meta.refunds)
    await desk.mall.look()
    told = await desk.mall.told("order_refunded")
    assert [one.command_id for one in (pieces, partial, shipping, rest)] == [one["command_id"] for one in told]


async def test_pounds_hold_their_tax(desk: Desk) -> None:
    """In pounds all of shipping goes back with its tax inside."""
    lines = [{"retailer_id": "p1", "quantity": 1, "price": "20.00"}]
    order = await desk.shipped(lines=lines, currency="GBP", shipping={"price": "5.00", "tax": "0.40"})
    amounts = {"shipping_amount": _money(500, "GBP"), "shipping_tax_amount": _money(40, "GBP")}
    assert 540 == (await desk.done(await desk.refund(order, **amounts))).amount.minor_units


async def test_an_acknowledgement_is_tried_again(desk: Desk) -> None:
    """An order whose acknowledgement Meta refused five times is acknowledged when somebody asks for it."""
    order = await desk.mall.bought()
    await desk.mall.answer(order, "sc-9")
    await desk.fail("error", 5, path="/acknowledge_orders$", code=2, message="down")
    for _ in range(5):
        await desk.mall.turn()
        desk.mall.clock.advance(minutes=21)
    assert Order.IMPORT_STATE_QUARANTINED == (await desk.mall.get(order.external_order_id)).import_state
    request = pb.AcknowledgeOrdersRequest(store_id=STORE, order_ids=[order.order_id], request_id="again")
    told = await desk.commands.AcknowledgeOrders(request)
    await desk.mall.turn()
    assert Command.STATE_SUCCEEDED == (await desk.now(told.commands[0])).state
    assert "sc-9" == desk.mall.meta(order.external_order_id).merchant_order_id
    assert Order.IMPORT_STATE_ACKNOWLEDGED == (await desk.mall.get(order.external_order_id)).import_state
