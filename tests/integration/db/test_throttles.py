"""Meta's pauses: kept for all workers, and never shortened."""

from datetime import timedelta
from typing import Any

import pytest

from connector.db import throttles
from connector.errors import Throttled
from connector.runtime import Runtime

BUCKET, OTHER = "catalog_batch:1", "catalog_batch:2"


async def test_a_pause_stops_its_bucket_only(runtime: Runtime) -> None:
    """A paused bucket refuses work and says until when; others go on."""
    until = runtime.now() + timedelta(minutes=3)
    async with runtime.db.begin() as tx:
        await throttles.pause(tx, BUCKET, until)
        await throttles.require_open(tx, [OTHER], at=runtime.now())
        with pytest.raises(Throttled) as refusal:
            await throttles.require_open(tx, [OTHER, BUCKET], at=runtime.now())
    assert (BUCKET, until) == (refusal.value.bucket, refusal.value.until)


async def test_a_pause_ends(runtime: Runtime, clock: Any) -> None:
    """When the pause is over, work goes on by itself."""
    async with runtime.db.begin() as tx:
        await throttles.pause(tx, BUCKET, runtime.now() + timedelta(minutes=3))
    clock.advance(minutes=3)
    async with runtime.db.begin() as tx:
        await throttles.require_open(tx, [BUCKET], at=runtime.now())


async def test_a_longer_pause_stays(runtime: Runtime) -> None:
    """A shorter pause that comes later does not shorten the one that runs; the longest is the one reported."""
    longest = runtime.now() + timedelta(minutes=9)
    async with runtime.db.begin() as tx:
        await throttles.pause(tx, BUCKET, longest)
        await throttles.pause(tx, BUCKET, runtime.now() + timedelta(minutes=1))
        await throttles.pause(tx, OTHER, runtime.now() + timedelta(minutes=2))
        running = await throttles.running(tx, [BUCKET, OTHER], at=runtime.now())
    assert [(BUCKET, longest), (OTHER, running[1][1])] == running
