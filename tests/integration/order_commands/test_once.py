"""Answers get lost, turns are cut off, others are quicker: Meta still does everything once, and the sums are exact."""

import asyncio
from contextlib import suppress

import pytest

from simulator.orders.book import change
from simulator.orders.cancelling import cancel
from simulator.orders.state import Units
from stormcom.facebook.v1 import money_pb2, order_command_pb2
from tests.integration.order_changes.doings import act, pieces
from tests.integration.order_commands.conftest import Command, Desk

MANY = 8


async def test_lost_answers_do_nothing_twice(desk: Desk) -> None:
    """Every second answer is lost after Meta did it: each order is shipped, cancelled and refunded once, to the minor unit."""
    lines = [{"retailer_id": "p1", "quantity": 3, "price": "20.01", "tax": "1.00"}]
    names = await desk.mall.place(lines=lines, count=MANY)
    await desk.mall.look()
    orders = [await desk.mall.get(name) for name in names]
    for order in orders:
        await desk.mall.answer(order, f"sc-{order.external_order_id}")
    await desk.mall.turn()
    await desk.fail("drop_answer", MANY // 2, path="/shipments$")
    assert {Command.STATE_SUCCEEDED} == await desk.settled([await desk.ship(order, 2) for order in orders])
    await desk.fail("drop_answer", MANY // 2, path="/cancellations$")
    assert {Command.STATE_SUCCEEDED} == await desk.settled([await desk.cancel(order) for order in orders])
    await desk.fail("drop_answer", MANY // 2, path="/refunds$")
    amount = money_pb2.Money(currency_code="USD", minor_units=333)
    refunds = [
        await desk.refund(order, lines=[order_command_pb2.RefundLine(line_id=order.lines[0].line_id, amount=amount)])
        for order in orders
    ]
    assert {Command.STATE_SUCCEEDED} == await desk.settled(refunds)
    assert [MANY] * 3 == [len(desk.effects(one)) for one in ("ship", "cancel", "refund")]
    told = sum([(await desk.now(one)).amount.minor_units for one in refunds])
    assert told == sum(one.total for name in names for one in desk.mall.meta(name).refunds)
    assert MANY * 333 == sum(
        line.amount for name in names for one in desk.mall.meta(name).refunds for line in one.lines
    )


@pytest.mark.parametrize("kind", ["cancel", "refund"])
async def test_a_turn_that_is_cut_off_between_answer_and_note_does_nothing_twice(desk: Desk, kind: str) -> None:
    """A worker that dies when Meta has done it, and before anybody wrote that down, leaves one effect and one outcome."""
    order = await (desk.shipped if kind == "refund" else desk.bought)()
    command = await (desk.refund if kind == "refund" else desk.cancel)(order, 1)
    before = len(desk.effects(kind))
    await desk.fail("drop_answer", seconds=30)
    turn = asyncio.ensure_future(desk.mall.turn())
    async with asyncio.timeout(60):
        while len(desk.effects(kind)) == before:  # noqa: ASYNC110 – the simulator rings for nobody
            await asyncio.sleep(0.002)
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn
    command = await desk.done(command)
    assert (Command.STATE_SENT, "META_OUTCOME_UNKNOWN") == (command.state, command.problem.reason)
    assert {Command.STATE_SUCCEEDED} == await desk.settled([command])
    assert before + 1 == len(desk.effects(kind))


async def test_what_others_did_is_seen(desk: Desk) -> None:
    """What the buyer cancelled before is done already; a shipment that cannot be any more failed, with the difference."""
    order = await desk.bought()
    command = await desk.cancel(order, 1)
    items = [{"item_id": order.lines[0].line_id, "quantity": 3}]
    await desk.mall.control("POST", f"/orders/{order.external_order_id}/cancel", {"items": items})
    shipment = await desk.ship(order)
    await desk.mall.turn()
    assert Command.STATE_ALREADY_DONE == (await desk.now(command)).state
    failed = await desk.now(shipment)
    assert (Command.STATE_FAILED, "ORDER_CHANGED_AT_META") == (failed.state, failed.problem.reason)
    assert "Meta shows: nothing" in failed.problem.message
    assert 3 == (await desk.mall.get(order.external_order_id)).lines[0].cancelled_quantity


async def test_a_lost_answer_and_a_refusal_are_looked_into(desk: Desk) -> None:
    """When an answer was lost and the next try fails, Meta is looked at before a new key is taken: it is there already."""
    order = await desk.bought()
    await desk.fail("drop_answer", path="/cancellations$")
    command = await desk.done(await desk.cancel(order, 1))
    await desk.fail("error", path="/cancellations$", status=500, code=2, message="down")
    assert {Command.STATE_ALREADY_DONE} == await desk.settled([command])
    assert 1 == len(desk.effects("cancel"))


@pytest.mark.parametrize("kind", ["ship", "cancel", "refund"])
async def test_a_failure_that_comes_after_the_effect_does_nothing_twice(desk: Desk, kind: str) -> None:
    """Meta says that it failed, with its code, and did it all the same: it is found done, though the next attempt would have a new key."""
    order = await (desk.shipped if kind == "refund" else desk.bought)()
    before = len(desk.effects(kind))
    await desk.fail("error", status=500, code=2, message="An unexpected error", after=True)
    command = await {"ship": desk.ship, "cancel": desk.cancel, "refund": desk.refund}[kind](order, 1)
    assert {Command.STATE_ALREADY_DONE} == await desk.settled([command])
    assert before + 1 == len(desk.effects(kind))


@pytest.mark.parametrize("kind", ["cancel", "refund", "all"])
async def test_what_others_did_before_is_not_taken_for_ours(desk: Desk, kind: str) -> None:
    """Pieces that somebody cancelled or paid back at Meta before StormCom wanted others: what failed without effect is done, not found done."""
    deed = "cancel" if kind == "cancel" else "refund"
    order = await (desk.bought if kind == "cancel" else desk.shipped)()
    desk.mall.clock.advance(seconds=5)
    word = "quantity" if kind == "cancel" else "item_refund_quantity"
    await act(desk.mall, order, deed, by="meta", items=pieces(order, 1, name=word))
    await desk.mall.look()
    desk.mall.clock.advance(seconds=5)
    await desk.fail("error", status=500, code=2, message="An unexpected error")
    before = len(desk.effects(deed))
    asked = {"lines": [], "everything": True} if kind == "all" else {}
    command = await (desk.cancel if kind == "cancel" else desk.refund)(order, 1, **asked)
    assert {Command.STATE_SUCCEEDED} == await desk.settled([command])
    assert before + 1 == len(desk.effects(deed))


async def test_a_list_that_breaks_off_is_read_again(desk: Desk) -> None:
    """What failed behind its effect stands on the second page, which Meta refuses once: the first page is not taken for all."""
    order = await desk.bought(pieces=150)
    desk.mall.clock.advance(seconds=5)
    there = desk.mall.meta(order.external_order_id)
    for _ in range(100):
        cancel(desk.mall.world, there, [Units(there.items[0], 1)], code="OUT_OF_STOCK", description="", restock=False)
    change(desk.mall.world, there, what="cancelled")
    await desk.mall.look()
    desk.mall.clock.advance(seconds=5)
    before = len(desk.effects("cancel"))
    await desk.fail("error", status=500, code=2, message="An unexpected error", after=True)
    command = await desk.done(await desk.cancel(order, 1))
    page = {"method": "GET", "path": "/cancellations$"}
    for action in (
        {"kind": "delay", "seconds": 0},
        {"kind": "error", "status": 400, "code": 100, "message": "Invalid cursor"},
    ):
        await desk.mall.control("POST", "/faults", {"match": page, "times": 1, "action": action})
    assert {Command.STATE_ALREADY_DONE} == await desk.settled([command])
    assert before + 1 == len(desk.effects("cancel"))


@pytest.mark.parametrize("kind", ["cancel", "refund"])
async def test_a_list_that_is_refused_is_read_again(desk: Desk, kind: str) -> None:
    """What failed behind its effect is not taken for undone because Meta once refuses to show it: it is found done, once."""
    order = await (desk.shipped if kind == "refund" else desk.bought)()
    before = len(desk.effects(kind))
    await desk.fail("error", status=500, code=2, message="An unexpected error", after=True)
    command = await desk.done(await (desk.refund if kind == "refund" else desk.cancel)(order, 1))
    shown = {"method": "GET", "path": "/(cancellations|refunds)$"}
    action = {"kind": "error", "status": 400, "code": 100, "message": "Invalid parameter"}
    await desk.mall.control("POST", "/faults", {"match": shown, "times": 1, "action": action})
    assert {Command.STATE_ALREADY_DONE} == await desk.settled([command])
    assert before + 1 == len(desk.effects(kind))


async def test_a_command_that_never_arrives_is_given_up_with_its_key(desk: Desk) -> None:
    """Five attempts that Meta never got are given up; asked again, it goes under the same key."""
    order = await desk.bought()
    await desk.fail("drop_before", 5)
    command = await desk.cancel(order, 1)
    for _ in range(5):
        command = await desk.done(command)
        desk.mall.clock.advance(minutes=21)
    assert (Command.STATE_FAILED, "META_OUTCOME_UNKNOWN") == (command.state, command.problem.reason)
    assert [] == desk.effects("cancel")
    keys = await desk.keys(command)
    assert (5, 1) == (len(keys), len(set(keys)))
