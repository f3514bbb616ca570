"""Pulling and acknowledging: every event at least once, in order within its key, until somebody says they have it."""

from typing import Any

import pytest

from connector.errors import InvalidInput
from connector.events import db, rpc
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as pb

STORE = "store_1"


async def pull(runtime: Runtime, **named: Any) -> list[Any]:
    return list((await rpc.pull_events(runtime, pb.PullEventsRequest(store_id=STORE, **named))).events)


async def acknowledge(runtime: Runtime, *events: Any, consumer: str = "") -> tuple[int, int, int]:
    ids = [getattr(event, "event_id", event) for event in events]
    answer = await rpc.ack_events(runtime, pb.AckEventsRequest(store_id=STORE, consumer=consumer, event_ids=ids))
    return answer.acknowledged_count, answer.repeated_count, answer.unknown_count


def keys(events: list[Any]) -> list[str]:
    return [event.ordering_key for event in events]


async def test_what_is_on_loan_is_not_lent_twice(runtime: Runtime, tell: Any) -> None:
    """Two pulls in a row share the events between them."""
    await tell("a", "b", "c")
    assert (["a", "b"], ["c"], []) == (
        keys(await pull(runtime, max_events=2)),
        keys(await pull(runtime, max_events=2)),
        keys(await pull(runtime)),
    )


async def test_a_loan_that_ran_out_comes_again(runtime: Runtime, tell: Any, clock: Any) -> None:
    """Events not acknowledged in time are handed out again, with the same ids."""
    await tell("a", "b")
    first = await pull(runtime, lease_seconds=10)
    clock.advance(seconds=11)
    assert [event.event_id for event in first] == [event.event_id for event in await pull(runtime)]


async def test_acknowledged_events_never_come_again(runtime: Runtime, tell: Any, clock: Any) -> None:
    """After an acknowledgement only the others come again."""
    await tell("a", "b", "c")
    events = await pull(runtime)
    assert (1, 0, 0) == await acknowledge(runtime, events[1])
    clock.advance(minutes=11)
    assert ["a", "c"] == keys(await pull(runtime))


async def test_acknowledging_again_changes_nothing(runtime: Runtime, tell: Any) -> None:
    """Repeats and unknown ids are counted, never refused."""
    await tell("a", "b")
    events = await pull(runtime)
    assert (1, 0, 2) == await acknowledge(runtime, events[1], "00000000-0000-4000-8000-000000000000", "nonsense")
    assert (1, 1, 0) == await acknowledge(runtime, *events)
    assert (0, 2, 0) == await acknowledge(runtime, *events)


async def test_a_key_waits_for_its_earlier_events(runtime: Runtime, tell: Any) -> None:
    """While somebody works on a conversation's event, nobody else gets a later one of it; other keys go on."""
    await tell("conversation:1", "conversation:1", "conversation:2")
    first = await pull(runtime, max_events=1)
    assert ["conversation:2"] == keys(await pull(runtime))
    await acknowledge(runtime, *first)
    assert ["conversation:1"] == keys(await pull(runtime))


async def test_an_overdue_event_comes_before_its_followers(runtime: Runtime, tell: Any, clock: Any) -> None:
    """A key's events are handed out in order also when an earlier loan ran out."""
    await tell("a")
    await pull(runtime, lease_seconds=5)
    await tell("b", "a")
    clock.advance(seconds=6)
    assert ["a", "b", "a"] == keys(await pull(runtime))


async def test_consumers_do_not_see_each_other(runtime: Runtime, tell: Any) -> None:
    """Each consumer name sees every event, whatever others acknowledged."""
    await tell("a", "b")
    await acknowledge(runtime, *await pull(runtime, consumer="orders"), consumer="orders")
    assert ["a", "b"] == keys(await pull(runtime, consumer="search"))


async def test_another_stores_events_are_unknown(runtime: Runtime, tell: Any) -> None:
    """A store can neither pull nor acknowledge what belongs to another."""
    await tell("foreign", store_id="store_2")
    foreign = (await rpc.pull_events(runtime, pb.PullEventsRequest(store_id="store_2"))).events
    assert ([], (0, 0, 1)) == (await pull(runtime), await acknowledge(runtime, *foreign))


async def test_acknowledgements_out_of_order_leave_nothing_behind(runtime: Runtime, tell: Any) -> None:
    """Once everything is acknowledged, in whatever order, no row of the handing out is left."""
    from sqlalchemy import text

    await tell(*"abcdef")
    events = await pull(runtime)
    for place in (5, 0, 3, 1, 4, 2):
        await acknowledge(runtime, events[place])
    async with runtime.db.begin() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM handouts")) == 0
        assert await tx.scalar(text("SELECT cursor = (SELECT max(position) FROM events) FROM consumers"))


async def test_streamed_events_can_be_acknowledged(runtime: Runtime, tell: Any) -> None:
    """An event that was never lent, only streamed, is acknowledged all the same."""
    await tell("a", "b")
    async with runtime.db.begin() as tx:
        events = await db.behind(tx, STORE, 0, limit=10)
    assert (1, 0, 0) == await acknowledge(runtime, str(events[0].id))
    assert ["b"] == keys(await pull(runtime))


async def test_the_sweep_keeps_what_somebody_still_needs(runtime: Runtime, tell: Any, clock: Any) -> None:
    """Only events that every consumer of the store acknowledged are forgotten early."""
    await tell("a", "b")
    await acknowledge(runtime, *await pull(runtime))
    await acknowledge(runtime, *(await pull(runtime, consumer="slow"))[:1], consumer="slow")
    clock.advance(days=8)
    async with runtime.db.begin() as tx:
        now = runtime.now()
        from datetime import timedelta

        await db.sweep(tx, acknowledged_before=now - timedelta(days=7), created_before=now - timedelta(days=90))
        assert ["b"] == [event.ordering_key for event in await db.behind(tx, STORE, 0, limit=10)]


@pytest.mark.parametrize(
    "wrong", [{"max_events": -1}, {"lease_seconds": -1}, {"lease_seconds": 601}, {"consumer": "no spaces"}]
)
async def test_wrong_requests_name_their_field(runtime: Runtime, wrong: dict[str, Any]) -> None:
    """What cannot be asked is refused by the name of the field."""
    with pytest.raises(InvalidInput) as refused:
        await pull(runtime, **wrong)
    assert next(iter(wrong)) == refused.value.violations[0].field
