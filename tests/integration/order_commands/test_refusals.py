"""What cannot be is refused with its reason: by us before Meta is asked, by Meta as a command that failed."""

from typing import Any

import grpc
import pytest

from stormcom.facebook.v1 import money_pb2, order_command_pb2, order_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.order_commands.conftest import DHL, Command, Desk

ENDS = {
    "ORDER_CHANGED_AT_META": (
        2361009, 1818111, 1818105, 1818015, 1818050, 1818048, 1818049, 1818214, 1818215, 2382319, 2382323, 2361003, 803,
    ),
    "ORDER_NOT_CHARGED": (1818107,),
    "ORDER_LINE_UNKNOWN": (2382021, 2382324),
    "REFUND_EXCEEDED": (2382022, 2382326, 2382023, 2361091),
    "REFUND_EMPTY": (2382030, 2382325),
    "QUANTITY_EXCEEDED": (2361357, 2382322),
    "TRACKING_REPEATED": (2382045,),
    "SHIPMENT_ORIGIN_INVALID": (2361084,),
    "META_REJECTED": (2361086, 100),
    "ORDERS_MANAGED_ELSEWHERE": (2361126, 2361163),
    "COMMERCE_ACCOUNT_DISABLED": (2382052,),
}  # fmt: skip


async def test_every_code_of_metas_becomes_a_reason(desk: Desk) -> None:
    """Whatever Meta refuses a command with, in either place of its answer, fails it with a reason and words; nothing is done."""
    codes = [(code, reason) for reason, members in ENDS.items() for code in members]
    order = await desk.bought(pieces=len(codes))
    for place, (code, _) in enumerate(codes):
        numbers: dict[str, Any] = {"code": code} if place % 2 or code < 1000 else {"code": -1, "subcode": code}
        await desk.fail("error", status=400, message="no", **numbers)
        await desk.cancel(order, 1)
    await desk.mall.turn()
    listed = await desk.commands.ListCommands(pb.ListCommandsRequest(store_id=STORE, state=Command.STATE_FAILED))
    found = [(one.problem.reason, bool(one.problem.message)) for one in reversed(listed.commands)]
    assert [(reason, True) for _, reason in codes] == found
    assert [] == desk.effects("cancel")


@pytest.mark.parametrize(
    ("code", "pauses", "reason"),
    [(2361081, (30, 60), "ORDER_BUSY"), (2361076, (600,), "ORDER_NOT_CHARGED")],
)
async def test_what_passes_is_tried_again_under_new_keys(
    desk: Desk, code: int, pauses: tuple[int, ...], reason: str
) -> None:
    """Another change under way, or a buyer not charged yet: the command waits, says why, and succeeds when it can."""
    order = await desk.bought(pieces=1)
    await desk.fail("error", len(pauses), status=400, code=code, message="later", transient=True)
    command = await desk.done(await desk.cancel(order))
    for tries, seconds in enumerate(pauses, 1):
        assert (Command.STATE_WAITING, reason, tries) == (command.state, command.problem.reason, command.try_count)
        desk.mall.clock.advance(seconds=seconds + 1)
        command = await desk.done(command)
    assert (Command.STATE_SUCCEEDED, False) == (command.state, command.HasField("problem"))
    assert len(pauses) + 1 == len(set(await desk.keys(command)))


