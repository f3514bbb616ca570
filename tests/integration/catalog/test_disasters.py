"""Disasters on the way to Meta and among the workers: whatever happens, every wish stands at Meta in the end, once.

That no item was ever in two batches that Meta was at work on is asserted for every test, by the fixture `shop`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from connector.catalog import actions
from connector.db import outbox
from connector.db.outbox import LeaseLost, Taken, Task
from connector.errors import OutcomeUnknown, Unavailable
from connector.graph.call import Call, Effect
from connector.graph.client import LARGEST_ANSWER_BYTES
from connector.inventory import actions as inventory
from connector.registry.db import narrowings
from connector.runtime import Runtime
from simulator.state import ProductCatalog
from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, product
from tests.integration.conftest import connect

SEND, CHECK = "items_batch", "check_batch_request_status"
DEAD_TOKEN = (
    '{"data": {"is_valid": false, "error": {"code": 190, "subcode": 460, "message": "The password has changed"}}}'
)
PRODUCTS = 24
Action = Callable[[Runtime, Taken], Coroutine[Any, Any, None]]


def _line(number: int, version: int, quantity: int) -> InventoryLine:
    return InventoryLine(product_id=f"p{number:02}", source_version=version, quantity=quantity, track_inventory=True)


def _quantities(shop: Shop) -> dict[str, int]:
    return {name: item["quantity_to_sell_on_facebook"] for name, item in shop.shelf.items()}


async def _small_batches(shop: Shop) -> None:
    """Have a batch hold at most six items, as after Meta found larger ones too large."""
    [catalog] = shop.world.all(ProductCatalog)
    async with shop.runtime.db.begin() as tx:
        await narrowings.narrow(tx, catalog.id, 12, at=shop.clock() + timedelta(days=30))


async def _take(shop: Shop, name: Task) -> Taken:
    """Take the one due task of a kind, as a worker does."""
    async with shop.runtime.db.begin() as tx:
        [due] = await outbox.lease_due(tx, [name], at=shop.clock(), limit=1)
        task = await outbox.take(tx, due.id, due.attempt, at=shop.clock())
    assert task is not None
    return task


async def _lose_half(shop: Shop, chance: random.Random, *, calls: int) -> None:
    """Have every second of the next batches taken in by Meta, and its answer lost."""
    for _ in range(calls):
        lost = chance.random() < 0.5
        shop.break_calls(SEND, **({"kind": "drop_answer"} if lost else {"kind": "delay", "seconds": 0}))


@pytest.mark.parametrize("seed", range(2))
async def test_half_of_all_answers_lost_after_the_effect(shop: Shop, seed: int) -> None:
    """With every second answer lost after the effect, in both lanes, items are created, restocked and removed as wanted, each once."""
    chance = random.Random(seed)  # noqa: S311 – to be repeatable
    await _small_batches(shop)
    await _lose_half(shop, chance, calls=400)
    await shop.upsert(*(product(f"p{number:02}") for number in range(PRODUCTS)))
    operation = await shop.sync()
    await shop.settle(minutes=180)
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, PRODUCTS) == (ended.state, ended.confirmed_count)
    newest = {number: chance.randrange(100) for number in range(PRODUCTS)}
    await shop.stock(*(_line(number, 2, quantity) for number, quantity in newest.items()))
    await shop.delete("p00", "p01")
    await shop.settle(minutes=180)
    assert {f"sc_p{number:02}": newest[number] for number in range(2, PRODUCTS)} == _quantities(shop)
    assert {"CONFIRMED": PRODUCTS - 2, "REMOVED": 2} == _count((await shop.states()).values())


def _count(states: Any) -> dict[str, int]:
    told = list(states)
    return {state: told.count(state) for state in sorted(set(told))}


@pytest.mark.parametrize("effect", [Effect.ONCE, Effect.NONE])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "delay", "seconds": 1},
        {"kind": "drop_answer", "seconds": 1},
        {"kind": "trickle", "seconds": 0.3},
        {"kind": "status", "status": 200, "body": " " * (LARGEST_ANSWER_BYTES + 1)},
    ],
    ids=["silent", "silent after the effect", "a byte at a time", "endless"],
)
async def test_no_call_outlives_its_deadline(shop: Shop, effect: Effect, fault: dict[str, Any]) -> None:
    """A Meta that is silent, slow or does not stop talking ends the whole call in time; a write is then of unknown outcome."""
    shop.break_calls("me$", **fault)
    lost = OutcomeUnknown if effect is Effect.ONCE else Unavailable
    method = "POST" if effect is Effect.ONCE else "GET"
    seconds = 0.3 if fault["kind"] != "status" else 10
    call = Call(method, "me", dict, effect=effect, timeout=timedelta(seconds=seconds))
    with pytest.raises(lost):
        await shop.runtime.graph.send(call, None)


async def test_a_token_that_dies_in_the_middle_of_a_sync_loses_nothing(shop: Shop) -> None:
    """Batches sent, under way and waiting, and stock: all of it stands at Meta after the next login, and the sync succeeds."""
    await _small_batches(shop)
    await shop.upsert(*(product(f"p{number:02}") for number in range(PRODUCTS)))
    shop.world.switches.change(batch_seconds=30.0)
    operation = await shop.sync()
    for _ in range(3):
        shop.break_calls(SEND, "delay", seconds=0)
    shop.break_calls(SEND, "error", code=190, subcode=460, status=401, times=9)
    shop.break_calls(CHECK, "error", code=190, subcode=460, status=401, times=9)
    shop.break_calls("debug_token", "status", status=200, body=DEAD_TOKEN, times=9)
    await shop.settle(minutes=30)
    await shop.stock(*(_line(number, 2, 77) for number in range(PRODUCTS)))
    await shop.upsert(product("p24"))
    await shop.settle(minutes=30)
    assert (4, Operation.STATE_RUNNING) == (len(shop.batches()), (await shop.operation(operation)).state)
    shop.world.faults.clear()
    await connect(shop.channel, shop.world, shop.turn)
    await shop.settle(minutes=60)
    ended = await shop.operation(operation)
    assert (Operation.STATE_SUCCEEDED, PRODUCTS) == (ended.state, ended.confirmed_count)
    assert {f"sc_p{number:02}": 77 for number in range(PRODUCTS)} | {"sc_p24": 5} == _quantities(shop)


@dataclass(frozen=True, slots=True)
class _Stuck(Awaitable[None]):
    """An action that goes no further once something has happened, until it is set free."""

    action: Coroutine[Any, Any, None]
    happened: Callable[[], bool]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    def __await__(self) -> Generator[Any, None, None]:
        doing = self.action.__await__()
        while True:
            try:
                waiting = next(doing)
            except StopIteration:
                return
            yield waiting
            if self.happened():
                self.reached.set()
                yield from self.free.wait().__await__()


@pytest.mark.parametrize("task", [Task.SEND_ITEMS, Task.SEND_STOCK])
async def test_a_sender_that_was_thought_dead_changes_nothing(shop: Shop, task: Task) -> None:
    """While a sender is stuck its task becomes another's; when it comes back it is refused, and what it sent is not sent beside it."""
    await shop.upsert(product("p01", quantity=1))
    if task is Task.SEND_STOCK:
        await shop.sync()
        await shop.settle()
        await shop.stock(_line(1, 2, 2))
    else:
        await shop.sync()
    before = len(shop.batches())
    shop.break_calls(SEND, "delay", seconds=0)
    act: Action = actions.send_items if task is Task.SEND_ITEMS else inventory.send_stock
    sender = _Stuck(act(shop.runtime, await _take(shop, task)), lambda: not shop.world.faults.listed())
    stuck = asyncio.ensure_future(sender)
    await sender.reached.wait()
    await shop.stock(_line(1, 3, 3))
    shop.clock.advance(seconds=outbox.LEASE.total_seconds() + 1)
    await shop.turn()
    sender.free.set()
    with pytest.raises(LeaseLost):
        await stuck
    assert before + 1 == len(shop.batches())
    await shop.settle(minutes=30)
    assert ({"sc_p01": 3}, {"sc_p01": "CONFIRMED"}) == (_quantities(shop), await shop.states())


