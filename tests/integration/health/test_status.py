"""The status tells the truth from our own memory, whatever happens to Meta."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from connector.budgets import db as budgets
from connector.budgets.db import News
from connector.connections import db as connections
from connector.connections.model import Connection, State
from connector.db import outbox
from connector.db.outbox import Task
from connector.errors import FailedPrecondition, MetaRefused, NotFound
from connector.health import actions, rpc
from connector.runtime import Runtime
from connector.values import ConnectionId, Environment
from connector.vault import Binding, Secret
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import status_pb2

STORE = "store_1"


@pytest.fixture
async def connection(runtime: Runtime) -> Connection:
    """A connected store, as a login leaves it."""
    number, now = ConnectionId(runtime.new_id()), runtime.now()
    sealed = await runtime.vault.seal(Secret("t"), Binding(STORE, str(number), "page"))
    async with runtime.db.begin() as tx:
        await connections.create(tx, number, STORE, Environment.TEST, at=now)
        facts = {"page_id": "30000000000000001", "page_name": "Mina's Shop", "user_token": sealed, "page_token": sealed}
        expire_time = now + timedelta(days=59, hours=23)
        return await connections.change(
            tx, number, at=now, state=State.CONNECTED, catalog_id="51", token_expire_time=expire_time, **facts
        )


async def read(runtime: Runtime, **named: Any) -> status_pb2.ConnectionStatus:
    return (await rpc.get_status(runtime, pb.GetStatusRequest(store_id=STORE, **named))).status


async def test_the_status_is_told_while_meta_is_down(runtime: Runtime, connection: Connection) -> None:
    """A status needs nobody but our own database: here no Meta listens at all."""
    status = await read(runtime)
    assert ("Mina's Shop", "v26.0", 59) == (
        status.connection.page.name,
        status.graph_version,
        status.token_days_left,
    )


async def test_backlog_and_failures_are_counted(runtime: Runtime, connection: Connection, clock: Any) -> None:
    """Waiting and given-up tasks of this connection are counted, with the age of the oldest due one."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.SEND_ITEMS, due=now - timedelta(minutes=5), connection_id=connection.id)
        await outbox.add(tx, Task.SEND_ITEMS, due=now + timedelta(minutes=5), connection_id=connection.id)
        await outbox.add(tx, Task.CHECK_BATCH, due=now, connection_id=connection.id)
        await outbox.add(tx, Task.CHECK_BATCH, due=now, connection_id=UUID(int=99))
        await tx.execute(text("UPDATE tasks SET due_time = NULL WHERE name = 'CHECK_BATCH'"))
    backlog = (await read(runtime)).backlog
    assert (2, 1) == (backlog.task_count, backlog.failed_task_count)
    assert now - timedelta(minutes=5) == backlog.oldest_due_time.ToDatetime(now.tzinfo)


async def test_the_last_problem_stays_and_the_count_fades(runtime: Runtime, connection: Connection, clock: Any) -> None:
    """The last failure is kept after a day; the count covers 24 hours."""
    from connector.connections import actions as connecting

    for code in (100, 190):
        refusal = MetaRefused("META_REJECTED", f"No {code}.", code=code, subcode=33)
        await connecting.note_refusal(runtime, connection, refusal)
    status = await read(runtime)
    assert (2, 190, 33) == (status.problem_count, status.last_problem.meta_code, status.last_problem.meta_subcode)
    clock.advance(days=1, minutes=1)
    later = await read(runtime)
    assert (0, "No 190.") == (later.problem_count, later.last_problem.message)


