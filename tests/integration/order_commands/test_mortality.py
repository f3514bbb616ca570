"""A worker is killed at every place of a command's way, behind each commit and each of Meta's answers: Meta still does it once."""

import dataclasses
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from connector.db.outbox import Task
from connector.graph.call import Call
from tests.integration.keepsakes import Site, once
from tests.integration.order_commands.conftest import Command, Desk, Order
from tests.integration.orders.mortality import Fuse, turn_until_killed

MOST_PLACES = 16
SENDING = {Task.SEND_ORDER_COMMANDS}
OVER = {Command.STATE_SUCCEEDED, Command.STATE_ALREADY_DONE}


@pytest.fixture
async def orders(desk: Desk, site: Site) -> list[Order]:
    """Orders of three pieces, more than a command has places, which StormCom has and Meta knows."""

    async def walk() -> None:
        line = {"retailer_id": "p1", "quantity": 3, "price": "20.01"}
        await desk.mall.place(lines=[line], count=MOST_PLACES)
        await desk.mall.look()
        for order in await desk.mall.find():
            await desk.mall.answer(order, f"sc-{order.external_order_id}")
        await turn_until_killed(desk.mall.runtime, Fuse(10_000), {Task.ACKNOWLEDGE_ORDERS})

    await once("order_commands.test_mortality.orders", site, walk)
    return await desk.mall.find()


async def kill_everywhere(desk: Desk, kind: str, orders: list[Order]) -> list[Command]:
    """Give each order a command, and kill the worker of the first at the first place, and so on until one lives; tells the commands."""
    commands: list[Command] = []
    for place, order in enumerate(orders, 1):
        wish = {"ship": desk.ship, "cancel": desk.cancel, "refund": desk.refund}[kind]
        commands.append(await wish(order, 2 if kind == "ship" else 1))
        fuse = Fuse(place)
        await turn_until_killed(desk.mall.runtime, fuse, SENDING)
        if not fuse.blown:
            return commands
    raise AssertionError(f"there are more than {len(orders)} places")


async def go_on(desk: Desk, **build: Any) -> None:
    """Let workers live that find what the dead ones left, until the pause after a lost answer is over too."""
    for _ in range(2):
        desk.mall.clock.advance(minutes=11)
        await turn_until_killed(desk.mall.runtime, Fuse(10_000), SENDING, **build)


async def test_a_killed_worker_does_nothing_twice_and_forgets_nothing(desk: Desk, orders: list[Order]) -> None:
    """Shipped, cancelled and refunded once for each wish, told once, to the minor unit, wherever the worker died."""
    for kind in ("ship", "cancel", "refund"):
        commands = await kill_everywhere(desk, kind, orders)
        orders = orders[: len(commands)]
        await go_on(desk)
        assert {(await desk.now(one)).state for one in commands} <= OVER, kind
        assert {one.external_order_id: 1 for one in orders} == Counter(one.order_id for one in desk.effects(kind))
        assert 7 < len(orders), "a place was lost"
        told = [one["command"] for one in await desk.mall.told("order_command_changed")]
        ends = Counter(one["command_id"] for one in told if one["state"] in {"STATE_SUCCEEDED", "STATE_ALREADY_DONE"})
        assert {one.command_id: 1 for one in commands} == {one.command_id: ends[one.command_id] for one in commands}
    paid = [[refund.total for refund in desk.mall.meta(one.external_order_id).refunds] for one in orders]
    assert [[2001]] * len(orders) == paid


def fresh_key(call: Call[Any]) -> Call[Any]:
    """Send as a build does that makes a new key for each attempt."""
    body = call.body
    return dataclasses.replace(call, body={**body, "idempotency_key": uuid4().hex}) if body else call


async def test_a_build_with_fresh_keys_is_found_out(desk: Desk, orders: list[Order]) -> None:
    """Killed at the same places, a build that takes a new key for each attempt cancels twice somewhere: the places are the right ones."""
    for place, order in enumerate(orders[:8], 1):
        await desk.cancel(order, 1)
        await turn_until_killed(desk.mall.runtime, Fuse(place), SENDING, rewrite=fresh_key)
    await go_on(desk, rewrite=fresh_key)
    assert 2 == max(Counter(one.order_id for one in desk.effects("cancel")).values())
