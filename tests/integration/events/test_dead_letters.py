"""What a consumer cannot work off: given back, buried, redriven; its key waits, or goes on, and nothing else notices."""

from typing import Any

import pytest
from sqlalchemy import text

from connector.errors import InvalidInput, NotFound
from connector.events import db, rpc
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as pb
from tests.integration.events.test_loans import STORE, acknowledge, keys, pull


async def nack(runtime: Runtime, *events: Any, **named: Any) -> tuple[int, int, int]:
    request = pb.NackEventsRequest(store_id=STORE, event_ids=[event.event_id for event in events], **named)
    answer = await rpc.nack_events(runtime, request)
    return answer.returned_count, answer.dead_count, answer.unknown_count


async def dead(runtime: Runtime, **named: Any) -> list[pb.DeadLetter]:
    answer = await rpc.list_dead_letters(runtime, pb.ListDeadLettersRequest(store_id=STORE, **named))
    return list(answer.dead_letters)


async def redrive(runtime: Runtime, **named: Any) -> int:
    request = pb.RedriveDeadLettersRequest(store_id=STORE, reason="T-1", **named)
    return (await rpc.redrive_dead_letters(runtime, request)).redriven_count


async def treat(runtime: Runtime, **named: Any) -> pb.Consumer:
    return (await rpc.set_consumer(runtime, pb.SetConsumerRequest(store_id=STORE, **named))).consumer


async def only_consumer(runtime: Runtime) -> pb.Consumer:
    (one,) = (await rpc.list_consumers(runtime, pb.ListConsumersRequest(store_id=STORE))).consumers
    return one


async def bury(runtime: Runtime, count: int) -> None:
    """Have very many dead letters."""
    async with runtime.db.begin() as tx:
        await tx.execute(
            text("INSERT INTO consumers (store_id, name, cursor) VALUES (:store, 'default', :count)"),
            {"store": STORE, "count": count},
        )
        rows = "SELECT :store, 'default', n, 'key', 'DEAD', :at, 'EVENT_REJECTED' FROM generate_series(1, :count) AS n"
        names = "store_id, consumer, position, ordering_key, state, due_time, reason"
        wish = text(f"INSERT INTO handouts ({names}) {rows}")
        await tx.execute(wish, {"store": STORE, "count": count, "at": runtime.now()})


async def test_very_many_are_redriven_in_pieces(runtime: Runtime) -> None:
    """However many there are, no transaction holds the consumer for more than some thousands; all come again."""
    await bury(runtime, db.PIECE + 1)
    assert db.PIECE + 1 == await redrive(runtime, all=True)
    async with runtime.db.begin() as tx:
        told = (await tx.execute(text("SELECT state, count(DISTINCT xmin::text) FROM handouts GROUP BY state"))).all()
    assert [("WAITING", 2)] == [tuple(row) for row in told]


async def test_a_consumer_with_very_many_is_forgotten_whole(runtime: Runtime) -> None:
    """A consumer goes with all that it has not worked off, however much that is."""
    await bury(runtime, db.PIECE + 1)
    await rpc.delete_consumer(runtime, pb.DeleteConsumerRequest(store_id=STORE))
    async with runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT (SELECT count(*) FROM handouts) + (SELECT count(*) FROM consumers)"))


async def test_what_is_given_back_comes_again_after_its_pause(runtime: Runtime, tell: Any, clock: Any) -> None:
    """A negative acknowledgement has the event come again after the pause, and its key wait for it."""
    await tell("a", "a", "b")
    first, _, _ = await pull(runtime)
    assert (1, 0, 0) == await nack(runtime, first, pause_seconds=60)
    clock.advance(seconds=40)
    assert ["b"] == keys(await pull(runtime))
    clock.advance(seconds=21)
    assert ["a", "a"] == keys(await pull(runtime))


