"""Follows a store's log of events, to know when what was sent in at one end arrived at the other."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import SubscribeRequest
from tests.bench.rig import Rig, Shop

Arrivals = AsyncIterator[tuple[str, float]]


@asynccontextmanager
async def following(rig: Rig, shop: Shop, kind: str, name: Callable[[Event], str]) -> AsyncIterator[Arrivals]:
    """Follow the store's log from its end on; tells what each event of a kind is about, and when it arrived."""
    wish = SubscribeRequest(store_id=shop.store_id, idle_seconds=1, max_batch=100, kinds=[kind])
    stream: Any = rig.events.Subscribe(wish, metadata=rig.metadata)
    while not (await stream.read()).HasField("idle"):
        pass

    async def heard() -> Arrivals:
        while True:
            answer = await stream.read()
            now = time.perf_counter()
            for event in answer.events:
                yield name(event), now

    try:
        yield heard()
    finally:
        stream.cancel()
