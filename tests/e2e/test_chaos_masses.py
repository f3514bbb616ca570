"""Orders by the thousand through real processes: Meta's answers get lost, or no webhook comes at all.

`make chaos` takes a thousand orders and lets the answer to each write about them get lost, and imports five thousand more; fewer
otherwise: `MASS_ORDERS`, `MASS_IMPORTS`; `MASS_SEED` repeats one. What came of it stands in `build/chaos.json`.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest

from client.tour.simulation import Simulation
from stack.supervisor import Stack
from stormcom.facebook.v1.order_pb2 import Order
from tests.e2e import results
from tests.e2e.ledger import Balance, Value, compare
from tests.e2e.masses import troubles
from tests.e2e.masses.mall import Mall, Shop, Sold
from tests.e2e.masses.reckoning import Books

pytestmark = pytest.mark.asyncio(loop_scope="session")
IN_FULL = "MASS_ORDERS" in os.environ
ORDERS, IMPORTS = int(os.environ.get("MASS_ORDERS", "4")), int(os.environ.get("MASS_IMPORTS", "40"))
SEED = int(os.environ.get("MASS_SEED", "20261122"))
AT_ONCE = 2
"""Orders of a Page whose writes go wrong at the same time: when half of its calls fail, Meta is left alone for a while."""
SHOPS = min(50, ORDERS // AT_ONCE)
LATE = {"kind": "drop_answer", "seconds": 1.5}
HUNG = 10 if IN_FULL else 0
"""How many first writes Meta is silent about for longer than a request may take."""
ROUNDS = 12
PATIENCE_SECONDS = 150 + (ORDERS + IMPORTS) / 4


@contextmanager
def busy_pages(simulation: Simulation) -> Iterator[None]:
    """Let Pages have the allowance of those that sell by the thousand, for the length of the block."""
    usual = {name: simulation._ask("GET", "/_simulator/switches")["allowances"][name] for name in ("app", "pages")}
    _allow(simulation, dict.fromkeys(usual, 10**7))
    try:
        yield
    finally:
        _allow(simulation, usual)


def _allow(simulation: Simulation, allowances: dict[str, int]) -> None:
    simulation._ask("PATCH", "/_simulator/switches", {"allowances": allowances})


@pytest.mark.timeout(480 + ORDERS * 4)
async def test_lost_answers_do_nothing_twice(running: Stack) -> None:
    """The answer to each acknowledgement, shipment, cancellation and refund is lost: Meta does each once, to the minor unit, and each outcome is told once."""
    begun = time.monotonic()
    mall = await asyncio.to_thread(Mall.open, running, 530, shops=SHOPS)
    with busy_pages(mall.simulation):
        stock = await asyncio.to_thread(work, mall, random.Random(SEED))  # noqa: S311 – to be repeatable
    books = [Books(mall.simulation, shop, sold) for shop, sold in stock]
    balance = sum(await asyncio.gather(*(asyncio.to_thread(one.balance) for one in books)), Balance())
    seconds = round(time.monotonic() - begun)
    results.note(lost_answers={**balance.counts, "orders": ORDERS, "seed": SEED, "seconds": seconds})
    assert (Balance(), []) == (balance, troubles.left(mall.simulation))


@pytest.mark.timeout(480 + IMPORTS)
async def test_orders_come_in_without_any_webhook(running: Stack) -> None:
    """Meta says nothing of thousands of orders: the look of every five minutes finds all, StormCom hears of each once, and Meta knows."""
    begun = time.monotonic()
    mall = await asyncio.to_thread(Mall.open, running, 540, shops=1)
    (shop,) = mall.shops
    await asyncio.to_thread(mall.hours.wait_until_quiet, seconds=PATIENCE_SECONDS)
    lines = [{"retailer_id": name, "quantity": 1, "price": "9.99"} for name in "ab"]
    with busy_pages(mall.simulation):
        names = await asyncio.to_thread(mall.place, shop, lines=lines, count=IMPORTS)
        await asyncio.to_thread(mall.hours.look_for_orders, within=timedelta(minutes=5))
        await asyncio.to_thread(mall.hours.wait_until_quiet, seconds=PATIENCE_SECONDS)
        read_seconds = time.monotonic() - begun
        stock = [Sold(order) for order in await asyncio.to_thread(list, shop.orders())]
        await asyncio.to_thread(mall.together, [partial(shop.take, one.order) for one in stock])
        await asyncio.to_thread(mall.hours.wait_until_quiet, seconds=PATIENCE_SECONDS)
    placed: dict[str, Value] = dict.fromkeys(names, ())
    balance = compare("imported", placed, ((one.order.external_order_id, ()) for one in stock))
    balance += await asyncio.to_thread(Books(mall.simulation, shop, stock).balance)
    seconds = {"read_seconds": round(read_seconds), "seconds": round(time.monotonic() - begun)}
    results.note(imports={**balance.counts, "orders": IMPORTS, **seconds})
    assert Balance() == balance


Stock = Sequence[tuple[Shop, Sequence[Sold]]]
Wave = Sequence[tuple[Shop, Sold]]


def work(mall: Mall, noise: random.Random) -> Stock:
    """Sell, take, ship, cancel and pay back, wave by wave, while answers get lost."""
    stock = buy(mall, noise)
    take(mall, stock, noise)
    for number, wave in enumerate(zip(*(_in_waves(shop, sold) for shop, sold in stock), strict=True)):
        each, hung = [pair for pairs in wave for pair in pairs], 0 if number else HUNG
        ship_and_cancel(mall, each, noise, hung)
        refund(mall, each, noise, hung)
    return stock


def buy(mall: Mall, noise: random.Random) -> Stock:
    """Let people order in every shop alike, odd prices and pieces, and bring that in."""
    for shop in mall.shops:
        for _ in range(ORDERS // SHOPS):
            pieces, price, tax = noise.randint(3, 5), noise.randint(101, 9999), noise.randint(0, 300)
            lines = [
                {"retailer_id": "a", "quantity": pieces, "price": f"{price / 100:.2f}", "tax": f"{tax / 100:.2f}"},
                {"retailer_id": "b", "quantity": noise.randint(1, 3), "price": "7.77", "tax": "0.33"},
            ]
            mall.place(shop, lines=lines, shipping={"price": "5.00", "tax": "0.40"})
    mall.look(seconds=PATIENCE_SECONDS)
    return [(shop, [Sold(order) for order in shop.orders()]) for shop in mall.shops]


def take(mall: Mall, stock: Stock, noise: random.Random) -> None:
    """Make orders of all, while Meta's answers to the acknowledgements get lost: to the first one so late that the others go together."""
    for shop, _ in stock:
        troubles.befall(mall.simulation, f"{shop.account_id}/acknowledge_orders", LATE, *troubles.draw(noise))
    mall.together(partial(shop.take, one.order) for shop, sold in stock for one in sold)
    insist(mall)