async def test_deliveries_are_counted_and_end(runtime: Runtime, tell: Any, clock: Any) -> None:
    """An event that was handed out so often without an acknowledgement is a dead letter, and not handed out any more."""
    await treat(runtime, most_deliveries=3)
    await tell("a")
    counts: list[int] = []
    for _ in range(5):
        answer = await rpc.pull_events(runtime, pb.PullEventsRequest(store_id=STORE, lease_seconds=10))
        counts += answer.delivery_counts
        clock.advance(seconds=11)
    assert [1, 2, 3] == counts
    (letter,) = await dead(runtime)
    assert ("a", 3, "EVENT_UNDELIVERABLE") == (letter.event.ordering_key, letter.delivery_count, letter.reason)


async def test_a_rejected_event_holds_up_its_key_and_nothing_else(runtime: Runtime, tell: Any) -> None:
    """Behind a dead letter its key waits, also for what comes later; every other key goes on, and so does every other consumer."""
    await tell("bad", "good", "bad")
    events = await pull(runtime)
    assert (0, 1, 0) == await nack(runtime, events[0], reject=True, message="No such product")
    await acknowledge(runtime, events[1])
    await nack(runtime, events[2])
    await tell("bad", "good", "other")
    assert ["good", "other"] == keys(await pull(runtime))
    assert ["bad", "good", "bad", "bad", "good", "other"] == keys(await pull(runtime, consumer="second"))
    (letter,) = await dead(runtime)
    assert ("EVENT_REJECTED", "No such product") == (letter.reason, letter.message)


async def test_a_key_may_go_on_without_its_dead_letter(runtime: Runtime, tell: Any) -> None:
    """A consumer that chose so gets the later events of the key at once, and the dead letter late, when it is redriven."""
    await treat(runtime, after_dead_letter=pb.AFTER_DEAD_LETTER_GO_ON)
    await tell("a", "a")
    first, second = await pull(runtime)
    await nack(runtime, first, reject=True)
    await acknowledge(runtime, second)
    await tell("a")
    assert 1 == len(await pull(runtime))
    assert 1 == await redrive(runtime, all=True)
    await acknowledge(runtime, *await pull(runtime))
    assert [] == await dead(runtime)


@pytest.mark.parametrize("way", ["event_ids", "ordering_key", "all"])
async def test_a_redriven_key_arrives_in_order(runtime: Runtime, tell: Any, way: str) -> None:
    """Redriven by id, by key or all: the dead letter comes first, under its id, its deliveries counted anew, then what waited behind it."""
    await tell("a", "a")
    first, second = await pull(runtime)
    await nack(runtime, first, reject=True)
    await nack(runtime, second)
    chosen: dict[str, Any] = {"event_ids": [first.event_id], "ordering_key": "a", "all": True}
    assert 1 == await redrive(runtime, **{way: chosen[way]})
    answer = await rpc.pull_events(runtime, pb.PullEventsRequest(store_id=STORE))
    assert [first.event_id, second.event_id] == [event.event_id for event in answer.events]
    assert 1 == answer.delivery_counts[0]
    assert 0 == await redrive(runtime, **{way: chosen[way]})


async def test_what_died_by_a_clock_ahead_is_redriven(runtime: Runtime, tell: Any) -> None:
    """A dead letter is redriven though whoever buried it has a clock ahead of ours."""
    await tell("a")
    await nack(runtime, *await pull(runtime), reject=True)
    async with runtime.db.begin() as tx:
        await tx.execute(text("UPDATE handouts SET due_time = due_time + interval '2 seconds'"))
    assert 1 == await redrive(runtime, all=True)
    assert ["a"] == keys(await pull(runtime))


async def test_an_acknowledged_dead_letter_is_given_up(runtime: Runtime, tell: Any) -> None:
    """To acknowledge a dead letter lets its key go on without it."""
    await tell("a", "a")
    first, second = await pull(runtime)
    await nack(runtime, first, reject=True)
    await nack(runtime, second)
    assert [] == await pull(runtime)
    assert (1, 0, 0) == await acknowledge(runtime, first)
    assert [second.event_id] == [event.event_id for event in await pull(runtime)]


