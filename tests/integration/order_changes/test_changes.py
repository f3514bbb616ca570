"""Cancellations, refunds and returns that others bring about: found by looking, told once each, with their lines and amounts."""

from itertools import permutations
from typing import TYPE_CHECKING, Any
from uuid import UUID

import grpc
import pytest

from connector.order_changes.actions.reading import Read, apply
from connector.order_changes.db import changes
from connector.order_changes.model.changes import Cancellation, Part, Refund
from connector.order_changes.model.returns import State as ReturnState
from connector.order_changes.model.returns import Told
from connector.orders.db import orders as orders_db
from stormcom.facebook.v1 import order_command_pb2, order_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from stormcom.facebook.v1.admin_service_pb2 import DeletePersonalDataRequest
from stormcom.facebook.v1.admin_service_pb2_grpc import FacebookAdminStub
from stormcom.facebook.v1.event_service_pb2 import PullEventsRequest
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsStub
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.order_changes.doings import LAMPS, act, pieces, ship, taken
from tests.integration.orders.conftest import Mall

if TYPE_CHECKING:
    from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsAsyncStub

Order, Return, Command = order_pb2.Order, order_command_pb2.Return, order_command_pb2.OrderCommand
THREE = [{"retailer_id": name, "quantity": 2, "price": "10.00", "tax": "1.00"} for name in ("sc_p1", "sc_p3", "sc_p1")]


@pytest.fixture
def commands(mall: Mall, channel: grpc.aio.Channel) -> "FacebookOrderCommandsAsyncStub":
    """The service, for the store of `mall`."""
    return FacebookOrderCommandsStub(channel)


def counted(body: dict[str, Any]) -> list[tuple[str, int]]:
    """Tell the products and pieces of an event's lines."""
    lines = [one.get("line", one) for one in body["lines"]]
    return [(one["product_id"], one["quantity"]) for one in lines]


async def returned(
    mall: Mall, commands: "FacebookOrderCommandsAsyncStub", **which: Any
) -> list[order_command_pb2.Return]:
    """List returns."""
    return list((await commands.ListReturns(pb.ListReturnsRequest(store_id=STORE, **which))).returns)


async def test_a_buyers_cancellation_is_told_once(mall: Mall) -> None:
    """Its pieces, product by product, its reason and the order as it is then; however often we look."""
    order = await taken(mall, lines=THREE)
    mall.clock.advance(seconds=5)
    await act(mall, order, "cancel", items=pieces(order, 1, 2), cancel_reason={"reason_code": "CUSTOMER_REQUESTED"})
    for _ in range(3):
        await mall.look()
    (told,) = await mall.told("order_cancelled")
    assert [("p1", 1), ("p3", 2)] == counted(told)
    assert ("CUSTOMER_REQUESTED", "ORDER_ACTOR_BUYER", "") == (told["reason"], told["actor"], told["command_id"])
    after = await mall.get(order.external_order_id)
    assert [1, 2, 0] == [line.cancelled_quantity for line in after.lines]
    assert [1, 2, 0] == [line["cancelled_quantity"] for line in told["order"]["lines"]]
    assert after.version == told["order"]["version"] > order.version


async def test_a_whole_cancellation_ends_the_order(mall: Mall) -> None:
    """An order all of whose pieces are cancelled is CANCELLED, told with the pieces it took."""
    order = await taken(mall)
    mall.clock.advance(seconds=5)
    await act(mall, order, "cancel", by="meta")
    await mall.look()
    (told,) = await mall.told("order_cancelled")
    assert ([("p1", 3)], "STATE_CANCELLED") == (counted(told), told["order"]["state"])
    assert Order.STATE_CANCELLED == (await mall.get(order.external_order_id)).state


async def test_hundreds_of_changes_are_all_told(mall: Mall) -> None:
    """A hundred and twenty cancellations of single pieces, more than a page of Meta's, are told one by one."""
    order = await taken(mall, lines=[{"retailer_id": "sc_p1", "quantity": 121, "price": "1.00"}])
    mall.clock.advance(seconds=5)
    for _ in range(120):
        await act(mall, order, "cancel", items=pieces(order, 1))
    await mall.look()
    told = await mall.told("order_cancelled")
    assert (120, 120, {1}) == (
        len(told), len({one["external_cancellation_id"] for one in told}), {one["lines"][0]["quantity"] for one in told},
    )  # fmt: skip
    assert [120] == [line.cancelled_quantity for line in (await mall.get(order.external_order_id)).lines]


