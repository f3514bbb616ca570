"""Pushing: every event at least once, in order within its key; what fails holds up its own key and nothing else."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from connector.db import outbox
from connector.db.outbox import Task
from connector.errors import FailedPrecondition, InvalidInput, NotFound
from connector.events import db as events_db
from connector.events import rpc as events
from connector.events.model import read_position
from connector.keyring import db as keyring
from connector.pushes import db, rpc
from connector.pushes.actions import push_events
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as event_pb
from stormcom.facebook.v1 import push_service_pb2 as pb
from tests.integration.pushes.conftest import NEW_SECRET, SECRET, STORE, Receiver, ids, verify


async def push_of(runtime: Runtime) -> pb.Push:
    return (await rpc.get_push(runtime, pb.GetPushRequest(store_id=STORE))).push


async def consumer_of(runtime: Runtime) -> event_pb.Consumer:
    answer = await events.list_consumers(runtime, event_pb.ListConsumersRequest(store_id=STORE))
    return answer.consumers[0]


async def take_task(runtime: Runtime, clock: Any) -> outbox.Taken:
    """Take the push's task when it is due, as a worker does."""
    clock.advance(seconds=61)
    async with runtime.db.begin() as tx:
        (task,) = await outbox.take_due(tx, [Task.PUSH_EVENTS], at=runtime.now(), limit=1)
    return task


async def until(so: Callable[[], object]) -> None:
    """Wait for another task's doing, over real HTTP."""
    while not so():  # noqa: ASYNC110 – nobody rings for it
        await asyncio.sleep(0.005)


async def until_somebody_waits(runtime: Runtime) -> None:
    """Wait until a session of this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while True:
        async with runtime.db.begin() as tx:
            if await tx.scalar(waiting):
                return
        await asyncio.sleep(0.005)


async def test_a_post_is_signed_as_standard_webhooks_say(
    receiver: Receiver, configure: Any, tell: Any, push_turn: Any
) -> None:
    """A post carries the event as JSON, and a signature that a verifier written from the specification accepts, and none for another body."""
    await configure()
    await tell("a")
    await push_turn()
    headers, body = receiver.posts[0]
    document = json.loads(body)
    assert verify(headers, body, SECRET)
    assert not verify(headers, body + b" ", SECRET)
    assert not verify({**headers, "webhook-timestamp": "1"}, body, SECRET)
    assert ("operation_changed", headers["webhook-id"], "1") == (
        document["type"],
        document["data"]["eventId"],
        document["data"]["operationChanged"]["operation"]["operationId"],
    )
    assert headers["webhook-id"] == headers["X-Delivery-ID"]


async def test_two_secrets_sign_while_one_is_replaced(
    receiver: Receiver, configure: Any, tell: Any, push_turn: Any, clock: Any
) -> None:
    """For a day after a new secret was set both sign, then the new one alone; setting it again changes nothing."""
    await configure()
    await configure(secret=NEW_SECRET)
    await configure(secret=NEW_SECRET)
    await tell("a")
    await push_turn()
    clock.advance(hours=24)
    await tell("b")
    await push_turn()
    accepted = [(verify(*post, SECRET), verify(*post, NEW_SECRET)) for post in receiver.posts]
    assert [(True, True), (False, True)] == accepted


async def test_events_of_a_key_arrive_in_order(receiver: Receiver, configure: Any, tell: Any, push_turn: Any) -> None:
    """Many keys at once, and within each the order of the log."""
    await configure()
    keys = [f"key:{number % 7}" for number in range(150)]
    await tell(*keys)
    await push_turn()
    order = [json.loads(body)["data"] for _, body in receiver.posts]
    assert sorted(keys) == sorted(receiver.keys)
    for key in set(keys):
        positions = [read_position(one["position"]) for one in order if one["orderingKey"] == key]
        assert positions == sorted(positions)


async def test_a_key_that_fails_holds_up_nothing_else(
    runtime: Runtime, receiver: Receiver, configure: Any, tell: Any, push_turn: Any
) -> None:
    """While one key's event fails again and again, its later events wait, and every other key goes on."""
    await configure()
    receiver.statuses["bad"] = 500
    await tell("bad", "bad", "good", "fine", "bad")
    await push_turn()
    await tell("good")
    await push_turn()
    assert ["fine", "good", "good"] == sorted(receiver.keys)
    receiver.statuses.clear()
    await push_turn(hours=1)
    assert ["bad"] * 3 == receiver.keys[3:]
    tried = [one for one in ids(receiver.posts) if one == receiver.taken[3][1]]
    assert len(tried) > 1


