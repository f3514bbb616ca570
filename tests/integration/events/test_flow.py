"""Streams with credits, kinds and signs of life; and the promise of the whole log, whoever does what in which order."""

import asyncio
import random
from collections import defaultdict
from contextlib import aclosing
from typing import Any

import pytest

from connector.errors import InvalidInput
from connector.events import rpc
from connector.events.model import read_position, write_position
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as pb
from tests.integration.events.test_dead_letters import nack, redrive, treat
from tests.integration.events.test_loans import STORE, acknowledge, pull


def stream(runtime: Runtime, **named: Any) -> Any:
    return aclosing(rpc.subscribe(runtime, pb.SubscribeRequest(store_id=STORE, **named)))


async def test_a_stream_waits_for_acknowledgements(runtime: Runtime, tell: Any) -> None:
    """No more events are on their way than the reader allows; each acknowledgement, by id or position, lets others follow."""
    await tell(*"abcdef")
    async with asyncio.timeout(20), stream(runtime, max_unacknowledged=2, idle_seconds=1) as answers:
        first, second = [(await anext(answers)).event for _ in range(2)]
        waits = (await anext(answers)).idle
        assert (True, second.position) == (waits.waiting, waits.position)
        await acknowledge(runtime, second)
        third = (await anext(answers)).event
        assert "c" == third.ordering_key
        request = pb.AckEventsRequest(store_id=STORE, up_to_position=third.position)
        assert 0 == (await rpc.ack_events(runtime, request)).unknown_count
        assert ["d", "e"] == [(await anext(answers)).event.ordering_key for _ in range(2)]
    (consumer,) = (await rpc.list_consumers(runtime, pb.ListConsumersRequest(store_id=STORE))).consumers
    assert (pb.Consumer.KIND_STREAM, third.position, 3) == (consumer.kind, consumer.position, consumer.lag_count)
    assert read_position(first.position) < read_position(third.position)


async def test_a_stream_may_come_in_batches(runtime: Runtime, tell: Any) -> None:
    """A reader that wants so gets what there is in answers of that size, in order, and nothing twice."""
    await tell(*"abcde")
    async with asyncio.timeout(20), stream(runtime, max_batch=3) as answers:
        found = [[event.ordering_key for event in (await anext(answers)).events] for _ in range(2)]
    assert [["a", "b", "c"], ["d", "e"]] == found


async def test_a_position_ahead_of_the_log_acknowledges_nothing_that_comes(runtime: Runtime, tell: Any) -> None:
    """What is appended later is never acknowledged beforehand."""
    await tell("a")
    await rpc.ack_events(runtime, pb.AckEventsRequest(store_id=STORE, up_to_position=write_position(1 << 40)))
    await tell("b")
    assert ["b"] == [event.ordering_key for event in await pull(runtime)]


async def test_a_stream_of_some_kinds_passes_the_others(runtime: Runtime, tell: Any) -> None:
    """Only the kinds asked for come; the sign of life tells a position behind all that was passed."""
    await tell("a", "b")
    async with asyncio.timeout(20), stream(runtime, kinds=["alert_raised"], idle_seconds=1) as answers:
        idle = (await anext(answers)).idle
    async with asyncio.timeout(20), stream(runtime, after_position=idle.position, idle_seconds=1) as answers:
        await tell("c")
        assert "c" == (await anext(answers)).event.ordering_key


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("max_unacknowledged", {"max_unacknowledged": -1}),
        ("max_unacknowledged", {"max_unacknowledged": 10_001}),
        ("idle_seconds", {"idle_seconds": 601}),
        ("max_batch", {"max_batch": 501}),
        ("kinds[1]", {"kinds": ["alert_raised", "nothing"]}),
    ],
)
async def test_a_wrong_subscription_names_its_field(runtime: Runtime, field: str, wrong: dict[str, Any]) -> None:
    """What cannot be asked of a stream is refused by the name of the field."""
    with pytest.raises(InvalidInput) as refused:
        async with stream(runtime, **wrong) as answers:
            await anext(answers)
    assert field == refused.value.violations[0].field


async def test_concurrent_takers_share_without_gap_or_repeat(runtime: Runtime, tell: Any) -> None:
    """Eight writers and four takers at once: each event is handed out once, and each key in order."""
    total, taken = 160, list[Any]()

    async def write(writer: int) -> None:
        for _ in range(5):
            await tell(*[f"key:{writer}"] * 4)

    async def take() -> None:
        while len(taken) < total:
            events = await pull(runtime, max_events=7)
            taken.extend(events)
            if events:
                await acknowledge(runtime, *events)
            await asyncio.sleep(0.001)

    async with asyncio.timeout(60):
        await asyncio.gather(*(write(writer) for writer in range(8)), *(take() for _ in range(4)))
    assert total == len({event.event_id for event in taken}) == len(taken)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_a_key_stays_in_order(runtime: Runtime, tell: Any, clock: Any, seed: int) -> None:
    """Under any sequence of appends, pulls, acknowledgements, refusals and pauses nothing is handed out before an earlier event of its key is settled, nothing settled comes again, and in the end everything has arrived."""
    chance = random.Random(seed)  # noqa: S311 – mixes up the order, guards nothing
    await treat(runtime, most_deliveries=3)
    log: dict[str, list[str]] = defaultdict(list)  # a key's events in the order first seen
    settled: set[str] = set()
    lent: list[Any] = []

    def check(events: list[Any]) -> None:
        batch = {event.event_id for event in events}
        for event in events:
            assert event.event_id not in settled
            mine = log[event.ordering_key]
            if event.event_id not in mine:
                mine.append(event.event_id)
            earlier = mine[: mine.index(event.event_id)]
            assert set(earlier) <= settled | batch

    for _ in range(50):
        match chance.choice(("tell", "pull", "pull", "ack", "nack", "reject", "wait", "redrive")):
            case "tell":
                await tell(*(chance.choice("abc") for _ in range(chance.randint(1, 4))))
            case "pull":
                events = await pull(runtime, max_events=chance.randint(1, 6), lease_seconds=30)
                check(events)
                lent += events
            case "wait":
                clock.advance(seconds=31)
                lent = []
            case "redrive":
                await redrive(runtime, all=True)
            case verb if lent:
                event = lent.pop(chance.randrange(len(lent)))
                if verb == "ack":
                    await acknowledge(runtime, event)
                    settled.add(event.event_id)
                else:
                    await nack(runtime, event, reject=verb == "reject", pause_seconds=chance.randint(0, 20))
    for _ in range(60):
        clock.advance(seconds=31)
        await redrive(runtime, all=True)
        events = await pull(runtime)
        check(events)
        if not events:
            break
        await acknowledge(runtime, *events)
        settled |= {event.event_id for event in events}
    (consumer,) = (await rpc.list_consumers(runtime, pb.ListConsumersRequest(store_id=STORE))).consumers
    assert (0, 0) == (consumer.lag_count, consumer.dead_letter_count)
