"""Operations: counts that only settled items move, one end, told once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from connector.errors import FailedPrecondition, InvalidInput, NotFound
from connector.events import db as events
from connector.operations import db, rpc
from connector.operations.model import Draft, Kind, Operation, Rejection, State
from connector.runtime import Runtime
from connector.values import ConnectionId
from stormcom.facebook.v1 import operation_pb2
from stormcom.facebook.v1 import operation_service_pb2 as pb

STORE, OTHER_STORE = "store_1", "store_2"
CONNECTION = ConnectionId(UUID(int=1))


async def create(runtime: Runtime, store_id: str = STORE, **named: Any) -> Operation:
    planned = named.pop("planned", True)
    async with runtime.db.begin() as tx:
        draft = Draft(Kind.SYNC_CATALOG, store_id, CONNECTION, **named)
        return await db.create(tx, draft, at=runtime.now(), planned=planned)


async def progress(runtime: Runtime, operation: Operation, **named: Any) -> Operation | None:
    async with runtime.db.begin() as tx:
        return await db.progress(tx, operation.id, at=runtime.now(), **named)


async def told(runtime: Runtime) -> list[str]:
    async with runtime.db.begin() as tx:
        found = await events.behind(tx, STORE, 0, limit=100)
    return [event.body["operation"]["state"] for event in found]


def rejection(number: int) -> Rejection:
    return Rejection(f"sc_{number}", f"p{number}", "", {"reason": "META_REJECTED", "message": "no"})


@pytest.mark.parametrize(
    ("confirmed", "rejected", "state"),
    [
        (2, 0, State.RUNNING),
        (3, 0, State.SUCCEEDED),
        (2, 1, State.PARTIALLY_SUCCEEDED),
        (0, 3, State.PARTIALLY_SUCCEEDED),
    ],
)
async def test_the_last_settled_item_ends_it(runtime: Runtime, confirmed: int, rejected: int, state: State) -> None:
    """An operation ends when every item is settled, and says whether all were confirmed."""
    operation = await create(runtime, total=3)
    after = await progress(runtime, operation, confirmed=confirmed, rejected=rejected)
    assert after is not None
    assert (state, state is not State.RUNNING) == (after.state, after.finish_time is not None)


async def test_the_end_is_told_once(runtime: Runtime) -> None:
    """However many workers report at once, StormCom hears of one end, and no item is counted twice or lost."""
    operation = await create(runtime, total=20)
    await asyncio.gather(*(progress(runtime, operation, confirmed=1) for _ in range(20)))
    assert await progress(runtime, operation, confirmed=1) is None
    assert ["STATE_SUCCEEDED"] == await told(runtime)


async def test_nothing_to_do_is_done_at_once(runtime: Runtime) -> None:
    """An operation without items has succeeded when it begins."""
    assert (await create(runtime, total=0)).state is State.SUCCEEDED


async def test_an_unplanned_operation_does_not_end_early(runtime: Runtime) -> None:
    """While its total is still being counted, settled items do not end it; then they do."""
    operation = await create(runtime, planned=False)
    running = await progress(runtime, operation, confirmed=2)
    async with runtime.db.begin() as tx:
        ended = await db.plan(tx, operation.id, total=2, removal_count=0, at=runtime.now())
    assert running is not None
    assert ended is not None
    assert (State.RUNNING, State.SUCCEEDED) == (running.state, ended.state)


async def test_a_held_plan_waits_until_it_is_confirmed(runtime: Runtime) -> None:
    """A plan that removes too much is told to StormCom and runs only when somebody confirms it."""
    operation = await create(runtime, planned=False)
    async with runtime.db.begin() as tx:
        held = await db.plan(tx, operation.id, total=9, removal_count=9, at=runtime.now(), hold=True)
    async with runtime.db.begin() as tx:
        confirmed = await db.confirm(tx, operation.id, at=runtime.now())
        again = await db.confirm(tx, operation.id, at=runtime.now())
    assert held is not None
    assert confirmed is not None
    assert (State.NEEDS_CONFIRMATION, State.RUNNING, None) == (held.state, confirmed.state, again)
    assert ["STATE_NEEDS_CONFIRMATION"] == await told(runtime)


async def test_only_the_first_rejections_are_kept(runtime: Runtime) -> None:
    """Ten rejections say enough; the count says how many there were."""
    operation = await create(runtime, total=100)
    for begin in (0, 8):
        after = await progress(runtime, operation, rejected=8, rejections=[rejection(begin + n) for n in range(8)])
    assert after is not None
    assert (16, [f"sc_{n}" for n in range(10)]) == (
        after.rejected_count,
        [one["retailer_id"] for one in after.first_rejections],
    )


async def test_a_wish_begins_one_operation(runtime: Runtime) -> None:
    """The same request id finds the operation it began; another store's same id does not."""
    first = await create(runtime, request_id="r1", total=5)
    again = await create(runtime, request_id="r1", total=5)
    foreign = await create(runtime, OTHER_STORE, request_id="r1", total=5)
    assert (first.id, True) == (again.id, foreign.id != first.id)


