"""Whole catalogues through a snapshot to Meta and back, of growing size: the first sync, the same again, and 1 % of it changed.

CPU is that of all our processes, PostgreSQL's and Redis's together; the simulator's is Meta's and reported apart. The caller
makes its products as it sends them: neither side ever holds a catalogue.
"""

import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stormcom.facebook.v1.catalog_service_pb2 import (
    BeginSnapshotRequest,
    CommitSnapshotRequest,
    PutSnapshotProductsRequest,
)
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.product_pb2 import Product
from tests.bench import goods
from tests.bench.copying import copy_products
from tests.bench.measure import Better, Effort, Row, cpu_seconds, watching
from tests.bench.rig import Rig, Shop, running_rig

PER_PUT = 500
CHANGED_ONE_IN = 100
META, POSTGRES = "simulator", "postgres"
PROMISED_MEGABYTES = 250.0
PATIENCE_SECONDS, PATIENCE_PER_PRODUCT_SECONDS = 240.0, 0.004
COMMIT_SECONDS = 60.0  # the longest a server works on a call; without a word it gives up after ten
# A million items pass by: of each call Meta's side records a few.
RECORDED = {"recorded_elements": 3}


class Kind(StrEnum):
    """What a sync finds."""

    FIRST = "first"
    UNCHANGED = "unchanged"
    CHANGED = "1 % changed"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sync took: the time a caller waits, and CPU by process."""

    seconds: float
    cpu: Mapping[str, float]

    @property
    def ours(self) -> float:
        """CPU seconds without Meta's."""
        return sum(seconds for name, seconds in self.cpu.items() if name != META)


@dataclass(frozen=True, slots=True)
class Course:
    """What the syncs of one catalogue took, and the most memory each process had by then."""

    products: int
    costs: Mapping[Kind, Cost]
    copying: float
    """CPU seconds of parsing and copying the same products."""
    megabytes: Mapping[str, float]


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Sync catalogues of growing size, each of a store of its own, three times."""
    courses = []
    async with running_rig(folder / "sync") as rig:
        await rig.control("PATCH", "/switches", RECORDED)
        async with watching(rig.pids()) as peaks:
            for number, products in enumerate(effort.catalogues, start=1):
                shop = await rig.connect(number)
                await rig.go(shop)
                costs = {kind: await _sync(rig, shop, products, kind) for kind in Kind}
                copying = _copy(rig, products)
                courses.append(Course(products, costs, copying, dict(peaks.megabytes)))
    return [row for course in courses for row in _costs(course)] + _growth(courses) + _memory(courses)


async def _sync(rig: Rig, shop: Shop, count: int, kind: Kind) -> Cost:
    """Hand a catalogue in as a snapshot, and wait until Meta has confirmed every item."""
    before, begin = _cpu(rig), time.perf_counter()
    snapshot_id = await put_snapshot(rig, shop, count, kind)
    operation = await commit_snapshot(rig, shop, snapshot_id, count)
    committed = time.perf_counter() - begin
    await settle_sync(rig, operation, products=count)
    cost = Cost(time.perf_counter() - begin, {name: after - before[name] for name, after in _cpu(rig).items()})
    took = f"{cost.seconds:.1f} s, {committed:.1f} s of it until committed; {_parts(cost, count)}"
    sys.stderr.write(f"{count:,} products, {kind}: {took}\n")
    return cost


async def put_snapshot(rig: Rig, shop: Shop, count: int, kind: Kind = Kind.FIRST) -> str:
    """Hand in the first so many products; the snapshot's id."""
    began = await rig.catalog.BeginSnapshot(BeginSnapshotRequest(store_id=shop.store_id), metadata=rig.metadata)
    for start in range(0, count, PER_PUT):
        products = _products(range(start, min(start + PER_PUT, count)), kind)
        request = PutSnapshotProductsRequest(store_id=shop.store_id, snapshot_id=began.snapshot_id, products=products)
        await rig.catalog.PutSnapshotProducts(request, metadata=rig.metadata)
    return str(began.snapshot_id)


async def commit_snapshot(rig: Rig, shop: Shop, snapshot_id: str, count: int) -> Operation:
    """Commit a snapshot of the first so many products."""
    commit = CommitSnapshotRequest(
        store_id=shop.store_id, snapshot_id=snapshot_id, product_count=count, digest=goods.snapshot_digest(count)
    )
    answer = await rig.catalog.CommitSnapshot(commit, metadata=rig.metadata, timeout=COMMIT_SECONDS)
    operation: Operation = answer.operation
    return operation