async def test_metas_refund_is_told_with_its_money(mall: Mall) -> None:
    """Pieces, amounts and taxes to the minor unit; the one that pays everything back says so."""
    order = await taken(mall, shipping={"price": "5.00", "tax": "0.40"})
    ship(mall, order)
    mall.clock.advance(seconds=5)
    one = pieces(order, 1, name="item_refund_quantity")
    await act(mall, order, "refund", by="meta", items=one, reason_code="FACEBOOK_INITIATED")
    await mall.look()
    await act(mall, order, "refund", by="meta")
    mall.clock.advance(seconds=5)
    await mall.look()
    first, last = await mall.told("order_refunded")
    assert ([("p1", 1)], 2_000, 100, 0, 2_100, False, "ORDER_ACTOR_META") == (
        counted(first), first["subtotal"]["minor_units"], first["tax"]["minor_units"], first["shipping"]["minor_units"],
        first["total"]["minor_units"], first["full"], first["actor"],
    )  # fmt: skip
    assert ([("p1", 2)], 4_000, 240, 500, 4_740, True) == (
        counted(last), last["subtotal"]["minor_units"], last["tax"]["minor_units"], last["shipping"]["minor_units"],
        last["total"]["minor_units"], last["full"],
    )  # fmt: skip
    assert [3] == [line.refunded_quantity for line in (await mall.get(order.external_order_id)).lines]


async def test_a_return_is_asked_for_approved_and_paid_back(
    mall: Mall, commands: "FacebookOrderCommandsAsyncStub"
) -> None:
    """The buyer asks, StormCom approves by a command, the refund ends it: each step is told once."""
    order = await taken(mall)
    ship(mall, order)
    await act(mall, order, "return", items=pieces(order, 2), reason="TOO_SMALL", return_message="Sorry!")
    await mall.look()
    (asked,) = await returned(mall, commands)
    assert (Return.STATE_REQUESTED, [2], "TOO_SMALL", "Sorry!") == (
        asked.state, [one.quantity for one in asked.lines], asked.reason, asked.message,
    )  # fmt: skip
    answer = pb.ResolveReturnRequest.ANSWER_APPROVE
    wish = pb.ResolveReturnRequest(
        store_id=STORE, order_id=order.order_id, return_id=asked.return_id, answer=answer, request_id="one"
    )
    first = await commands.ResolveReturn(wish)
    mall.clock.advance(seconds=5)
    await mall.turn()
    await mall.look()
    again = await commands.ResolveReturn(wish)
    assert first.command.command_id == again.command.command_id
    wish.request_id = "two"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await commands.ResolveReturn(wish)
    assert ("RETURN_RESOLVED",) == reason_of(refused.value)
    back = pieces(order, 2, name="item_refund_quantity")
    await act(mall, order, "refund", items=back, return_id=asked.return_id)
    mall.clock.advance(seconds=5)
    await mall.look()
    states = [one["order_return"]["state"] for one in await mall.told("return_changed")]
    assert ["STATE_REQUESTED", "STATE_APPROVED", "STATE_REFUNDED"] == states
    heard = (
        await FacebookEventsStub(mall.shop.channel).PullEvents(
            PullEventsRequest(store_id=STORE, consumer="fresh", max_events=100)
        )
    ).events
    changed = [event.return_changed for event in heard if event.HasField("return_changed")]
    assert (states, order.external_order_id) == (
        [Return.State.Name(one.order_return.state) for one in changed],
        changed[0].order.external_order_id,
    )
    (paid_back,) = [event.order_refunded for event in heard if event.HasField("order_refunded")]
    assert (4_000, 2, 4_200) == (
        paid_back.lines[0].amount.minor_units,
        paid_back.lines[0].line.quantity,
        paid_back.total.minor_units,
    )
    assert [asked.return_id] == [one.return_id for one in await returned(mall, commands, state=Return.STATE_REFUNDED)]
    assert [] == await returned(mall, commands, state=Return.STATE_REQUESTED)


