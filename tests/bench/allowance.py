"""Meta's rate limit against more work than it allows: how much of the allowance is used, and whether the limit is ever run into.

Two stores change stock all the time, many times a second, and products too; Meta counts batches in a window of half a minute, as
its `items_batch` does in one of a minute or an hour.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from stormcom.facebook.v1.catalog_service_pb2 import UpsertProductsRequest
from stormcom.facebook.v1.connector_service_pb2 import UpdateInventoryRequest
from tests.bench import goods
from tests.bench.measure import Better, Effort, Row
from tests.bench.rig import Rig, Shop, running_rig

WINDOW_SECONDS = 30
ALLOWANCE = 40
MOST_WINDOWS = 3
STORES = 2
PRODUCTS = 400
CHANGES_PER_SECOND = 20


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Give more work than Meta allows, and read what Meta counted."""
    windows_count = min(effort.rounds, MOST_WINDOWS)
    environment = {"META_BATCH_WINDOW_SECONDS": str(WINDOW_SECONDS)}
    async with running_rig(folder / "allowance", environment=environment) as rig:
        shops = [await rig.connect(number + 1) for number in range(STORES)]
        for shop in shops:
            await rig.upsert(shop, PRODUCTS)
            await rig.go(shop)
        windows = {"catalog_batch": float(WINDOW_SECONDS)}
        await rig.control("PATCH", "/switches", {"allowances": {"catalog_batch": ALLOWANCE}, "window_seconds": windows})
        end = time.monotonic() + (1 + windows_count) * WINDOW_SECONDS
        async with asyncio.TaskGroup() as group:
            for shop in shops:
                group.create_task(_change(rig, shop, until=end))
            await asyncio.sleep(WINDOW_SECONDS)  # the first window has no past
            before = await _accounts(rig)
            await asyncio.sleep(end - time.monotonic())
            after = await _accounts(rig)
    return _rows(before, after, windows_count=windows_count)


async def _change(rig: Rig, shop: Shop, *, until: float) -> None:
    """Change the stock of one product after the other, and now and then a product, faster than Meta may be told."""
    number, version = 0, 2
    while time.monotonic() < until:
        lines = goods.lines([number], version=version)
        await rig.connector.UpdateInventory(
            UpdateInventoryRequest(store_id=shop.store_id, lines=lines), metadata=rig.metadata
        )
        if number % CHANGES_PER_SECOND == 0:
            product = goods.product(number, version=version)
            await rig.catalog.UpsertProducts(
                UpsertProductsRequest(store_id=shop.store_id, products=[product]), metadata=rig.metadata
            )
        number = (number + 1) % PRODUCTS
        version += number == 0
        await asyncio.sleep(1 / CHANGES_PER_SECOND)


async def _accounts(rig: Rig) -> list[dict[str, Any]]:
    buckets = (await rig.control("GET", "/state"))["limits"]["buckets"]
    return [one for one in buckets if one["bucket"] == "catalog_batch"]


def _rows(before: list[dict[str, Any]], after: list[dict[str, Any]], *, windows_count: int) -> list[Row]:
    """Make a row for each promise: the allowance is used, hardly anything is throttled, nobody calls inside a block."""
    counts = {
        name: sum(one[name] for one in after) - sum(one[name] for one in before)
        for name in ("calls", "refused", "inside_block")
    }
    allowed = ALLOWANCE * windows_count * len(after)
    rows = (
        ("Meta's allowance used while there is work / all of it", counts["calls"], allowed, 0.85, Better.HIGHER),
        ("throttled answers / calls", counts["refused"], counts["calls"], 0.01, Better.LOWER),
        ("calls inside a block / calls", counts["inside_block"], counts["calls"], 0.0, Better.LOWER),
    )
    return [
        Row(
            name=name, ours=ours, baseline=baseline, ratio=ours / max(baseline, 1), goal=goal, better=better, unit="calls",
            note=f"{STORES} stores, {ALLOWANCE} batches per {WINDOW_SECONDS} s and catalog, {windows_count} windows",
        )
        for name, ours, baseline, goal, better in rows
    ]  # fmt: skip