async def test_only_pauses_that_concern_it_are_told(runtime: Runtime, connection: Connection) -> None:
    """Running pauses of its app, this Page and this catalog are told by their family and cause; others are not."""
    now, app = runtime.now(), f"app:{runtime.app(connection.environment).app_id}"
    page = connection.page_id
    async with runtime.db.begin() as tx:
        for bucket in (app, "app:2", "catalog_batch:51", f"pages:{page}", "pages:31"):
            await budgets.note(tx, bucket, News(pause_time=now + timedelta(minutes=1)), at=now)
        await budgets.note(tx, f"messenger:{page}", News(pause_time=now - timedelta(minutes=1)), at=now)
        await budgets.note(tx, "catalog_management:51", News(outcomes="xxxxx"), at=now)
    told = {pause.bucket: pause.reason for pause in (await read(runtime)).throttles}
    throttled = dict.fromkeys(["app", "catalog_batch", "pages"], "META_THROTTLED")
    assert throttled | {"catalog_management": "META_UNAVAILABLE"} == told


async def test_items_are_counted_by_state(runtime: Runtime, connection: Connection) -> None:
    """Every item that is, or is to go, is counted once, in the contract's words."""
    async with runtime.db.begin() as tx:
        for number, facts in enumerate(
            [
                "true, 'CHECKS', false",  # rejected
                "true, 'META', true",  # rejected
                "false, NULL, true",  # to be removed
                "false, NULL, false",  # removed: counted nowhere
            ]
        ):
            await tx.execute(
                text(
                    "INSERT INTO items (connection_id, retailer_id, product_id, variant_id, whole, heir, usual,"  # noqa: S608 – ours
                    " desire_time, wanted, refused_by, stands)"
                    f" VALUES (:id, 'r{number}', 'p{number}', '', TRUE, '', TRUE, now(), {facts})"
                ),
                {"id": connection.id},
            )
    items = (await read(runtime)).items
    assert (0, 0, 0, 2, 1) == (items.pending, items.sent, items.confirmed, items.rejected, items.removing)


async def test_what_was_committed_before_the_call_is_seen(runtime: Runtime, connection: Connection) -> None:
    """Reads that share a round trip see everything that was committed before they were asked."""
    for number in range(20):
        others = [asyncio.create_task(read(runtime)) for _ in range(4)]
        await asyncio.sleep(0)
        async with runtime.db.begin() as tx:
            await connections.change(tx, connection.id, at=runtime.now(), page_name=f"Name {number}")
        assert f"Name {number}" == (await read(runtime)).connection.page.name
        await asyncio.gather(*others)


async def test_many_stores_read_together_get_their_own(runtime: Runtime, connection: Connection) -> None:
    """A round trip that serves several callers hands each its own answer."""
    wanted = [STORE, "store_9", STORE, "store_8"]
    answers = await asyncio.gather(*(actions.status(runtime, one, "") for one in wanted), return_exceptions=True)
    assert [True, False, True, False] == [not isinstance(one, FailedPrecondition) for one in answers]


@pytest.mark.parametrize("connection_id", ["nonsense", "00000000-0000-4000-8000-000000000000", "foreign"])
async def test_foreign_connections_look_missing(runtime: Runtime, connection: Connection, connection_id: str) -> None:
    """Another store's connection, an absent one and nonsense are told apart by nobody."""
    named = str(connection.id) if connection_id == "foreign" else connection_id
    with pytest.raises(NotFound) as missing:
        await actions.status(runtime, "store_2", named)
    assert "No such connection in this store" == missing.value.message


async def test_watching_tells_changes(runtime: Runtime, connection: Connection) -> None:
    """A watcher is told at once, then only when something has changed."""
    stream = rpc.watch_status(runtime, pb.WatchStatusRequest(store_id=STORE))
    first = await anext(stream)

    async def next_one() -> pb.WatchStatusResponse:
        return await anext(stream)

    waiting = asyncio.create_task(next_one())
    await asyncio.sleep(1.5)
    assert not waiting.done()
    async with runtime.db.begin() as tx:
        await connections.change(tx, connection.id, at=runtime.now(), page_name="New name")
    second = await asyncio.wait_for(waiting, 5)
    assert ("Mina's Shop", "New name") == (
        first.status.connection.page.name,
        second.status.connection.page.name,
    )