async def test_a_cancellation_of_ours_names_its_command(mall: Mall, commands: "FacebookOrderCommandsAsyncStub") -> None:
    """What StormCom asked for is told too, once, with the command that asked, whether its answer or our look comes first."""
    order = await taken(mall)
    line = order_pb2.LineQuantity(line_id=order.lines[0].line_id, quantity=2)
    asked = pb.CancelOrderRequest(store_id=STORE, order_id=order.order_id, request_id="one", lines=[line])
    command = (await commands.CancelOrder(asked)).command
    mall.clock.advance(seconds=5)
    await mall.turn()
    assert 1 == len(await mall.told("order_cancelled"))  # at once, not with the next look
    await mall.look()
    await mall.look()
    (told,) = await mall.told("order_cancelled")
    assert (command.command_id, "ORDER_ACTOR_STORMCOM") == (told["command_id"], told["actor"])
    assert [2] == [one.cancelled_quantity for one in (await mall.get(order.external_order_id)).lines]


async def test_an_order_cancelled_before_it_was_told_is_never_told(mall: Mall) -> None:
    """An order that ended before StormCom had heard of it ends silently; its cancellation is not told either."""
    mall.clock.advance(seconds=5)
    (name,) = await mall.place(lines=LAMPS)
    await mall.control("POST", f"/orders/{name}/cancel", {})
    await mall.look()
    await mall.look()
    assert ([], Order.IMPORT_STATE_ENDED) == (await mall.told(), (await mall.get(name)).import_state)


async def test_an_order_cancelled_before_the_answer_is_told(mall: Mall) -> None:
    """Told and cancelled before the answer: StormCom hears of the pieces, and an order that it makes all the same is CANCELLED."""
    order = await mall.bought(lines=LAMPS)
    mall.clock.advance(seconds=5)
    await act(mall, order, "cancel")
    await mall.look()
    (told,) = await mall.told("order_cancelled")
    assert ([("p1", 3)], "STATE_CANCELLED") == (counted(told), told["order"]["state"])
    assert Order.STATE_CANCELLED == (await mall.answer(order, "local-1")).state
    await mall.look()
    assert 1 == len(await mall.told("order_cancelled"))


async def test_a_look_that_was_given_up_is_made_up_for(mall: Mall) -> None:
    """What one turn could not read the next look at the Page's orders reads."""
    order = await taken(mall)
    mall.clock.advance(seconds=5)
    await act(mall, order, "cancel", items=pieces(order, 1))
    refusal = {"kind": "error", "code": 100, "message": "Refused"}
    await mall.control(
        "POST",
        "/faults",
        {"match": {"path": f"{order.external_order_id}/cancellations"}, "times": 1, "action": refusal},
    )
    await mall.look()
    assert [] == await mall.told("order_cancelled")
    await mall.look()
    assert 1 == len(await mall.told("order_cancelled"))


async def test_a_lost_answer_is_told_as_ours(mall: Mall, commands: "FacebookOrderCommandsAsyncStub") -> None:
    """Meta cancelled and its answer was lost: whoever looks first finds it, and it is told once, with the command that asked."""
    order = await taken(mall)
    drop = {"match": {"path": f"{order.external_order_id}/cancellations", "method": "POST"}, "times": 1, "action": {"kind": "drop_answer"}}  # fmt: skip
    await mall.control("POST", "/faults", drop)
    line = order_pb2.LineQuantity(line_id=order.lines[0].line_id, quantity=1)
    asked = pb.CancelOrderRequest(store_id=STORE, order_id=order.order_id, request_id="one", lines=[line])
    command = (await commands.CancelOrder(asked)).command
    mall.clock.advance(seconds=5)
    await mall.look()
    (told,) = await mall.told("order_cancelled")
    assert (command.command_id, [("p1", 1)]) == (told["command_id"], counted(told))
    mall.clock.advance(minutes=20)
    await mall.turn()
    await mall.look()
    assert 1 == len(await mall.told("order_cancelled"))
    assert [1] == [one.cancelled_quantity for one in (await mall.get(order.external_order_id)).lines]


async def test_an_old_reading_that_comes_late_changes_nothing(mall: Mall) -> None:
    """A reading from before others is taken in after them: nothing is told again, and nothing goes back."""
    order = await taken(mall)
    ship(mall, order)
    await act(mall, order, "return", items=pieces(order, 1))
    mall.clock.advance(seconds=5)
    await mall.look()
    before = await mall.told()
    part = (Part(order.lines[0].line_id, 1),)
    returns = tuple(Told("9", state, "", part, "", "") for state in (ReturnState.APPROVED, ReturnState.REQUESTED))
    refunds = (Refund("8", part, 2_000, 0, 100, 2_100, ""),)
    async with mall.runtime.db.begin() as tx:
        for read in (Read((), refunds, (), returns[:1]), Read((), refunds, (), returns[1:]), Read(), Read((), refunds)):
            current = await orders_db.by_id(tx, UUID(order.order_id), lock=True)
            assert current is not None
            await apply(tx, current, read, at=mall.clock())
    assert ["order_refunded", "return_changed"] == (await mall.told())[len(before) :]
    assert [1] == [one.refunded_quantity for one in (await mall.get(order.external_order_id)).lines]