def ship_and_cancel(mall: Mall, wave: Wave, noise: random.Random, hung: int) -> None:
    """Ship most of each order, and cancel a piece."""
    for place, (_, sold) in enumerate(wave):
        for edge in ("shipments", "cancellations"):
            _befall(mall, sold.order, edge, noise, hung=place < hung)
    mall.together(partial(shop.ship_and_cancel, sold) for shop, sold in wave)
    insist(mall)


def refund(mall: Mall, wave: Wave, noise: random.Random, hung: int) -> None:
    """Pay a part of each order back."""
    for place, (_, sold) in enumerate(wave):
        _befall(mall, sold.order, "refunds", noise, hung=place < hung)
    dice = [random.Random(noise.randrange(2**32)) for _ in wave]  # noqa: S311 – to be repeatable
    mall.together(partial(shop.refund, sold, die) for (shop, sold), die in zip(wave, dice, strict=True))
    insist(mall)


def _befall(mall: Mall, order: Order, edge: str, noise: random.Random, *, hung: bool) -> None:
    actions = [troubles.HUNG] if hung else troubles.draw(noise)
    troubles.befall(mall.simulation, f"{order.external_order_id}/{edge}", *actions)


def insist(mall: Mall) -> None:
    """Let time pass until nothing goes wrong any more, and all is done."""
    for _ in range(ROUNDS):
        mall.hours.wait_until_quiet(seconds=PATIENCE_SECONDS)
        if not troubles.left(mall.simulation) and not mall.hours.waits():
            return
        mall.hours.let_pass(timedelta(minutes=10))
    raise AssertionError(f"not done after {ROUNDS} times ten minutes")


def _in_waves(shop: Shop, sold: Sequence[Sold]) -> list[Wave]:
    return [[(shop, one) for one in sold[start : start + AT_ONCE]] for start in range(0, len(sold), AT_ONCE)]