async def test_a_key_that_hangs_holds_up_nothing_else(
    receiver: Receiver, configure: Any, tell: Any, clock: Any, turn: Any
) -> None:
    """While a receiver does not answer for one key, the others' events arrive."""
    await configure()
    receiver.hold = asyncio.Event()
    await tell("held", "a", "b", "c", "a")
    clock.advance(seconds=61)
    async with asyncio.timeout(20):
        turning = asyncio.create_task(turn())
        await until(lambda: len(receiver.taken) >= 4)
        receiver.hold.set()
        await turning
    assert ["a", "a", "b", "c", "held"] == sorted(receiver.keys)
    assert "held" == receiver.keys[-1]


async def test_what_keeps_failing_becomes_a_dead_letter(
    runtime: Runtime, receiver: Receiver, configure: Any, tell: Any, push_turn: Any
) -> None:
    """After `most_deliveries` an event is a dead letter that holds up its key until it is redriven; then all of it arrives in order."""
    await configure()
    await events.set_consumer(runtime, event_pb.SetConsumerRequest(store_id=STORE, consumer="push", most_deliveries=2))
    receiver.statuses["bad"] = 400
    await tell("bad", "good", "bad")
    for _ in range(4):
        await push_turn(hours=1)
    letters = await events.list_dead_letters(runtime, event_pb.ListDeadLettersRequest(store_id=STORE, consumer="push"))
    assert [("bad", 2, "EVENT_UNDELIVERABLE", "400")] == [
        (one.event.ordering_key, one.delivery_count, one.reason, one.message) for one in letters.dead_letters
    ]
    assert (["good"], 3) == (receiver.keys, len(receiver.posts))
    receiver.statuses.clear()
    redrive = event_pb.RedriveDeadLettersRequest(store_id=STORE, consumer="push", all=True, reason="T-1")
    assert 1 == (await events.redrive_dead_letters(runtime, redrive)).redriven_count
    await push_turn()
    assert ["good", "bad", "bad"] == receiver.keys
    assert letters.dead_letters[0].event.event_id == receiver.taken[1][1]


async def test_an_unreachable_receiver_pauses_everything_and_kills_nothing(
    runtime: Runtime, receiver: Receiver, configure: Any, tell: Any, push_turn: Any
) -> None:
    """503 with Retry-After has all events wait so long, and does not count against them."""
    await configure()
    receiver.status, receiver.headers = 503, {"Retry-After": "600"}
    await tell("a", "a")
    await push_turn()
    await push_turn(seconds=500)
    assert 1 == len(receiver.posts)
    receiver.status, receiver.headers = 204, {}
    await push_turn(seconds=101)
    assert ["a", "a"] == receiver.keys
    assert ["1", "1"] == [headers["X-Delivery-Attempt"] for headers, _ in receiver.posts[1:]]
    assert not (await push_of(runtime)).HasField("failing_since_time")


async def test_410_disables_at_once(
    runtime: Runtime, receiver: Receiver, configure: Any, connected: str, *, tell: Any, push_turn: Any
) -> None:
    """A receiver that is gone is not asked again; an alert tells the store, and enabling it goes on where it stopped."""
    await configure()
    receiver.status = 410
    await tell("a")
    await push_turn()
    gone, count = await push_of(runtime), len(receiver.posts)
    await push_turn(hours=2)
    assert (pb.Push.STATE_DISABLED, "PUSH_GONE", "410") == (gone.state, gone.reason, gone.last_answer)
    assert count == len(receiver.posts)
    receiver.status = 200
    await rpc.enable_push(runtime, pb.EnablePushRequest(store_id=STORE))
    await push_turn()
    told = [json.loads(body)["data"]["alertRaised"] for _, body in receiver.posts if b"PUSH_DISABLED" in body]
    assert [False, True] == [one.get("resolved", False) for one in told]
    assert "a" in receiver.keys


