"""A stock change on its way: from the answer to UpdateInventory, when it is stored, to the call at Meta.

Alone, with both cores busy, and while a large catalogue is synced into the same catalog; then for a while, item by item at
random, whether Meta ends with the last value of each. Callers keep to a timetable whatever the answers do; Meta's side of the
journey is read from the simulator's record of its calls.
"""

import asyncio
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stormcom.facebook.v1.connector_service_pb2 import UpdateInventoryRequest
from tests.bench import goods
from tests.bench.measure import Better, Effort, Row, percentile
from tests.bench.rig import Rig, Shop, running_rig
from tests.bench.sync import commit_snapshot, put_snapshot, settle_sync

PER_SECOND = 150
STEADY_PER_SECOND = 50
STEADY_PRODUCTS = 500
DURING_SYNC = 6_000  # each product changes once: no change overtakes another
QUIET_MS, BUSY_MS, SYNC_MS = 50.0, 500.0, 2_000.0
MOST_WAITING = 200  # the server refuses more streams on one connection than 256
SETTLE_SECONDS = 3.0
ARRIVAL_PATIENCE_SECONDS = 60.0
CALLS_AT_ONCE = 20

Times = dict[str, float]


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Change stock alone, beside busy cores, for a while, and beside a sync."""
    once = PER_SECOND * 2 * effort.rounds
    quiet, busy = range(once), range(once, 2 * once)
    steady = range(busy.stop, busy.stop + STEADY_PRODUCTS)
    synced = range(steady.stop, steady.stop + DURING_SYNC)
    async with running_rig(folder / "inventory") as rig:
        shop = await rig.connect(1)
        await rig.upsert(shop, synced.stop)
        await rig.go(shop)
        await asyncio.sleep(SETTLE_SECONDS)
        alone = await _delays(rig, await _change(rig, shop, quiet, per_second=PER_SECOND))
        with _busy_cores():
            beside = await _delays(rig, await _change(rig, shop, busy, per_second=PER_SECOND))
        right = await _steady(rig, shop, steady, seconds=effort.steady_seconds)
        during = await _during_sync(rig, shop, synced, products=effort.catalogues[1])
    return [
        _row(f"at {PER_SECOND} a second", alone, QUIET_MS),
        _row(f"at {PER_SECOND} a second beside busy cores", beside, BUSY_MS),
        _row(f"at {STEADY_PER_SECOND} a second while {effort.catalogues[1]:,} products sync", during, SYNC_MS),
        right,
    ]


def _row(name: str, delays: list[float], promised: float) -> Row:
    p50, p95, p99 = (percentile(delays, percent) for percent in (50, 95, 99))
    return Row(
        name=f"stock change stored → call at Meta, p99 {name} / {promised:,.0f} ms",
        ours=p99, baseline=promised, ratio=p99 / promised, goal=1.0, better=Better.LOWER, unit="ms",
        note=f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, longest {max(delays):,.0f} ms, {len(delays)} changes",
    )  # fmt: skip


async def _change(
    rig: Rig, shop: Shop, numbers: Iterable[int], *, per_second: int, going: Callable[[], bool] = lambda: True
) -> Times:
    """Change each product's stock by the timetable, as long as it goes on; when each was accepted, by its `retailer_id`."""
    accepted: Times = {}
    begin, room = time.monotonic(), asyncio.Semaphore(MOST_WAITING)

    async def change(number: int) -> None:
        request = UpdateInventoryRequest(store_id=shop.store_id, lines=goods.lines([number], version=2))
        async with room:
            answer = await rig.connector.UpdateInventory(request, metadata=rig.metadata)
        accepted[answer.results[0].retailer_id] = time.time()

    async with asyncio.TaskGroup() as group:
        for place, number in enumerate(numbers):
            await asyncio.sleep(begin + place / per_second - time.monotonic())
            if not going():
                break
            group.create_task(change(number))
    return accepted


