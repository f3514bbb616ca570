"""What StormCom does with an order reaches Meta once, and what came of it is known by Meta's own word."""

from stormcom.facebook.v1 import money_pb2, order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from tests.integration.conftest import STORE
from tests.integration.order_commands.conftest import DHL, Command, Desk


async def test_a_shipment_reaches_meta(desk: Desk) -> None:
    """Pieces are shipped under StormCom's id, with carrier and number, and the line counts them."""
    order = await desk.bought()
    command = await desk.ship(order, 2, tracking=DHL)
    assert (Command.STATE_WAITING, 0, "p1") == (command.state, command.try_count, command.lines[0].retailer_id)
    command = await desk.done(command)
    assert (Command.STATE_SUCCEEDED, 1) == (command.state, command.try_count)
    (shipment,) = desk.mall.meta(order.external_order_id).shipments
    assert ("s1", "dhl", "T-1") == (shipment.external_shipment_id, shipment.carrier, shipment.tracking_number)
    assert 2 == (await desk.mall.get(order.external_order_id)).lines[0].shipped_quantity
    (told,) = await desk.mall.told("order_command_changed")
    assert ("STATE_SUCCEEDED", command.command_id) == (told["command"]["state"], told["command"]["command_id"])
