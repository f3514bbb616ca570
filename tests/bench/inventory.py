"""A stock change on its way: from the answer to UpdateInventory, when it is stored, to the call at Meta, at 150 changes a second.

Callers keep to a timetable whatever the answers do; Meta's side of the journey is read from the simulator's record of its calls.
"""

import asyncio
import time
from pathlib import Path

from stormcom.facebook.v1.connector_service_pb2 import UpdateInventoryRequest
from tests.bench import goods
from tests.bench.measure import Better, Effort, Row, percentile
from tests.bench.rig import Rig, Shop, running_rig

PER_SECOND = 150
PROMISED_P99_MS = 50.0
MOST_WAITING = 200  # the server refuses more streams on one connection than 256
SETTLE_SECONDS = 3.0
ARRIVAL_PATIENCE_SECONDS = 30.0


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Change each product once, so that no change overtakes another."""
    products = PER_SECOND * 2 * effort.rounds
    async with running_rig(folder / "inventory") as rig:
        shop = await rig.connect(1)
        await rig.upsert(shop, products)
        await rig.go(shop)
        await asyncio.sleep(SETTLE_SECONDS)
        accepted = await _change(rig, shop, products)
        arrived = await _arrivals(rig, set(accepted))
    delays = [(arrived[name] - accepted[name]) * 1000 for name in accepted]
    p50, p95, p99 = (percentile(delays, percent) for percent in (50, 95, 99))
    return [
        Row(
            name="stock change stored → call at Meta, p99 at 150 a second / 50 ms",
            ours=p99, baseline=PROMISED_P99_MS, ratio=p99 / PROMISED_P99_MS, goal=1.0, better=Better.LOWER, unit="ms",
            note=f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, {len(delays)} changes",
        )
    ]  # fmt: skip


async def _change(rig: Rig, shop: Shop, products: int) -> dict[str, float]:
    """Change every product's stock by the timetable; when each change was accepted, by its `retailer_id`."""
    accepted: dict[str, float] = {}
    begin, room = time.monotonic(), asyncio.Semaphore(MOST_WAITING)

    async def change(number: int) -> None:
        await asyncio.sleep(begin + number / PER_SECOND - time.monotonic())
        request = UpdateInventoryRequest(store_id=shop.store_id, lines=goods.lines([number], version=2))
        async with room:
            answer = await rig.connector.UpdateInventory(request, metadata=rig.metadata)
        accepted[answer.results[0].retailer_id] = time.time()

    async with asyncio.TaskGroup() as group:
        for number in range(products):
            group.create_task(change(number))
    return accepted


async def _arrivals(rig: Rig, names: set[str]) -> dict[str, float]:
    """Tell when Meta was first told each item's new stock."""
    arrived: dict[str, float] = {}
    end = time.monotonic() + ARRIVAL_PATIENCE_SECONDS
    while names - arrived.keys() and time.monotonic() < end:
        for call in (await rig.control("GET", "/calls"))["calls"]:
            for request in call["parameters"].get("requests", []) if call["path"].endswith("items_batch") else []:
                if "title" not in request["data"]:  # with a title it is the catalogue's lane
                    arrived.setdefault(request["data"]["id"], call["time"] - call["duration_ms"] / 1000)
        await asyncio.sleep(0.5)
    if missing := names - arrived.keys():
        raise RuntimeError(f"{len(missing)} of {len(names)} stock changes never reached Meta")
    return arrived
