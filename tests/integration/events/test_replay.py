"""Replay: what was acknowledged comes again, under its id and in its order, for one consumer only."""

from typing import Any

import pytest
from sqlalchemy import text

from connector.errors import InvalidInput, NotFound
from connector.events import rpc
from connector.events.model import write_position
from connector.runtime import Runtime
from stormcom.facebook.v1 import admin_service_pb2 as admin_pb
from stormcom.facebook.v1 import admin_service_pb2_grpc, event_service_pb2_grpc
from stormcom.facebook.v1 import event_service_pb2 as pb
from tests.integration.events.test_dead_letters import nack
from tests.integration.events.test_loans import STORE, acknowledge, keys, pull


async def replay(runtime: Runtime, **named: Any) -> int:
    request = pb.ReplayEventsRequest(**{"store_id": STORE, "reason": "T-1", **named})
    return (await rpc.replay_events(runtime, request)).event_count


async def work_off(runtime: Runtime, consumer: str = "") -> list[Any]:
    events = await pull(runtime, consumer=consumer)
    if events:
        await acknowledge(runtime, *events, consumer=consumer)
    return events


async def test_a_consumer_goes_back_to_a_position(runtime: Runtime, tell: Any) -> None:
    """Everything behind the position comes again with the same ids, for this consumer and no other; a dry run changes nothing."""
    await tell("a", "b", "c")
    events = await work_off(runtime)
    await work_off(runtime, "other")
    behind = {"after_position": events[0].position}
    assert 2 == await replay(runtime, **behind, dry_run=True)
    assert [] == await pull(runtime)
    assert 2 == await replay(runtime, **behind)
    assert [one.event_id for one in events[1:]] == [one.event_id for one in await work_off(runtime)]
    assert [] == await pull(runtime, consumer="other")
    assert 0 == await replay(runtime, after_position=events[2].position)


async def test_replaying_twice_is_replaying_once(runtime: Runtime, tell: Any) -> None:
    """A repeated replay finds nothing more to hand out again."""
    await tell("a", "b")
    await work_off(runtime)
    begin = {"after_position": write_position(0)}
    assert [2, 0] == [await replay(runtime, **begin), await replay(runtime, **begin)]
    assert ["a", "b"] == keys(await work_off(runtime))
    assert [] == await pull(runtime)


async def test_a_replay_from_a_time(runtime: Runtime, tell: Any, clock: Any) -> None:
    """A time stands for the first event appended then or later."""
    await tell("a")
    clock.advance(hours=1)
    begin = runtime.now()
    await tell("b", "c")
    await work_off(runtime)
    assert 2 == await replay(runtime, from_time=begin)
    assert ["b", "c"] == keys(await work_off(runtime))
    assert 0 == await replay(runtime, from_time=runtime.now())


@pytest.mark.parametrize(
    ("chosen", "again"),
    [
        ({"ordering_key": "a"}, ["a", "a"]),
        ({"kinds": ["operation_changed"]}, ["a", "b", "a"]),
        ({"kinds": ["alert_raised"]}, []),
    ],
)
async def test_only_what_matches_comes_again(
    runtime: Runtime, tell: Any, chosen: dict[str, Any], again: list[str]
) -> None:
    """By kind or ordering key: the others stay acknowledged."""
    await tell("a", "b", "a")
    await work_off(runtime)
    assert len(again) == await replay(runtime, after_position=write_position(0), **chosen)
    assert again == keys(await work_off(runtime))


async def test_a_replay_takes_dead_letters_along(runtime: Runtime, tell: Any) -> None:
    """What lies behind the position is as if it had never been handed out: dead letters and loans included, in order."""
    await tell("a", "a", "b")
    events = await pull(runtime)
    await nack(runtime, events[0], reject=True)
    await acknowledge(runtime, events[2])
    assert 2 == await replay(runtime, after_position=write_position(0))
    assert ["a", "a", "b"] == keys(await work_off(runtime))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("reason", {"reason": "", "after_position": write_position(1)}),
        ("after_position", {}),
        ("after_position", {"after_position": "x"}),
        ("kinds[0]", {"kinds": ["nothing"], "after_position": write_position(1)}),
    ],
)
async def test_a_wrong_replay_names_its_field(runtime: Runtime, field: str, wrong: dict[str, Any]) -> None:
    """Where to begin is said in one way, with a reason for the audit."""
    with pytest.raises(InvalidInput) as refused:
        await replay(runtime, **wrong)
    assert field == refused.value.violations[0].field


async def test_a_replay_that_picks_out_too_many_is_refused(runtime: Runtime) -> None:
    """Nobody else waits for a statement without bounds: too many of a kind are refused with the limit, the whole log is not."""
    await pull(runtime)
    async with runtime.db.begin() as tx:
        for statement in (
            "SET LOCAL session_replication_role = replica",  # their positions are given here
            """INSERT INTO events (store_id, ordering_key, kind, body, position, create_time)
            SELECT 'store_1', 'a', 'operation_changed', '{}', number, now() FROM generate_series(1, 50001) AS number""",
            "UPDATE consumers SET cursor = 50001",
        ):
            await tx.execute(text(statement))
    begin = {"after_position": write_position(0)}
    with pytest.raises(InvalidInput) as refused:
        await replay(runtime, **begin, kinds=["operation_changed"])
    assert "REPLAY_TOO_LARGE" == refused.value.violations[0].reason
    assert 50_001 == await replay(runtime, **begin)


async def test_an_unknown_consumer_is_not_found(runtime: Runtime) -> None:
    """Nothing is replayed for a name that never took anything."""
    with pytest.raises(NotFound):
        await replay(runtime, consumer="none", after_position=write_position(0))


async def test_a_replay_stands_in_the_audit_and_is_done_once(channel: Any, runtime: Runtime, tell: Any) -> None:
    """Who replays leaves an entry with the reason; the same request again gets the first answer and replays nothing."""
    await tell("a", "b")
    await work_off(runtime)
    stub = event_service_pb2_grpc.FacebookEventsStub(channel)
    request = pb.ReplayEventsRequest(store_id=STORE, after_position=write_position(0), reason="T-42", request_id="once")
    first = await stub.ReplayEvents(request)
    await work_off(runtime)
    again = await stub.ReplayEvents(request)
    assert ([2, 2], []) == ([first.event_count, again.event_count], await pull(runtime))
    admin = admin_service_pb2_grpc.FacebookAdminStub(channel)
    entries = (await admin.ListAuditEntries(admin_pb.ListAuditEntriesRequest(store_id=STORE))).entries
    assert [("ReplayEvents", ["reason=T-42"])] == [(one.action, list(one.objects)) for one in entries]