async def test_a_long_failure_disables(
    runtime: Runtime, receiver: Receiver, configure: Any, tell: Any, push_turn: Any
) -> None:
    """When nothing got through for three days the push is disabled, and not before."""
    await configure()
    receiver.status = 502
    await tell("a")
    states = []
    for _ in range(4):
        for _ in range(3):
            await push_turn(hours=8)
        states.append((await push_of(runtime)).state)
    assert [pb.Push.STATE_ENABLED] * 3 + [pb.Push.STATE_DISABLED] == states
    assert "PUSH_DISABLED" == (await push_of(runtime)).reason


async def test_a_killed_worker_posts_again_under_the_same_id(
    runtime: Runtime, receiver: Receiver, configure: Any, *, tell: Any, push_turn: Any, clock: Any
) -> None:
    """Whoever dies between the post and its note leaves the event to the next turn: the same id twice, nothing lost."""
    await configure()
    receiver.hold = asyncio.Event()
    await tell("held")
    task = await take_task(runtime, clock)
    async with asyncio.timeout(20):
        dying = asyncio.create_task(push_events(runtime, task))
        await until(lambda: receiver.posts)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    receiver.hold.set()
    await push_turn()
    first, second = ids(receiver.posts)
    assert first == second
    assert 0 == (await consumer_of(runtime)).lag_count


async def test_only_wanted_kinds_are_posted(receiver: Receiver, configure: Any, tell: Any, push_turn: Any) -> None:
    """Events of other kinds are passed over and hold nothing up."""
    await configure(kinds=["alert_raised"])
    await tell("a", "b")
    await tell("a", kind="alert_raised")
    await push_turn()
    assert ["a"] == receiver.keys


async def test_a_redirect_is_not_followed(
    runtime: Runtime, receiver: Receiver, configure: Any, tell: Any, push_turn: Any
) -> None:
    """An answer that points elsewhere is a failure, and nobody is asked elsewhere."""
    await configure()
    receiver.status, receiver.headers = 307, {"Location": receiver.url}
    await tell("a")
    await push_turn()
    assert (1, "307") == (len(receiver.posts), (await push_of(runtime)).last_answer)


async def test_a_trial_tells_what_came_back(runtime: Runtime, receiver: Receiver, configure: Any) -> None:
    """A trial is posted at once, signed, outside of the log, and tells the answer."""
    await configure()
    answers = []
    for receiver.status in (200, 500):
        told = await rpc.test_push(runtime, pb.TestPushRequest(store_id=STORE))
        answers.append((told.delivered, told.answer))
    assert [(True, "200"), (False, "500")] == answers
    assert ["push_tested"] * 2 == [json.loads(body)["type"] for _, body in receiver.posts]
    assert verify(*receiver.posts[0], SECRET)


async def test_a_pushed_consumer_cannot_be_pulled(runtime: Runtime, configure: Any, receiver: Receiver) -> None:
    """Two ways to take the same events would lose the order; once the push has ended the consumer is free."""
    await configure()
    pull = event_pb.PullEventsRequest(store_id=STORE, consumer="push")
    with pytest.raises(FailedPrecondition) as refused:
        await events.pull_events(runtime, pull)
    assert "CONSUMER_PUSHED" == refused.value.reason
    with pytest.raises(FailedPrecondition):
        await events.delete_consumer(runtime, event_pb.DeleteConsumerRequest(store_id=STORE, consumer="push"))
    await rpc.delete_push(runtime, pb.DeletePushRequest(store_id=STORE))
    await events.pull_events(runtime, pull)
    with pytest.raises(FailedPrecondition) as used:
        await configure()
    assert "CONSUMER_IN_USE" == used.value.reason


async def test_secrets_are_sealed_for_their_row(runtime: Runtime, configure: Any) -> None:
    """What signs is never stored as it is, and the rotation of the vault's keys finds it and can open it."""
    await configure()
    await configure(secret=NEW_SECRET)
    opened = []
    async with runtime.db.begin() as tx:
        for column in keyring.columns():
            if column.table.name == "pushes":
                opened += await keyring.load(tx, column, {b"\x02\x01"}, after="", limit=10)
    assert all(SECRET.encode() not in one.sealed for one in opened)
    secrets = {(await runtime.vault.open(one.sealed, one.binding)).reveal() for one in opened}
    assert {SECRET, NEW_SECRET} == secrets


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("secret", {"secret": ""}), ("secret", {"secret": "whsec_short"}), ("url", {"url": "ftp://x.example/"}),
     ("url", {"url": ""}), ("kinds[0]", {"kinds": ["nothing"]}), ("consumer", {"consumer": "no spaces"})],
)  # fmt: skip
async def test_a_wrong_push_names_its_field(configure: Any, field: str, wrong: dict[str, Any]) -> None:
    """What cannot be configured is refused by the name of the field."""
    with pytest.raises(InvalidInput) as refused:
        await configure(**wrong)
    assert field == refused.value.violations[0].field