async def test_a_command_is_given_up_and_tried_again(desk: Desk) -> None:
    """After five tries it failed; RetryCommand gives it another life, under a new key, and what is over cannot be moved."""
    order = await desk.bought(pieces=1)
    await desk.fail("error", 5, status=500, code=2, message="down")
    command = await desk.ship(order, tracking=DHL)
    for _ in range(5):
        command = await desk.done(command)
        desk.mall.clock.advance(minutes=21)
    assert (Command.STATE_FAILED, "META_UNAVAILABLE", 5) == (command.state, command.problem.reason, command.try_count)
    named = {"store_id": STORE, "command_id": command.command_id, "request_id": "retry"}
    assert Command.STATE_WAITING == (await desk.commands.RetryCommand(pb.RetryCommandRequest(**named))).command.state
    command = await desk.done(command)
    assert (Command.STATE_SUCCEEDED, 6) == (command.state, command.try_count)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await desk.commands.RetryCommand(pb.RetryCommandRequest(**named | {"request_id": "late"}))
    assert ("COMMAND_STATE_INVALID",) == reason_of(refused.value)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await desk.commands.CancelCommand(pb.CancelCommandRequest(**named | {"request_id": "later"}))
    assert ("COMMAND_STATE_INVALID",) == reason_of(refused.value)
    listed = await desk.commands.ListCommands(
        pb.ListCommandsRequest(store_id=STORE, order_id=order.order_id, page_size=1)
    )
    assert [command.command_id] == [one.command_id for one in listed.commands]


async def test_a_command_is_taken_back(desk: Desk) -> None:
    """One that waits is cancelled before Meta hears of it, and its pieces are free again."""
    order = await desk.bought(pieces=1)
    waiting = await desk.ship(order)
    named = {"store_id": STORE, "command_id": waiting.command_id, "request_id": "back"}
    assert (
        Command.STATE_CANCELLED == (await desk.commands.CancelCommand(pb.CancelCommandRequest(**named))).command.state
    )
    assert Command.STATE_SUCCEEDED == (await desk.done(await desk.cancel(order))).state
    assert [] == desk.effects("ship")


async def test_illegal_moves_never_reach_meta(desk: Desk) -> None:
    """Shipping before the acknowledgement, more than is left, what was shipped or was not: refused by name, and Meta is not asked."""
    fresh = await desk.mall.bought()
    order = await desk.bought()
    await desk.done(await desk.ship(order, 2, tracking=DHL))
    await desk.cancel(order, 1)
    calls = len(desk.mall.world.records.calls)
    line_id = order.lines[0].line_id
    wrong = [
        (desk.ship(fresh), "ORDER_STATE_INVALID"),
        (desk.refund(fresh, everything=True), "ORDER_STATE_INVALID"),
        (desk.ship(order, 1, shipment_id="s2"), "QUANTITY_EXCEEDED"),
        (desk.cancel(order), "QUANTITY_EXCEEDED"),
        (desk.refund(order, 3), "QUANTITY_EXCEEDED"),
        (desk.refund(order, lines=[order_command_pb2.RefundLine(line_id=line_id, amount=_money(4001))]), "REFUND_EXCEEDED"),
        (desk.refund(order, lines=[order_command_pb2.RefundLine(line_id=line_id, amount=_money(1, "EUR"))]), "CURRENCY_MISMATCH"),
        (desk.refund(order, lines=[order_command_pb2.RefundLine(line_id="9", quantity=1)]), "ORDER_LINE_UNKNOWN"),
        (desk.refund(order, reason=0), "FIELD_REQUIRED"),
        (desk.refund(order), "FIELD_REQUIRED"),
        (desk.ship(order, shipment_id="a b"), "FIELD_INVALID"),
        (desk.ship(order, origin=order_pb2.PostalAddress(city="Dhaka")), "FIELD_REQUIRED"),
    ]  # fmt: skip
    for asked, reason in wrong:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await asked
        assert (reason,) == reason_of(refused.value)
    assert calls == len(desk.mall.world.records.calls)


async def test_the_same_wish_is_one_command(desk: Desk) -> None:
    """A request_id answers the same command again, waits for it when asked to, and is refused for another wish."""
    order = await desk.bought()
    request = pb.CancelOrderRequest(
        **desk.wish(order), lines=[order_pb2.LineQuantity(line_id=order.lines[0].line_id, quantity=1)]
    )
    first = (await desk.commands.CancelOrder(request)).command
    assert first == (await desk.commands.CancelOrder(request)).command
    request.lines[0].quantity = 2
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await desk.commands.CancelOrder(request)
    assert ("REQUEST_ID_REUSED",) == reason_of(refused.value)


def _money(minor_units: int, currency: str = "USD") -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, minor_units=minor_units)
