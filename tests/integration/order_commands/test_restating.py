"""StormCom says how far each line is, and Meta does what is missing, once."""

import grpc
import pytest

from stormcom.facebook.v1 import order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from tests.integration.catalog.shop import reason_of
from tests.integration.order_commands.conftest import DHL, Command, Desk, Order


async def restate(desk: Desk, order: Order, **totals: int) -> Command:
    """Say totals of an order's only line."""
    line = order_command_pb2.LineTotals(line_id=order.lines[0].line_id, **totals)
    request = pb.RestateOrderRequest(
        **desk.wish(order),
        lines=[line],
        tracking=DHL,
        cancel_reason=order_command_pb2.CANCEL_REASON_OUT_OF_STOCK,
        refund_reason=order_command_pb2.REFUND_REASON_DAMAGED_GOODS,
    )
    return (await desk.commands.RestateOrder(request)).command


async def test_what_is_missing_is_done(desk: Desk) -> None:
    """Totals become a parcel, a cancellation and a refund with their words; the same totals again change nothing."""
    order = await desk.bought(pieces=4)
    command = await desk.done(await restate(desk, order, shipped_quantity=2, cancelled_quantity=1))
    assert (Command.STATE_SUCCEEDED, [3]) == (command.state, [one.quantity for one in command.lines])
    line = (await desk.mall.get(order.external_order_id)).lines[0]
    assert (2, 1) == (line.shipped_quantity, line.cancelled_quantity)
    again = await desk.done(await restate(desk, order, shipped_quantity=2, refunded_quantity=1))
    assert Command.STATE_SUCCEEDED == again.state
    meta = desk.mall.meta(order.external_order_id)
    assert [("dhl", "T-1")] == [(one.carrier, one.tracking_number) for one in meta.shipments]
    assert ["OUT_OF_STOCK"] == [one.reason_code for one in meta.cancellations]
    assert [(1, "DAMAGED_GOODS")] == [(one.lines[0].quantity, one.reason_code) for one in meta.refunds]
    await desk.mall.look()
    assert 1 == (await desk.mall.get(order.external_order_id)).lines[0].refunded_quantity


async def test_a_lost_answer_does_nothing_twice(desk: Desk) -> None:
    """Whether Meta did it or not before its answer was lost: what is missing is done once, without a key."""
    orders, commands = [], []
    for fault in ("drop_answer", "drop_before", "garbage"):
        orders.append(await desk.bought())
        await desk.fail(fault, path="/item_updates$")
        commands.append(await desk.done(await restate(desk, orders[-1], shipped_quantity=1, cancelled_quantity=1)))
    assert await desk.settled(commands) <= {Command.STATE_SUCCEEDED, Command.STATE_ALREADY_DONE}
    items = [desk.mall.meta(order.external_order_id).items[0] for order in orders]
    assert [(1, 1)] * 3 == [(item.fulfilled, item.cancelled) for item in items]
    assert (3, 3) == (len(desk.effects("ship")), len(desk.effects("cancel")))


async def test_what_never_arrived_is_told_again_when_asked_for(desk: Desk) -> None:
    """Five attempts without an answer are given up; RetryCommand looks whether the last one counted, and then tells it once more."""
    order = await desk.bought()
    await desk.fail("drop_before", 5, path="/item_updates$")
    command = await restate(desk, order, shipped_quantity=1)
    assert {Command.STATE_FAILED} == await desk.settled([command])
    assert "META_OUTCOME_UNKNOWN" == (await desk.now(command)).problem.reason
    await desk.commands.RetryCommand(pb.RetryCommandRequest(**desk.named(command)))
    assert Command.STATE_SUCCEEDED == (await desk.done(command)).state
    assert 1 == len(desk.effects("ship"))


async def test_totals_stand_alone(desk: Desk) -> None:
    """Beside anything else that waits they would count what is not done: they are refused, and so is what comes beside them."""
    order = await desk.bought()
    parcel = await desk.ship(order, 1)
    with pytest.raises(grpc.aio.AioRpcError) as beside:
        await restate(desk, order, shipped_quantity=2)
    await desk.done(parcel)
    await restate(desk, order, shipped_quantity=2)
    with pytest.raises(grpc.aio.AioRpcError) as after:
        await desk.cancel(order)
    assert [("ORDER_BUSY",)] * 2 == [reason_of(one.value) for one in (beside, after)]


IMPOSSIBLE: dict[str, tuple[dict[str, int], ...]] = {
    "QUANTITY_DECREASED": ({"shipped_quantity": 1},),
    "QUANTITY_EXCEEDED": ({"shipped_quantity": 3, "cancelled_quantity": 1}, {"refunded_quantity": 3}),
    "FIELD_REQUIRED": ({},),
    "FIELD_INVALID": ({"shipped_quantity": -1},),
}


async def test_totals_that_cannot_be_are_refused(desk: Desk) -> None:
    """Fewer than are done, more than were ordered, refunds of what was not shipped, nothing at all: each has its reason."""
    order = await desk.bought()
    await desk.done(await desk.ship(order, 2))
    for reason, wishes in IMPOSSIBLE.items():
        for totals in wishes:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await restate(desk, order, **totals)
            assert (reason,) == reason_of(refused.value), totals
    assert 1 == len(desk.effects("ship"))