async def test_pushes_are_listed_in_pages(runtime: Runtime, configure: Any) -> None:
    """Every push of the store stands on one page, by consumer; another store sees none of them."""
    for name in "cab":
        await configure(consumer=name)
    first = await rpc.list_pushes(runtime, pb.ListPushesRequest(store_id=STORE, page_size=2))
    rest = pb.ListPushesRequest(store_id=STORE, page_size=2, page_token=first.next_page_token)
    names = [push.consumer for push in (*first.pushes, *(await rpc.list_pushes(runtime, rest)).pushes)]
    assert ["a", "b", "c"] == names
    foreign = await rpc.list_pushes(runtime, pb.ListPushesRequest(store_id="store_2"))
    assert [] == list(foreign.pushes)
    with pytest.raises(NotFound):
        await rpc.get_push(runtime, pb.GetPushRequest(store_id="store_2", consumer="a"))


async def test_an_outage_is_noted_once(
    runtime: Runtime, receiver: Receiver, configure: Any, tell: Any, push_turn: Any
) -> None:
    """However many keys meet the same outage side by side, the pause is that of a first one, and no event's deliveries are counted."""
    await configure()
    receiver.status = 503
    await tell(*(f"key:{number}" for number in range(20)))
    await push_turn()
    noted = await push_of(runtime)
    pause = noted.resume_time.ToDatetime() - noted.last_time.ToDatetime()
    assert pause.total_seconds() <= 5
    receiver.status = 200
    await push_turn(seconds=6)
    assert 20 == len(set(receiver.keys))
    last = {headers["webhook-id"]: headers["X-Delivery-Attempt"] for headers, _ in receiver.posts}
    assert {"1"} == set(last.values())


async def test_a_post_that_was_taken_but_never_noted_comes_again(
    runtime: Runtime, receiver: Receiver, configure: Any, *, tell: Any, push_turn: Any, clock: Any
) -> None:
    """A worker that dies after the receiver answered 200 and before its note leaves the event to the next turn, under the same id; then it is acknowledged."""
    push = await configure()
    receiver.hold = asyncio.Event()
    await tell("held", "held")
    task = await take_task(runtime, clock)
    async with asyncio.timeout(20), runtime.db.begin() as other:
        dying = asyncio.create_task(push_events(runtime, task))
        await until(lambda: receiver.posts)
        await events_db.require(other, STORE, push.consumer)  # whoever notes anything waits here
        receiver.hold.set()
        await until(lambda: len(receiver.taken) == 2)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    await push_turn()
    assert receiver.taken[:2] == receiver.taken[2:]
    assert 0 == (await consumer_of(runtime)).lag_count


async def test_a_push_that_is_changed_while_it_notes_blocks_nobody(
    runtime: Runtime, receiver: Receiver, configure: Any, *, tell: Any, clock: Any
) -> None:
    """A turn and a call that changes its push take their locks in one order: neither is ever thrown out for the other."""
    await configure()
    receiver.hold = asyncio.Event()
    await tell("held")
    task = await take_task(runtime, clock)
    async with asyncio.timeout(20):
        turning = asyncio.create_task(push_events(runtime, task))
        await until(lambda: receiver.posts)
        async with runtime.db.begin() as tx:  # what ConfigurePush does, step by step
            await events_db.adopt(tx, STORE, "push")
            receiver.hold.set()
            await until_somebody_waits(runtime)
            push = await db.require(tx, STORE, "push", lock=True)
            await db.ask(tx, push.id, at=runtime.now())
        await turning
    assert ["held"] == receiver.keys
    assert 0 == (await consumer_of(runtime)).lag_count