async def test_dead_letters_are_listed_in_pages(runtime: Runtime, tell: Any) -> None:
    """Every dead letter stands on one page, oldest first; those of one key can be asked for alone."""
    await tell(*"abcde")
    await nack(runtime, *await pull(runtime), reject=True)
    seen, token = [], ""
    while True:
        request = pb.ListDeadLettersRequest(store_id=STORE, page_size=2, page_token=token)
        answer = await rpc.list_dead_letters(runtime, request)
        seen += [one.event.ordering_key for one in answer.dead_letters]
        token = answer.next_page_token
        if not token:
            break
    assert [*"abcde"] == seen
    assert ["c"] == [one.event.ordering_key for one in await dead(runtime, ordering_key="c")]


async def test_a_consumer_tells_how_far_it_is(runtime: Runtime, tell: Any, clock: Any) -> None:
    """Position, lag, loans and dead letters of a consumer are what they are, at every moment."""
    await tell("a", "b", "c", "d")
    clock.advance(seconds=100)
    await tell("e")
    events = await pull(runtime, max_events=3, lease_seconds=600)
    await acknowledge(runtime, events[0])
    await nack(runtime, events[1], reject=True)
    seen = await only_consumer(runtime)
    assert (pb.Consumer.KIND_PULL, 3, 1, 1) == (seen.kind, seen.lag_count, seen.loan_count, seen.dead_letter_count)
    assert 100 <= seen.lag_seconds < 200
    assert events[1].position == seen.position
    await acknowledge(runtime, events[2], *await pull(runtime))
    seen = await only_consumer(runtime)
    assert (0, 0, 0, 1) == (seen.lag_count, seen.lag_seconds, seen.loan_count, seen.dead_letter_count)


async def test_a_forgotten_consumer_begins_anew(runtime: Runtime, tell: Any) -> None:
    """Deleting a consumer forgets what it had; its name sees everything again. One that is not there is not found."""
    await tell("a", "b")
    await acknowledge(runtime, *await pull(runtime))
    await rpc.delete_consumer(runtime, pb.DeleteConsumerRequest(store_id=STORE))
    assert ["a", "b"] == keys(await pull(runtime))
    for call in (
        rpc.delete_consumer(runtime, pb.DeleteConsumerRequest(store_id=STORE, consumer="none")),
        dead(runtime, consumer="none"),
        redrive(runtime, consumer="none", all=True),
    ):
        with pytest.raises(NotFound) as missing:
            await call
        assert "CONSUMER_NOT_FOUND" == missing.value.reason


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("reason", {"all": True, "reason": "two words"}),
        ("reason", {"all": True, "reason": ""}),
        ("event_ids", {"reason": "r"}),
        ("event_ids", {"reason": "r", "all": True, "ordering_key": "a"}),
    ],
)
async def test_a_wrong_redrive_names_its_field(runtime: Runtime, field: str, wrong: dict[str, Any]) -> None:
    """What is to be redriven is said in one way, with a reason for the audit."""
    with pytest.raises(InvalidInput) as refused:
        await rpc.redrive_dead_letters(runtime, pb.RedriveDeadLettersRequest(store_id=STORE, **wrong))
    assert field == refused.value.violations[0].field


async def test_a_dead_letter_goes_with_its_event(runtime: Runtime, tell: Any, clock: Any) -> None:
    """Nothing that somebody has not worked off is forgotten early, dead letters included; after 90 days all of it goes."""
    from datetime import timedelta

    from connector.events import db

    await tell("a", "b")
    events = await pull(runtime)
    await nack(runtime, events[0], reject=True)
    await acknowledge(runtime, events[1])
    left = []
    for days in (8, 83):
        clock.advance(days=days)
        async with runtime.db.begin() as tx:
            now = runtime.now()
            await db.sweep(tx, acknowledged_before=now - timedelta(days=7), created_before=now - timedelta(days=90))
            left.append([event.ordering_key for event in await db.behind(tx, STORE, 0, limit=10)])
    assert [["a"], []] == left
    assert 0 == (await only_consumer(runtime)).dead_letter_count
