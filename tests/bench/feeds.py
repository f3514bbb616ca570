"""Catalogues that travel as files: written, fetched from the ingress, settled; their cost beside that of batches, and nobody's memory grows.

A file of 100,000 products is written by the worker in pieces, sent by the ingress in pieces, and its items are settled in pieces.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from stormcom.facebook.v1.feed_pb2 import FEED_KIND_PRODUCTS, FeedUpload
from stormcom.facebook.v1.feed_service_pb2 import ListFeedUploadsRequest, SetFeedRequest
from stormcom.facebook.v1.feed_service_pb2_grpc import FacebookFeedsStub
from tests.bench.measure import Better, Effort, Row, cpu_seconds, watching
from tests.bench.rig import Rig, running_rig
from tests.bench.sync import META, POSTGRES, RECORDED, commit_snapshot, put_snapshot, settle_sync

SWIFT = {"feed_seconds": 0.1}
GROWTH_GOAL, COST_GOAL = 1.3, 1.5


@dataclass(frozen=True, slots=True)
class Course:
    """What a first sync of a catalogue took, in CPU seconds of ours and in time, and the most memory each process had by then."""

    cpu_seconds: float
    seconds: float
    megabytes: dict[str, float]


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Send catalogues of growing size as files, each of a store of its own, and the largest in batches, too."""
    async with running_rig(folder / "feeds") as rig:
        await rig.control("PATCH", "/switches", RECORDED | SWIFT)
        filed = [
            await _send(rig, number, count, filed=True) for number, count in enumerate(effort.catalogues[:2], start=1)
        ]
        batched = await _send(rig, len(filed) + 1, effort.catalogues[:2][-1], filed=False)
    small, large = effort.catalogues[0], effort.catalogues[:2][-1]
    sizes = f"{large:,} products / {small:,}"
    memory = [
        _lower(
            f"peak memory of {name}, file of {sizes}",
            filed[-1].megabytes[name],
            filed[0].megabytes[name],
            GROWTH_GOAL,
            "MB",
        )
        for name in filed[-1].megabytes
        if name not in {META, POSTGRES}
    ]
    cost = _lower(
        f"first sync of {large:,} products as a file / in batches, CPU",
        filed[-1].cpu_seconds / large * 1e6,
        batched.cpu_seconds / large * 1e6,
        COST_GOAL,
        "µs CPU per product",
    )
    return [*memory, cost]


async def _send(rig: Rig, number: int, count: int, *, filed: bool) -> Course:
    shop = await rig.connect(number)
    await rig.go(shop)
    feeds = FacebookFeedsStub(rig.channel)
    wish = SetFeedRequest(store_id=shop.store_id, kind=FEED_KIND_PRODUCTS, enabled=filed)
    await feeds.SetFeed(wish, metadata=rig.metadata)
    before, begin = _cpu(rig), time.perf_counter()
    async with watching(rig.pids()) as peaks:
        snapshot_id = await put_snapshot(rig, shop, count)
        await settle_sync(rig, await commit_snapshot(rig, shop, snapshot_id, count), products=count)
    course = Course(_cpu(rig) - before, time.perf_counter() - begin, dict(peaks.megabytes))
    answer = await feeds.ListFeedUploads(ListFeedUploadsRequest(store_id=shop.store_id), metadata=rig.metadata)
    rows = sum(upload.row_count for upload in answer.uploads if upload.state != FeedUpload.STATE_FAILED)
    if rows != count * filed:
        raise RuntimeError(f"The file holds {rows} of {count} products:\n{answer}")
    sys.stderr.write(f"{count:,} products, {'a file' if filed else 'batches'}: {course.seconds:.1f} s\n")
    return course


def _cpu(rig: Rig) -> float:
    return sum(cpu_seconds(pid) for name, pid in rig.pids().items() if name != META)


def _lower(name: str, ours: float, baseline: float, goal: float, unit: str) -> Row:
    return Row(
        name=name, ours=ours, baseline=baseline, ratio=ours / baseline, goal=goal, better=Better.LOWER, unit=unit
    )
