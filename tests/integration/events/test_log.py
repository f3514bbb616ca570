"""The log: nothing is missed, nothing moves, whoever writes and whenever they commit."""

import asyncio
import random
from typing import Any

import pytest

from connector.errors import InvalidInput
from connector.events import actions, db, rpc
from connector.events.model import Draft
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as pb

STORE, OTHER_STORE = "store_1", "store_2"


def draft(key: str, number: int, store_id: str = STORE) -> Draft:
    return Draft(store_id, None, key, "operation_changed", {"operation": {"operation_id": str(number)}})


async def take(stream: Any, count: int) -> list[Any]:
    """Take so many events of a stream, then leave it."""
    taken: list[Any] = []
    async for entry in stream:
        taken.append(entry)
        if len(taken) == count:
            await stream.aclose()
            return taken
    return taken


async def test_concurrent_writers_leave_no_gap(runtime: Runtime) -> None:
    """A reader that follows the log while many transactions commit in any order sees every event, once."""
    writers, each = 8, 25
    shuffle = random.Random(20261121)  # noqa: S311 – mixes up the order, guards nothing

    async def write(writer: int) -> None:
        for number in range(each):
            async with runtime.db.begin() as tx:
                await db.append(tx, draft(f"writer:{writer}", writer * each + number), at=runtime.now())
                await asyncio.sleep(shuffle.random() * 0.005)  # commits out of the order of appending

    async def read() -> list[int]:
        seen: list[int] = []
        async for batch in actions.follow(runtime, STORE, 0):
            seen += [int(event.body["operation"]["operation_id"]) for event in batch.events]
            if len(seen) >= writers * each:
                break
        return seen

    async with asyncio.timeout(60):
        reading = asyncio.create_task(read())
        await asyncio.gather(*(write(writer) for writer in range(writers)))
        seen = await reading
    assert sorted(seen) == list(range(writers * each))
    for writer in range(writers):
        own = [number for number in seen if number // each == writer]
        assert own == sorted(own)


async def test_a_late_commit_stands_behind_what_was_read(runtime: Runtime) -> None:
    """An event appended early but committed late gets its place at the commit: no reader has passed it."""
    async with runtime.db.begin() as slow:
        await db.append(slow, draft("slow", 1), at=runtime.now())
        async with runtime.db.begin() as quick:
            await db.append(quick, draft("quick", 2), at=runtime.now())
        async with runtime.db.begin() as tx:
            seen = await db.behind(tx, STORE, 0, limit=10)
    async with runtime.db.begin() as tx:
        later = await db.behind(tx, STORE, seen[-1].position, limit=10)
    assert (["quick"], ["slow"]) == ([one.ordering_key for one in seen], [one.ordering_key for one in later])


async def test_a_rolled_back_event_never_was(runtime: Runtime) -> None:
    """An event of a transaction that failed is told to nobody."""
    async with runtime.db.connect() as tx:
        await db.append(tx, draft("lost", 1), at=runtime.now())
        await tx.rollback()
    async with runtime.db.begin() as tx:
        assert await db.behind(tx, STORE, 0, limit=10) == []


async def test_two_writers_of_two_stores_do_not_wait_for_each_other(runtime: Runtime) -> None:
    """An open transaction of one store holds up no other store, nor its own."""
    async with runtime.db.begin() as slow:
        await db.append(slow, draft("slow", 1), at=runtime.now())
        async with asyncio.timeout(5):
            for store_id in (STORE, OTHER_STORE):
                async with runtime.db.begin() as tx:
                    await db.append(tx, draft("quick", 2, store_id), at=runtime.now())


async def test_subscribe_resumes_behind_a_position(runtime: Runtime, tell: Any) -> None:
    """A stream that begins at an event's position continues with the next event."""
    await tell("a", "b", "c")
    first = (await take(rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE)), 3))[0].event
    resumed = rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE, after_position=first.position))
    assert ["b", "c"] == [entry.event.ordering_key for entry in await take(resumed, 2)]


async def test_subscribe_begins_at_what_the_consumer_has_not_acknowledged(runtime: Runtime, tell: Any) -> None:
    """Without a position, a stream begins behind everything its consumer acknowledged."""
    await tell("a", "b", "c")
    first = (await take(rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE)), 1))[0].event
    await rpc.ack_events(runtime, pb.AckEventsRequest(store_id=STORE, event_ids=[first.event_id]))
    again = await take(rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE)), 2)
    assert ["b", "c"] == [entry.event.ordering_key for entry in again]


async def test_a_waiting_stream_hears_of_a_new_event_at_once(runtime: Runtime, tell: Any) -> None:
    """A stream that has nothing to tell tells the next event well before it would look again by itself."""
    took, position = [], ""
    for key in "abc":  # the quickest counts: a busy machine may hold one up
        stream = rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE, after_position=position))
        waiting = asyncio.create_task(take(stream, 1))
        await asyncio.sleep(0.2)  # until it listens
        began = asyncio.get_running_loop().time()
        await tell(key)
        position = (await waiting)[0].event.position
        took.append(asyncio.get_running_loop().time() - began)
    assert min(took) < 0.5


async def test_streams_keep_to_their_store(runtime: Runtime, tell: Any) -> None:
    """A store's stream never shows another store's event."""
    await tell("foreign", store_id=OTHER_STORE)
    await tell("own")
    assert ["own"] == [
        entry.event.ordering_key for entry in await take(rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE)), 1)
    ]


@pytest.mark.parametrize("position", ["x", "AAAA", "é", "__________8", "AAAAAAAAAAE="])
async def test_a_foreign_position_is_refused(runtime: Runtime, position: str) -> None:
    """What is not a position of ours is refused, not read as some other place."""
    with pytest.raises(InvalidInput):
        await take(rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE, after_position=position)), 1)


async def test_an_event_carries_its_payload(runtime: Runtime, tell: Any) -> None:
    """What a feature appended as plain values arrives as the contract's payload."""
    await tell("operation:1")
    event = (await take(rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE)), 1))[0].event
    assert ("operation_changed", "0") == (
        event.WhichOneof("payload"),
        event.operation_changed.operation.operation_id,
    )
