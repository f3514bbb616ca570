"""Follows a store's log of events, to know when what was sent in at one end arrived at the other."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import SubscribeRequest
from tests.bench.rig import Rig, Shop

Arrivals = AsyncIterator[tuple[str, float]]
PATIENCE_SECONDS = 240.0


@asynccontextmanager
async def following(rig: Rig, shop: Shop, kind: str, name: Callable[[Event], str]) -> AsyncIterator[Arrivals]:
    """Follow the store's log from its end on; tells what each event of a kind is about, and when it arrived. Too long a silence is an error."""
    wish = SubscribeRequest(store_id=shop.store_id, idle_seconds=1, max_batch=100, kinds=[kind])
    stream: Any = rig.events.Subscribe(wish, metadata=rig.metadata)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await stream.read()).HasField("idle"):
            pass

    async def heard() -> Arrivals:
        while True:
            events = await _next_events(stream, kind)
            now = time.perf_counter()
            for event in events:
                yield name(event), now

    try:
        yield heard()
    finally:
        stream.cancel()


async def _next_events(stream: Any, kind: str) -> Sequence[Event]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (answer := await stream.read()).events:
                pass
    except TimeoutError:
        raise RuntimeError(f"No {kind} came in {PATIENCE_SECONDS:g} s") from None
    events: Sequence[Event] = answer.events
    return events