@pytest.mark.parametrize("hours", [2, -2, 48])
async def test_a_clock_that_jumps_sends_nothing_twice(shop: Shop, hours: int) -> None:
    """When a host's clock is set forward or back in the middle of a sync, Meta keeps its time for every batch, and all arrives."""
    shop.world.switches.change(batch_seconds=30.0)
    await _small_batches(shop)
    await shop.upsert(*(product(f"p{number:02}") for number in range(PRODUCTS)))
    operation = await shop.sync()
    await shop.turn()
    shop.clock.jump(hours=hours)
    await shop.turn()
    await shop.stock(*(_line(number, 2, 77) for number in range(PRODUCTS)))
    await shop.settle(minutes=240)
    assert Operation.STATE_SUCCEEDED == (await shop.operation(operation)).state
    assert {f"sc_p{number:02}": 77 for number in range(PRODUCTS)} == _quantities(shop)


@dataclass(frozen=True, slots=True)
class _Until(Awaitable[None]):
    """An action that is ended in the given step of its own, wherever that is."""

    action: Coroutine[Any, Any, None]
    steps: int

    def __await__(self) -> Generator[Any, None, None]:
        doing, failure = self.action.__await__(), None
        for step in count(1):
            try:
                waiting = doing.throw(failure) if failure else next(doing)
            except StopIteration:
                return
            failure = None
            if step == self.steps and (myself := asyncio.current_task()):
                myself.cancel()
            try:
                yield waiting
            except asyncio.CancelledError as ended:
                failure = ended


KILLED_AT = range(
    1, 400, 4
)  # a step is a pause of milliseconds: every fourth is enough for each pause between two statements


@pytest.mark.parametrize(
    ("task", "act"),
    [
        (Task.SEND_ITEMS, actions.send_items),
        (Task.CHECK_BATCH, actions.check_batch),
        (Task.SEND_STOCK, inventory.send_stock),
        (Task.CHECK_STOCK, inventory.check_stock),
    ],
)
async def test_a_worker_killed_at_any_step_loses_nothing(shop: Shop, task: Task, act: Action) -> None:
    """Wherever a turn is cut off, the next one ends where it would have: confirmed, with the newest stock."""
    await shop.upsert(product("p01"))
    await shop.sync()
    await shop.settle()
    content, check = task in {Task.SEND_ITEMS, Task.CHECK_BATCH}, task in {Task.CHECK_BATCH, Task.CHECK_STOCK}
    for steps in KILLED_AT:
        if content:
            await shop.upsert(product("p01", version=steps + 1, title=f"Scarf {steps}", quantity=steps))
        else:
            await shop.stock(_line(1, steps + 1, steps))
        if check:
            await shop.turn()
            shop.clock.advance(seconds=40)
        turn = asyncio.ensure_future(_Until(act(shop.runtime, await _take(shop, task)), steps))
        await asyncio.wait([turn])
        await shop.settle(minutes=30)
        assert ({"sc_p01": steps}, {"sc_p01": "CONFIRMED"}) == (_quantities(shop), await shop.states()), steps
        if not turn.cancelled():
            return turn.result()
    pytest.fail("the turn has more steps than were tried")
