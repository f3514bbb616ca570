"""How long a call may take, and that nothing goes on when it is over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from connector.db import migrations
from connector.runtime import open_runtime
from connector.server import build_server
from connector.settings import Settings
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import catalog_service_pb2_grpc as catalog_grpc
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc as connector_grpc
from stormcom.facebook.v1 import inventory_pb2

STORE = "store_1"
ENDED = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}  # whose clock was first: the caller's, or ours
SOON_SECONDS = 5.0  # far below what a call to Meta or a statement may take by itself
CALLS: dict[str, tuple[Any, Any]] = {
    "GetStatus": (connector_grpc.FacebookConnectorStub, pb.GetStatusRequest(store_id=STORE)),
    "UpdateInventory": (
        connector_grpc.FacebookConnectorStub,
        pb.UpdateInventoryRequest(
            store_id=STORE,
            request_id="r",
            lines=[inventory_pb2.InventoryLine(product_id="p", quantity=1, source_version=1)],
        ),
    ),
    "BeginSnapshot": (
        catalog_grpc.FacebookCatalogStub,
        catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="r"),
    ),
    "ListItems": (catalog_grpc.FacebookCatalogStub, catalog_pb.ListItemsRequest(store_id=STORE)),
}


@dataclass(slots=True)
class Silence:
    """A Meta that takes a request and never answers: when one came, and when the connection was given up."""

    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read to the end of the connection."""
        while await reader.read(65536):
            self.asked.set()
        self.left.set()
        writer.close()


@pytest.fixture
async def silence() -> AsyncIterator[Silence]:
    """A Meta that never answers."""
    silence = Silence()
    server = await asyncio.start_server(silence.serve, "127.0.0.1", 0)
    silence.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield silence
    server.close()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status: Any = rpc_status.from_call(error)  # type: ignore[arg-type] # it reads what both kinds of errors have
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return str(info.reason)