async def test_readings_in_any_order_end_alike(mall: Mall) -> None:
    """Whichever of Meta's growing answers is taken in first, last or twice: each change is told once, and the pieces are those Meta holds."""
    order = await taken(mall)
    line_id, ended = order.lines[0].line_id, set()
    cancelled = tuple(Cancellation(name, (Part(line_id, 1),), "", "") for name in ("7", "8"))
    back = (Refund("9", (Part(line_id, 1),), 2_000, 0, 100, 2_100, ""),)
    grown = Read(cancelled[:1]), Read(cancelled), Read(cancelled, back)
    for first, *rest in permutations(grown):
        async with mall.runtime.db.begin() as tx:
            kept = await tx.begin_nested()
            for read in (first, *rest, first):
                current = await orders_db.by_id(tx, UUID(order.order_id), lock=True)
                assert current is not None
                await apply(tx, current, read, at=mall.clock())
            after = await orders_db.by_id(tx, UUID(order.order_id))
            assert after is not None
            told = after.version - order.version  # it grows with each telling
            ended.add((after.lines[0].cancelled_quantity, after.lines[0].refunded_quantity, told))
            await kept.rollback()
    assert {(2, 1, 3)} == ended


@pytest.mark.parametrize(
    ("fault", "ended"),
    [
        ({"kind": "drop_answer"}, Command.STATE_ALREADY_DONE),
        ({"kind": "error", "code": 2, "status": 500}, Command.STATE_SUCCEEDED),
    ],
)
async def test_an_answer_to_a_return_that_may_be_lost_is_looked_for(
    mall: Mall, commands: "FacebookOrderCommandsAsyncStub", fault: dict[str, Any], ended: int
) -> None:
    """Meta takes no key for it and refuses it a second time: what it did is seen, what it did not is told again, once."""
    await mall.control("PATCH", "/switches", {"refuse_repeated_returns": True})
    order = await taken(mall)
    ship(mall, order)
    await act(mall, order, "return", items=pieces(order, 2))
    await mall.look()
    (asked,) = await returned(mall, commands)
    await mall.control("POST", "/faults", {"match": {"method": "POST", "path": "/returns$"}, "action": fault})
    answer = pb.ResolveReturnRequest.ANSWER_DISAPPROVE
    wish = pb.ResolveReturnRequest(
        store_id=STORE, order_id=order.order_id, return_id=asked.return_id, answer=answer, request_id="one"
    )
    first = (await commands.ResolveReturn(wish)).command
    await mall.turn()
    mall.clock.advance(minutes=10, seconds=1)
    await mall.turn()
    known = pb.GetCommandRequest(store_id=STORE, command_id=first.command_id)
    assert ended == (await commands.GetCommand(known)).command.state
    assert ["REQUESTED", "DISAPPROVED"] == [one.details["status"] for one in mall.effects("return")]


async def test_what_a_buyer_wrote_is_forgotten(mall: Mall, commands: "FacebookOrderCommandsAsyncStub") -> None:
    """Whoever is deleted by the relay address leaves returns, reasons and postal codes; the merchant's figures stay."""
    order = await taken(mall, buyer={"email": "x@marketplace.facebook.com"})
    ship(mall, order, 2)
    await act(mall, order, "return", items=pieces(order, 1), reason="TOO_SMALL", return_message="Sorry!")
    reason = {"reason_code": "CUSTOMER_REQUESTED", "reason_description": "I moved"}
    await act(mall, order, "cancel", items=pieces(order, 1), cancel_reason=reason)
    mall.clock.advance(seconds=5)
    await mall.look()
    assert ["Sorry!"] == [one.message for one in await returned(mall, commands)]
    asked = DeletePersonalDataRequest(store_id=STORE, email="x@marketplace.facebook.com")
    await FacebookAdminStub(mall.shop.channel).DeletePersonalData(asked)
    await mall.turn()
    assert [("", "", 1)] == [(one.message, one.reason, len(one.lines)) for one in await returned(mall, commands)]
    async with mall.runtime.db.begin() as tx:
        assert [""] == [one.description for one in (await changes.cancellations(tx, UUID(order.order_id))).values()]