async def _delays(rig: Rig, accepted: Times) -> list[float]:
    """Tell for each change how many milliseconds later Meta was first told."""
    arrived: Times = {}
    since, end = 0, time.monotonic() + ARRIVAL_PATIENCE_SECONDS
    while accepted.keys() - arrived.keys() and time.monotonic() < end:
        found = await rig.control("GET", f"/calls?path=items_batch&since={since}&limit={CALLS_AT_ONCE}")
        for call in found["calls"]:
            for name in _stock_changes(call):
                arrived.setdefault(name, call["time"] - call["duration_ms"] / 1000)
        if not found["calls"]:
            await asyncio.sleep(0.5)
        since = found["last"]
    if missing := accepted.keys() - arrived.keys():
        raise RuntimeError(f"{len(missing)} of {len(accepted)} stock changes never reached Meta")
    return [(arrived[name] - accepted[name]) * 1000 for name in accepted]


def _stock_changes(call: Mapping[str, Any]) -> Iterator[str]:
    for request in call["parameters"].get("requests", []):
        if "title" not in request["data"]:  # with a title it is the catalogue's lane
            yield request["data"]["id"]


async def _steady(rig: Rig, shop: Shop, numbers: range, *, seconds: int) -> Row:
    """Change products at random, and tell for how many Meta ends with the last value."""
    chance = random.Random(1)  # noqa: S311 – the same course in every run
    last: dict[str, int] = {}
    begin, waiting = time.monotonic(), set[asyncio.Task[Any]]()
    for version in range(3, 3 + seconds * STEADY_PER_SECOND):
        await asyncio.sleep(begin + (version - 3) / STEADY_PER_SECOND - time.monotonic())
        line = goods.lines([chance.choice(numbers)], version=version)[0]
        last[f"sc_{line.product_id}"] = line.quantity
        request = UpdateInventoryRequest(store_id=shop.store_id, lines=[line])
        call = asyncio.ensure_future(rig.connector.UpdateInventory(request, metadata=rig.metadata))
        waiting.add(call)
        call.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    right, end = 0, time.monotonic() + ARRIVAL_PATIENCE_SECONDS
    while right < len(last) and time.monotonic() < end:
        await asyncio.sleep(0.5)
        right = sum([await _quantity(rig, shop, name) == quantity for name, quantity in last.items()])
    changes = seconds * STEADY_PER_SECOND
    return Row(
        name=f"items with the last of {changes:,} values at Meta, {STEADY_PER_SECOND} changes a second for {seconds} s / items changed",
        ours=right, baseline=len(last), ratio=right / len(last), goal=1.0, better=Better.HIGHER, unit="items",
    )  # fmt: skip


async def _quantity(rig: Rig, shop: Shop, name: str) -> int | None:
    found = await rig.control("GET", f"/state/catalogs/{shop.catalog_id}/items?retailer_id={name}")
    quantity: int | None = found["items"][0]["data"].get("quantity_to_sell_on_facebook") if found["items"] else None
    return quantity


async def _during_sync(rig: Rig, shop: Shop, numbers: range, *, products: int) -> list[float]:
    """Sync so many new products beside those there are, and change stock from its commit until its end."""
    snapshot_id = await put_snapshot(rig, shop, numbers.stop + products)
    sync = asyncio.create_task(settle_sync(rig, await commit_snapshot(rig, shop, snapshot_id, numbers.stop + products)))
    accepted = await _change(rig, shop, numbers, per_second=STEADY_PER_SECOND, going=lambda: not sync.done())
    await sync
    return await _delays(rig, accepted)


@contextmanager
def _busy_cores() -> Iterator[None]:
    """Keep every core busy with something else."""
    spinners = [
        multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)
    ]
    for one in spinners:
        one.start()
    try:
        yield
    finally:
        for one in spinners:
            one.terminate()
            one.join()


def _spin() -> None:
    while True:
        pass