async def settle_sync(rig: Rig, operation: Operation, *, products: int = 0) -> None:
    """Wait until Meta has confirmed everything."""
    patience_seconds = PATIENCE_SECONDS + products * PATIENCE_PER_PRODUCT_SECONDS
    await rig.settled(operation, patience_seconds=patience_seconds)


def _products(numbers: Iterable[int], kind: Kind) -> list[Product]:
    changed = CHANGED_ONE_IN if kind is Kind.CHANGED else 0
    return [goods.product(one, version=2 if changed and one % changed == 0 else 1) for one in numbers]


def _copy(rig: Rig, products: int) -> float:
    pid = rig.pids()[POSTGRES]
    return copy_products(
        rig.stack.servers.database_url, products, per_call=PER_PUT, postgres_cpu=lambda: cpu_seconds(pid)
    )


def _cpu(rig: Rig) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in rig.pids().items()}


def _parts(cost: Cost, products: int) -> str:
    """Say each process's part, in microseconds of CPU per product."""
    parts = (f"{name} {seconds / products * 1e6:,.0f}" for name, seconds in cost.cpu.items() if seconds)
    return f"µs CPU per product: {', '.join(parts)}"


def _costs(course: Course) -> list[Row]:
    first, what = course.costs[Kind.FIRST], f"{course.products:,} products"
    each = course.products / 1e6
    rows = [
        _lower(
            f"first sync of {what} / parsing and copying them, CPU", first.ours / each, course.copying / each, 3.0,
            unit="µs CPU per product", note=_parts(first, course.products),
        )
    ]  # fmt: skip
    for kind, goal in ((Kind.UNCHANGED, 0.1), (Kind.CHANGED, 0.4)):
        again, name = course.costs[kind], f"{kind} sync of {what} / the first"
        rows += [
            _lower(f"{name}, CPU", again.ours, first.ours, goal, unit="s CPU", note=_parts(again, course.products)),
            _lower(f"{name}, time", again.seconds, first.seconds, goal, unit="s"),
        ]
    return rows


def _growth(courses: Sequence[Course]) -> list[Row]:
    """Tell with which power of the number of products time and CPU grow, from the smallest catalogue to the largest."""
    small, large = courses[0], courses[-1]
    times = large.products / small.products
    figures: Mapping[str, Callable[[Cost], float]] = {"time": lambda cost: cost.seconds, "CPU": lambda cost: cost.ours}
    return [
        Row(
            name=f"growth of {name}, {kind} sync, {small.products:,} → {large.products:,} products: exponent",
            ours=read(large.costs[kind]), baseline=read(small.costs[kind]), goal=1.05, better=Better.LOWER, unit="s",
            ratio=math.log(read(large.costs[kind]) / read(small.costs[kind])) / math.log(times),
        )
        for kind in Kind for name, read in figures.items()
    ]  # fmt: skip


def _memory(courses: Sequence[Course]) -> list[Row]:
    """Make two rows for each process of ours: its growth, and its size against what is promised."""
    small, large = courses[0], courses[-1]
    ours = [name for name in large.megabytes if name not in {META, POSTGRES}]
    sizes = f"{large.products:,} products / {small.products:,}"
    growth = [
        _lower(f"peak memory of {name}, {sizes}", large.megabytes[name], small.megabytes[name], 1.3, unit="MB") for name in ours
    ]  # fmt: skip
    largest = max(ours, key=lambda name: large.megabytes[name])
    note = f"shared memory included, PostgreSQL's largest: {large.megabytes[POSTGRES]:.0f} MB; the simulator: {large.megabytes[META]:.0f} MB"
    name = f"peak memory of the largest process ({largest}) / {PROMISED_MEGABYTES:.0f} MB"
    return [*growth, _lower(name, large.megabytes[largest], PROMISED_MEGABYTES, 1.0, unit="MB", note=note)]


def _lower(name: str, ours: float, baseline: float, goal: float, *, unit: str, note: str = "") -> Row:
    return Row(
        name=name, ours=ours, baseline=baseline, ratio=ours / baseline, goal=goal, better=Better.LOWER, unit=unit, note=note
    )  # fmt: skip
