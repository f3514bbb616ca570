"""Ten thousand stock changes in no order, several callers and workers, and a Meta that fails every third call."""

import asyncio
import random
from collections.abc import Iterable

from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from tests.integration.catalog.shop import Shop, product
from tests.integration.inventory.shelf import line, quantity

CHANGES, PRODUCTS, CALLERS, WORKERS = 10_000, 100, 10, 3
SEND = "items_batch"
FAILURES = (
    {"kind": "drop_answer"},
    {"kind": "drop_before"},
    {"kind": "error", "code": 2},
    {"kind": "error", "code": 80014, "minutes": 1},
)


def _calls(chance: random.Random) -> Iterable[list[InventoryLine]]:
    """Tell every product's changes in an order of its own, a line of each product in a call."""
    versions = [chance.sample(range(2, 2 + CHANGES // PRODUCTS), CHANGES // PRODUCTS) for _ in range(PRODUCTS)]
    for told in zip(*versions, strict=True):
        yield [line(f"p{number}", version, version + number) for number, version in enumerate(told)]


async def test_of_ten_thousand_changes_the_last_ones_stand(shop: Shop) -> None:
    """Whatever came late, was repeated or lost: Meta has every product's newest stock, and was called once at a time."""
    chance = random.Random(31)  # noqa: S311 – to be repeatable
    shop.world.switches.change(batch_seconds=20.0, batch_jitter=0.9)
    await shop.upsert(*(product(f"p{number}") for number in range(PRODUCTS)))
    await shop.sync()
    await shop.settle()
    calls = list(_calls(chance))
    for start in range(0, len(calls), CALLERS):
        for _ in range(WORKERS):
            fails = chance.random() < 1 / 3
            shop.break_calls(SEND, **(chance.choice(FAILURES) if fails else {"kind": "delay", "seconds": 0.005}))
        answered = (shop.stock(*lines) for lines in calls[start : start + CALLERS])
        await asyncio.gather(*answered, *(shop.turn() for _ in range(WORKERS)))
        shop.clock.advance(seconds=chance.choice([1, 20, 90, 300]))
    shop.world.faults.clear()
    await shop.settle(minutes=120)
    newest = {f"sc_p{number}": ("in stock", CHANGES // PRODUCTS + 1 + number) for number in range(PRODUCTS)}
    assert newest == {name: quantity(shop, name) for name in newest}
    assert {"CONFIRMED"} == set((await shop.states()).values())
    assert {} == {path: most for path, most in shop.world.records.crowds.items() if path.endswith(SEND)}