async def test_cancelling_ends_it_for_good(runtime: Runtime) -> None:
    """A cancelled operation counts nothing more; cancelling again changes nothing."""
    operation = await create(runtime, total=5)
    request = pb.CancelOperationRequest(store_id=STORE, operation_id=str(operation.id))
    first, second = await rpc.cancel_operation(runtime, request), await rpc.cancel_operation(runtime, request)
    assert first == second
    assert await progress(runtime, operation, confirmed=5) is None
    assert ["STATE_CANCELLED"] == await told(runtime)


async def test_an_ended_operation_cannot_be_cancelled(runtime: Runtime) -> None:
    """Cancelling what has ended otherwise is refused, with its id."""
    operation = await create(runtime, total=0)
    with pytest.raises(FailedPrecondition) as refused:
        await rpc.cancel_operation(runtime, pb.CancelOperationRequest(store_id=STORE, operation_id=str(operation.id)))
    assert "OPERATION_ENDED" == refused.value.reason


async def test_a_failure_says_why(runtime: Runtime) -> None:
    """A failed operation carries its reason, and a second failure does not change it."""
    operation = await create(runtime, total=5)
    async with runtime.db.begin() as tx:
        failed = await db.fail(tx, operation.id, "META_TOKEN_INVALID", at=runtime.now())
        assert await db.fail(tx, operation.id, "INTERNAL", at=runtime.now()) is None
    assert failed is not None
    assert (State.FAILED, "META_TOKEN_INVALID") == (failed.state, failed.reason)


async def test_watching_shows_every_stage_and_ends(runtime: Runtime) -> None:
    """A watcher sees the operation at once, sees it change, and is let go when it ends."""
    operation = await create(runtime, total=2)
    request = pb.WatchOperationRequest(store_id=STORE, operation_id=str(operation.id))

    async def watch() -> list[int]:
        return [seen.operation.confirmed_count async for seen in rpc.watch_operation(runtime, request)]

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.1)
    for _ in range(2):
        await progress(runtime, operation, confirmed=1)
        await asyncio.sleep(0.4)
    assert [0, 1, 2] == await asyncio.wait_for(watching, 5)


@pytest.mark.parametrize("operation_id", ["nonsense", "00000000-0000-4000-8000-000000000000", "foreign"])
async def test_foreign_operations_look_missing(runtime: Runtime, operation_id: str) -> None:
    """Another store's operation, an absent one and nonsense are told apart by nobody."""
    if operation_id == "foreign":
        operation_id = str((await create(runtime, OTHER_STORE, total=1)).id)
    with pytest.raises(NotFound) as missing:
        await rpc.get_operation(runtime, pb.GetOperationRequest(store_id=STORE, operation_id=operation_id))
    assert ("OPERATION_NOT_FOUND", "No such operation in this store") == (missing.value.reason, missing.value.message)


async def test_the_list_goes_on_where_it_stopped(runtime: Runtime) -> None:
    """Pages of a list, newest first, hold every operation of the store once."""
    made = [str((await create(runtime, total=1)).id) for _ in range(5)]
    await create(runtime, OTHER_STORE, total=1)
    listed, token = [], ""
    for _ in range(3):
        request = pb.ListOperationsRequest(store_id=STORE, page_size=2, page_token=token)
        page = await rpc.list_operations(runtime, request)
        listed += [operation.operation_id for operation in page.operations]
        token = page.next_page_token
    assert (made[::-1], "") == (listed, token)


async def test_the_list_can_be_narrowed(runtime: Runtime) -> None:
    """Filters by state and connection show only what fits; a token belongs to its filter."""
    await create(runtime, total=0)
    running = await create(runtime, total=1)
    await create(runtime, total=1)
    request = pb.ListOperationsRequest(store_id=STORE, state=operation_pb2.Operation.STATE_RUNNING, page_size=1)
    page = await rpc.list_operations(runtime, request)
    assert "STATE_RUNNING" == operation_pb2.Operation.State.Name(page.operations[0].state)
    with pytest.raises(InvalidInput):
        await rpc.list_operations(runtime, pb.ListOperationsRequest(store_id=STORE, page_token=page.next_page_token))
    other = pb.ListOperationsRequest(store_id=STORE, connection_id=str(UUID(int=2)))
    assert [] == list((await rpc.list_operations(runtime, other)).operations)
    assert str(running.connection_id) == page.operations[0].connection_id
