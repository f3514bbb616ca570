"""Events on their way to StormCom: a backlog read through Subscribe and through PullEvents and AckEvents, against a bare stream of the same bytes."""

import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc

from connector.events import db
from connector.events.model import Draft
from connector.runtime import Runtime, open_runtime
from connector.settings import Settings
from stormcom.facebook.v1.event_service_pb2 import AckEventsRequest, PullEventsRequest, SubscribeRequest
from tests.bench.bare import CALL
from tests.bench.measure import Better, Effort, Row, compare, in_turns
from tests.bench.rig import Rig, bare, requests_file, running_rig

STORE_ID = "store-1"
PER_TRANSACTION, PER_PULL, PER_BATCH = 500, 100, 100
CONVERSATIONS = 50
EVENTS, PULLED = 5_000, 2_000


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Read the same backlog again and again, each time as a consumer of another name."""
    async with running_rig(folder / "events", only=("simulator", "connector")) as rig:
        async with open_runtime(Settings.read(rig.stack.environment)) as runtime:
            await _append(runtime, EVENTS)
        names = (f"consumer-{number}" for number in count(1))
        backlog = [answer async for answer in _subscribe(rig, next(names))]
        file = requests_file(rig.folder, "events", backlog)
        async with bare(rig.folder, "stream", str(file)) as streaming:
            subscribed, batched, pulled, bare_stream = await in_turns(
                effort.rounds,
                lambda: _rate_of_stream(rig, next(names)),
                lambda: _rate_of_stream(rig, next(names), PER_BATCH),
                lambda: _rate_of_pulls(rig, next(names)),
                lambda: _rate_of_bare(streaming),
            )
    stream = "a bare grpc.aio stream of the same events"
    return [
        compare(f"events through Subscribe / {stream}", subscribed, bare_stream, goal=0.3, better=Better.HIGHER, unit="events/s"),
        compare(f"events through Subscribe in batches of {PER_BATCH} / 5,000 a second", batched, [5_000.0] * effort.rounds, goal=1, better=Better.HIGHER, unit="events/s"),
        compare(f"events through PullEvents and AckEvents, one consumer / {stream}", pulled, bare_stream, goal=0.1, better=Better.HIGHER, unit="events/s"),
        compare("events through PullEvents and AckEvents / 2,000 a second", pulled, [2_000.0] * effort.rounds, goal=1, better=Better.HIGHER, unit="events/s"),
    ]  # fmt: skip


async def _append(runtime: Runtime, total: int) -> None:
    for begin in range(0, total, PER_TRANSACTION):
        async with runtime.db.begin() as tx:
            drafts = (_draft(number) for number in range(begin, min(begin + PER_TRANSACTION, total)))
            await db.append(tx, *drafts, at=runtime.now())


def _draft(number: int) -> Draft:
    """Write the event of a buyer's message, the way messaging writes it."""
    conversation = {
        "conversation_id": f"t_{number % CONVERSATIONS}",
        "unread_count": 1,
        "last_message_time": "2026-11-21T12:00:00+00:00",
    }
    message = {
        "message_id": str(UUID(int=number)),
        "send_time": "2026-11-21T12:00:00+00:00",
        "mid": f"m_{number:024d}",
        "text": "Is the blue one still there? " * 3,
    }
    body = {"conversation": conversation, "message": message}
    return Draft(STORE_ID, None, f"conversation:{number % CONVERSATIONS}", "message_received", body)


async def _subscribe(rig: Rig, consumer: str, batch: int = 1) -> AsyncIterator[bytes]:
    """Follow the log from its beginning to the end of the backlog; answers are not parsed."""
    call: Any = rig.channel.unary_stream("/stormcom.facebook.v1.FacebookEvents/Subscribe")
    request = SubscribeRequest(store_id=STORE_ID, consumer=consumer, max_batch=batch).SerializeToString()
    stream = call(request, metadata=rig.metadata)
    for _ in range(EVENTS // batch):
        yield await stream.read()
    stream.cancel()


async def _rate_of_stream(rig: Rig, consumer: str, batch: int = 1) -> float:
    begin = time.perf_counter()
    async for _ in _subscribe(rig, consumer, batch):
        pass
    return EVENTS / (time.perf_counter() - begin)


async def _rate_of_bare(address: str) -> float:
    begin = time.perf_counter()
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_stream(CALL)
        async for _ in call(SubscribeRequest().SerializeToString()):
            pass
    return EVENTS / (time.perf_counter() - begin)


async def _rate_of_pulls(rig: Rig, consumer: str) -> float:
    begin, done = time.perf_counter(), 0
    while done < PULLED:
        wish = PullEventsRequest(store_id=STORE_ID, consumer=consumer, max_events=PER_PULL)
        events = (await rig.events.PullEvents(wish, metadata=rig.metadata)).events
        ack = AckEventsRequest(store_id=STORE_ID, consumer=consumer, event_ids=[event.event_id for event in events])
        done += (await rig.events.AckEvents(ack, metadata=rig.metadata)).acknowledged_count
    return done / (time.perf_counter() - begin)
