"""Many callers after few pieces while the connector is killed under them: nothing is sold twice, nothing is lost.

`make chaos` tries 3,000 times, `OVERSELL_ATTEMPTS=200000 make chaos` as often as that; half as often, after half of the products, otherwise.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf.duration_pb2 import Duration

from client.call import Caller
from client.failures import CallFailed
from stack.supervisor import Stack
from stormcom.facebook.v1.catalog_service_pb2 import UpsertProductsRequest
from stormcom.facebook.v1.inventory_pb2 import Hold, HoldLine
from stormcom.facebook.v1.inventory_service_pb2 import ListHoldsRequest, ListInventoryRequest, ReserveStockRequest
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ACTIVE, Product
from tests.e2e.conftest import open_shop

pytestmark = pytest.mark.asyncio(loop_scope="session")
ATTEMPTS = int(os.environ.get("OVERSELL_ATTEMPTS", "1500"))
CALLERS, PRODUCTS, PER_CALL = 64, min(1_000, ATTEMPTS // 10), 500
KILLS, BETWEEN_KILLS_SECONDS = 2, 1.0


def stock(caller: Caller, noise: random.Random) -> dict[str, int]:
    """Stock every product with one to ten pieces; tells how many, by item."""
    products = [
        Product(
            product_id=f"rare-{number}",
            source_version=1,
            status=PRODUCT_STATUS_ACTIVE,
            title=f"Rare {number}",
            description="Few are left.",
            link=f"https://shop.example/rare/{number}",
            image_links=[f"https://cdn.example/rare/{number}.jpg"],
            brand="Nodi",
            price=Money(currency_code="BDT", minor_units=5_000),
            track_inventory=True,
            quantity=noise.randint(1, 10),
        )
        for number in range(PRODUCTS)
    ]
    for start in range(0, PRODUCTS, PER_CALL):
        caller.call(caller.catalog.UpsertProducts, UpsertProductsRequest(products=products[start : start + PER_CALL]))
    return {f"sc_{product.product_id}": product.quantity for product in products}


def grab(caller: Caller, noise: random.Random, attempts: int) -> Counter[str]:
    """Try to reserve one or two pieces of one to three products, so often; tells what was had."""
    had: Counter[str] = Counter()
    for _ in range(attempts):
        numbers = noise.sample(range(PRODUCTS), noise.randint(1, 3))
        lines = [HoldLine(product_id=f"rare-{number}", quantity=noise.randint(1, 2)) for number in numbers]
        try:
            request = ReserveStockRequest(lines=lines, duration=Duration(seconds=26 * 3600))
            had.update(pieces([caller.call(caller.inventory.ReserveStock, request).hold]))
        except CallFailed as failure:
            if failure.reason != "STOCK_INSUFFICIENT":
                raise
    return had


def pieces(holds: Iterable[Hold]) -> Counter[str]:
    """Count what holds hold, by item."""
    counted: Counter[str] = Counter()
    for hold in holds:
        counted.update({line.retailer_id: line.quantity for line in hold.lines})
    return counted


@pytest.mark.timeout(480 + ATTEMPTS // 50)
async def test_nothing_is_sold_twice(running: Stack) -> None:
    """What 64 callers were promised is what is held and what is reserved, for every product at most its stock, none below zero."""
    shop = await asyncio.to_thread(open_shop, running, 900)
    caller, noise = shop.caller, shop.noise
    there = await asyncio.to_thread(stock, caller, noise)
    seeds, loop = [noise.randrange(2**32) for _ in range(CALLERS)], asyncio.get_running_loop()
    with ThreadPoolExecutor(CALLERS) as threads:
        begun = time.monotonic()
        grabs = [
            loop.run_in_executor(threads, grab, caller, random.Random(seed), ATTEMPTS // CALLERS)  # noqa: S311 – to be repeatable
            for seed in seeds
        ]
        for _ in range(KILLS):
            await asyncio.sleep(BETWEEN_KILLS_SECONDS)
            await running.kill("connector")
            await running.start("connector")
        had = sum(await asyncio.gather(*grabs), Counter())
    print(f"{ATTEMPTS} attempts, {had.total()} of {sum(there.values())} pieces, {time.monotonic() - begun:.0f} s")  # noqa: T201 – what was tried
    held = await asyncio.to_thread(
        lambda: pieces(caller.list_all(caller.inventory.ListHolds, ListHoldsRequest(active_only=True), field="holds"))
    )
    shown = await asyncio.to_thread(
        lambda: [*caller.list_all(caller.inventory.ListInventory, ListInventoryRequest(), field="snapshots")]
    )
    assert had == held
    assert dict(had) == {one.retailer_id: one.reserved for one in shown if one.reserved}
    assert [] == [name for name, count in had.items() if count > there[name]]