@asynccontextmanager
async def calling(settings: Settings, folder: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server with these settings."""
    async with open_runtime(settings, pool_size=4) as runtime:
        await migrations.require_current(runtime.db)  # as a served process begins: its first session is no call's
        server, _ = build_server(runtime, settings)
        server.add_insecure_port(address := f"unix:{folder}/deadline.sock")
        await server.start()
        async with grpc.aio.insecure_channel(address) as channel:
            yield channel
        await server.stop(0)


@pytest.fixture
def token(settings: Settings) -> tuple[tuple[str, str]]:
    return (("authorization", f"Bearer {settings.development_token.reveal()}"),)


@pytest.fixture
def locked(empty_database: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody who holds a table that every call needs."""
    with psycopg.connect(empty_database) as blocker:
        blocker.execute("LOCK TABLE connections IN ACCESS EXCLUSIVE MODE")
        yield blocker
        blocker.rollback()


async def nobody_waits(blocker: psycopg.Connection[Any]) -> None:
    """Look until no statement waits behind the lock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'connections'::regclass"
    async with asyncio.timeout(SOON_SECONDS):
        while blocker.execute(waiting).fetchone() != (0,):  # noqa: ASYNC110 – PostgreSQL tells nobody
            await asyncio.sleep(0.01)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_a_silent_meta_ends_with_the_call(
    connected: str, settings: Settings, silence: Silence, token: Any, tmp_path: Path
) -> None:
    """A call that waits for Meta is over at its deadline, and the connection to Meta with it."""
    async with calling(replace(settings, graph_url=silence.url), tmp_path) as channel:
        asked = catalog_pb.ListCatalogsRequest(store_id=STORE)
        stub = catalog_grpc.FacebookCatalogStub(channel)
        for seconds in (0.5, 1, 2, 4, 8):  # as long as a busy machine needs to get to Meta at all
            error = await refused(stub.ListCatalogs(asked, timeout=seconds, metadata=token))
            assert error.code() in ENDED
            if silence.asked.is_set():
                break
        async with asyncio.timeout(SOON_SECONDS):
            await silence.left.wait()


async def test_a_short_deadline_says_so(
    connected: str, settings: Settings, silence: Silence, token: Any, tmp_path: Path
) -> None:
    """Who let the call too little time for Meta learns that, not that Meta is away; and Meta's breaker stays closed."""
    limits = replace(settings.doors.limits, deadline=timedelta(seconds=0.25))
    hurried = replace(settings, graph_url=silence.url, doors=replace(settings.doors, limits=limits))
    async with calling(hurried, tmp_path) as channel:
        asked = catalog_pb.ListCatalogsRequest(store_id=STORE)
        told: list[tuple[grpc.StatusCode, str]] = []
        while len(told) < 6:  # a breaker opens after fewer; the test's time limit ends it
            error = await refused(catalog_grpc.FacebookCatalogStub(channel).ListCatalogs(asked, metadata=token))
            if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:  # a busy machine may not get to Meta in time
                told.append((error.code(), reason_of(error)))
        assert {(grpc.StatusCode.UNAVAILABLE, "DEADLINE_TOO_SHORT")} == {*told}


async def test_who_hangs_up_ends_the_work(
    connected: str, settings: Settings, silence: Silence, token: Any, tmp_path: Path
) -> None:
    """A cancelled call stops waiting for Meta at once."""
    async with calling(replace(settings, graph_url=silence.url), tmp_path) as channel:
        asked = catalog_pb.ListCatalogsRequest(store_id=STORE)
        call = catalog_grpc.FacebookCatalogStub(channel).ListCatalogs(asked, metadata=token)
        await silence.asked.wait()
        call.cancel()
        async with asyncio.timeout(SOON_SECONDS):
            await silence.left.wait()


@pytest.mark.parametrize("name", CALLS)
async def test_a_hung_database_ends_with_the_call(
    channel: grpc.aio.Channel, connected: str, locked: psycopg.Connection[Any], name: str
) -> None:
    """At the deadline the statement is cancelled in PostgreSQL itself, be the call alone, gathered or repeatable."""
    stub, request = CALLS[name]
    error = await refused(getattr(stub(channel), name)(request, timeout=0.3))
    assert grpc.StatusCode.DEADLINE_EXCEEDED == error.code()
    await nobody_waits(locked)


@pytest.mark.parametrize(("kind", "asked_seconds"), [("deadline", None), ("longest_deadline", 50)])
async def test_no_call_goes_on_for_ever(
    locked: psycopg.Connection[Any], settings: Settings, tmp_path: Path, kind: str, asked_seconds: Any
) -> None:
    """A call without a deadline gets one, and an absurd one is cut."""
    token = (("authorization", f"Bearer {settings.development_token.reveal()}"),)
    soon: Any = {kind: timedelta(seconds=0.3)}
    limits = replace(settings.doors.limits, **soon)
    async with calling(replace(settings, doors=replace(settings.doors, limits=limits)), tmp_path) as channel:
        stub, request = CALLS["ListItems"]
        error = await refused(stub(channel).ListItems(request, timeout=asked_seconds, metadata=token))
        assert grpc.StatusCode.DEADLINE_EXCEEDED == error.code()
        await nobody_waits(locked)


async def test_a_wish_is_given_up_after_the_deadline_too(
    channel: grpc.aio.Channel, connected: str, locked: psycopg.Connection[Any], empty_database: str
) -> None:
    """However long it takes to free the `request_id` of a call whose deadline has passed: it is freed, and may be tried again."""
    stub, request = CALLS["BeginSnapshot"]
    call = asyncio.create_task(refused(stub(channel).BeginSnapshot(request, timeout=0.5)))
    with psycopg.connect(empty_database) as holder:
        async with asyncio.timeout(SOON_SECONDS):
            while holder.execute("SELECT FROM requests FOR UPDATE").fetchone() is None:  # noqa: ASYNC110 – PostgreSQL tells nobody
                await asyncio.sleep(0.01)
            assert grpc.StatusCode.DEADLINE_EXCEEDED == (await call).code()
            giving_up = (
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM requests%'"
            )
            while locked.execute(giving_up).fetchone() is None:
                locked.execute("SELECT pg_stat_clear_snapshot()")
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # beyond the time that PostgreSQL gives to a statement of the call itself
        locked.rollback()
    async with asyncio.timeout(SOON_SECONDS):
        while locked.execute("SELECT FROM requests").fetchone():
            locked.rollback()
            await asyncio.sleep(0.01)
    assert (await stub(channel).BeginSnapshot(request)).snapshot_id
