"""Whole catalogues through a snapshot to Meta and back: the second, unchanged sync against the first, and peak memory by size.

CPU is that of all our processes and PostgreSQL's together; the simulator's is Meta's and not counted.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stormcom.facebook.v1.catalog_service_pb2 import (
    BeginSnapshotRequest,
    CommitSnapshotRequest,
    PutSnapshotProductsRequest,
)
from stormcom.facebook.v1.product_pb2 import Product
from tests.bench import goods
from tests.bench.measure import Better, Effort, Row, cpu_seconds, watching
from tests.bench.rig import Rig, Shop, running_rig

PER_PUT = 500
META = "simulator"
PROMISED_MEGABYTES = 250.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sync took: the time a caller waits, and CPU by process."""

    seconds: float
    cpu: Mapping[str, float]

    @property
    def ours(self) -> float:
        """CPU seconds without Meta's."""
        return sum(seconds for name, seconds in self.cpu.items() if name != META)


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Sync a small and a large catalogue into stores of their own, then the large one again."""
    async with running_rig(folder / "sync") as rig:
        small, large = [await rig.connect(number) for number in (1, 2)]
        for shop in (small, large):
            await rig.go(shop)
        async with watching(rig.pids()) as peaks:
            await _sync(rig, small, effort.small_catalogue)
            before = dict(peaks.megabytes)
            first = await _sync(rig, large, effort.large_catalogue)
            again = await _sync(rig, large, effort.large_catalogue)
    return [*_costs(first, again, effort), *_memory(before, peaks.megabytes, effort)]


async def _sync(rig: Rig, shop: Shop, count: int) -> Cost:
    """Hand a catalogue in as a snapshot, and wait until Meta has confirmed every item."""
    before, begin = _cpu(rig), time.perf_counter()
    began = await rig.catalog.BeginSnapshot(BeginSnapshotRequest(store_id=shop.store_id), metadata=rig.metadata)
    names: list[str] = []
    for start in range(0, count, PER_PUT):
        some = [goods.product(number) for number in range(start, min(start + PER_PUT, count))]
        names += [product.product_id for product in some]
        await _put(rig, shop, began.snapshot_id, some)
    commit = CommitSnapshotRequest(
        store_id=shop.store_id, snapshot_id=began.snapshot_id, product_count=count, digest=goods.snapshot_digest(names)
    )
    answer = await rig.catalog.CommitSnapshot(commit, metadata=rig.metadata)
    await rig.settled(answer.operation)
    seconds = time.perf_counter() - begin
    await asyncio.sleep(0)
    return Cost(seconds, {name: after - before[name] for name, after in _cpu(rig).items()})


async def _put(rig: Rig, shop: Shop, snapshot_id: str, some: Sequence[Product]) -> None:
    request = PutSnapshotProductsRequest(store_id=shop.store_id, snapshot_id=snapshot_id, products=some)
    await rig.catalog.PutSnapshotProducts(request, metadata=rig.metadata)


def _cpu(rig: Rig) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in rig.pids().items()}


def _costs(first: Cost, again: Cost, effort: Effort) -> list[Row]:
    what = f"unchanged sync of {effort.large_catalogue:,} products / its first sync"
    parts = "; ".join(f"{name} {first.cpu[name]:.1f} → {again.cpu[name]:.1f}" for name in first.cpu)
    rows = (
        ("CPU", again.ours, first.ours, "s CPU", f"CPU seconds first → again: {parts}"),
        ("time", again.seconds, first.seconds, "s", ""),
    )
    return [
        Row(
            name=f"{what}, {name}", ours=ours, baseline=baseline, ratio=ours / baseline, goal=0.1, better=Better.LOWER,
            unit=unit, note=note,
        )
        for name, ours, baseline, unit, note in rows
    ]  # fmt: skip


def _memory(small: Mapping[str, float], large: Mapping[str, float], effort: Effort) -> list[Row]:
    """Make two rows for each process of ours: its growth, and its size against what is promised."""
    ours = [name for name in large if name not in {META, "postgres"}]
    growth = [
        Row(
            name=f"peak memory of {name}, {effort.large_catalogue:,} products / {effort.small_catalogue:,}",
            ours=large[name], baseline=small[name], ratio=large[name] / small[name], goal=1.3, better=Better.LOWER, unit="MB",
        )
        for name in ours
    ]  # fmt: skip
    largest = max(ours, key=lambda name: large[name])
    return [
        *growth,
        Row(
            name=f"peak memory of the largest process ({largest}) / {PROMISED_MEGABYTES:.0f} MB",
            ours=large[largest], baseline=PROMISED_MEGABYTES, ratio=large[largest] / PROMISED_MEGABYTES, goal=1.0,
            better=Better.LOWER, unit="MB", note=f"the simulator: {large[META]:.0f} MB",
        ),
    ]  # fmt: skip
