"""Consumers that do not keep up: somebody is told, once, and told when it is over."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from connector.db import outbox
from connector.db.outbox import Task
from connector.events import db
from connector.events import rpc as events
from connector.health import actions as health
from connector.pushes import rpc
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as event_pb
from stormcom.facebook.v1 import push_service_pb2 as pb
from tests.integration.pushes.conftest import STORE, Receiver

Look = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def look(runtime: Runtime, turn: Callable[[], Awaitable[int]]) -> Look:
    """Have consumers looked at; tells the alerts that GetStatus then shows, by reason."""

    async def look() -> dict[str, Any]:
        async with runtime.db.begin() as tx:
            await outbox.add(tx, Task.WATCH_CONSUMERS, due=runtime.now(), key="every:WATCH_CONSUMERS")
        await turn()
        return {one["reason"]: one for one in (await health.status(runtime, STORE, "")).alerts}

    return look


async def pull(runtime: Runtime) -> list[str]:
    request = event_pb.PullEventsRequest(store_id=STORE, lease_seconds=1)
    return [event.event_id for event in (await events.pull_events(runtime, request)).events]


async def acknowledge(runtime: Runtime, ids: list[str]) -> None:
    await events.ack_events(runtime, event_pb.AckEventsRequest(store_id=STORE, event_ids=ids))


async def settle_everything(runtime: Runtime, clock: Any) -> None:
    """Acknowledge all there is."""
    clock.advance(seconds=2)
    while ids := await pull(runtime):
        await acknowledge(runtime, ids)


async def alerts_told(runtime: Runtime, reason: str) -> list[bool]:
    """Whether each event about the alert says that it is over, in the order of the log."""
    told = text("""
        SELECT (body ->> 'resolved')::boolean FROM events WHERE kind = 'alert_raised'
        AND body -> 'alert' ->> 'reason' = :reason ORDER BY position
    """)
    async with runtime.db.begin() as tx:
        return list((await tx.execute(told, {"reason": reason})).scalars())


async def test_events_that_nobody_acknowledges_are_told_of(
    runtime: Runtime, connected: str, tell: Any, look: Look, clock: Any
) -> None:
    """An hour after a consumer left an event alone the status says so, with its name; once all is acknowledged it does not any more."""
    await settle_everything(runtime, clock)
    await tell("a", "b")
    await pull(runtime)
    assert "EVENTS_STUCK" not in await look()
    clock.advance(minutes=61)
    alert = (await look())["EVENTS_STUCK"]
    assert (1, "ListConsumers") == (alert["item_count"], alert["fix_rpc"])
    assert "the consumer default" in alert["body"]
    await look()
    await settle_everything(runtime, clock)
    assert "EVENTS_STUCK" not in await look()
    assert [False, True] == await alerts_told(runtime, "EVENTS_STUCK")


async def test_dead_letters_are_told_of_until_they_are_gone(
    runtime: Runtime, connected: str, tell: Any, look: Look, clock: Any
) -> None:
    """A dead letter is told of at the next look, with what waits behind it; and no longer once it is given up."""
    await settle_everything(runtime, clock)
    await tell("bad", "bad")
    first, second = await pull(runtime)
    await events.nack_events(runtime, event_pb.NackEventsRequest(store_id=STORE, event_ids=[first], reject=True))
    await events.nack_events(runtime, event_pb.NackEventsRequest(store_id=STORE, event_ids=[second]))
    alert = (await look())["DEAD_LETTERS_WAITING"]
    assert (1, "RedriveDeadLetters") == (alert["item_count"], alert["fix_rpc"])
    assert "1 ordering keys wait" in alert["body"]
    await acknowledge(runtime, [first])
    assert "DEAD_LETTERS_WAITING" not in await look()


async def test_what_waits_behind_a_dead_letter_is_not_late(
    runtime: Runtime, connected: str, tell: Any, look: Look, clock: Any
) -> None:
    """A consumer that takes everything it can get is not told to be late for what a dead letter holds up."""
    await settle_everything(runtime, clock)
    await tell("bad", "bad")
    first, second = await pull(runtime)
    await events.nack_events(runtime, event_pb.NackEventsRequest(store_id=STORE, event_ids=[first], reject=True))
    await events.nack_events(runtime, event_pb.NackEventsRequest(store_id=STORE, event_ids=[second]))
    await settle_everything(runtime, clock)
    async with runtime.db.begin() as tx:
        told = [(one.oldest_time, one.dead_letters, one.held_keys) for one in await db.standings(tx, [STORE])]
    assert [(None, 1, 1)] == told


async def test_a_disabled_push_is_told_of_once_there_is_somebody_to_tell(
    runtime: Runtime, receiver: Receiver, configure: Any, look: Look, tell: Any, *, connected: str, push_turn: Any
) -> None:
    """The alert of a disabled push that got lost, or had no connection to stand on, is there after the next look; its events do not count as stuck beside it."""
    await configure()
    receiver.status = 410
    await tell("a")
    await push_turn()
    async with runtime.db.begin() as tx:
        await tx.execute(text("DELETE FROM alerts WHERE reason = 'PUSH_DISABLED'"))
    await push_turn(minutes=61)
    alert = (await look())["PUSH_DISABLED"]
    assert "push (PUSH_GONE; last answer: 410)" in alert["body"]
    assert "EVENTS_STUCK" not in await look()
    await rpc.delete_push(runtime, pb.DeletePushRequest(store_id=STORE))
    assert "PUSH_DISABLED" not in await look()


async def test_a_forgotten_consumer_closes_its_alert(
    runtime: Runtime, connected: str, tell: Any, look: Look, clock: Any
) -> None:
    """What nobody takes any more, and nobody wants to, is not told of once the consumer is deleted."""
    await pull(runtime)
    clock.advance(minutes=61)
    assert "EVENTS_STUCK" in await look()
    await events.delete_consumer(runtime, event_pb.DeleteConsumerRequest(store_id=STORE))
    assert "EVENTS_STUCK" not in await look()
