"""What the audit tells of calls, callbacks and logins, as callers of the API see it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy import select
from typer.testing import CliRunner

from client.cli import app
from connector.db import audit, outbox
from connector.db.audit import Deed
from connector.db.outbox import Task
from connector.rpc.callers import SERVICES
from connector.rpc.recording import COUNTED
from connector.runtime import Runtime
from simulator.world import World
from stormcom.facebook.v1 import admin_service_pb2 as pb
from stormcom.facebook.v1 import admin_service_pb2_grpc, catalog_service_pb2_grpc, connector_service_pb2_grpc
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import connector_service_pb2 as connector_pb
from tests.integration.conftest import STORE


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> Any:
    """FacebookAdmin."""
    return admin_service_pb2_grpc.FacebookAdminStub(channel)


async def entries(admin: Any, **wanted: Any) -> list[pb.AuditEntry]:
    """List a store's entries, oldest first."""
    found = await admin.ListAuditEntries(pb.ListAuditEntriesRequest(store_id=STORE, **wanted))
    return list(found.entries)[::-1]


async def test_a_call_is_told_with_who_what_and_how_it_ended(
    channel: grpc.aio.Channel, admin: Any, connected: str
) -> None:
    """An entry names caller, role, actor, request, connection and outcome; a refused call stands there with its reason."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    catalog = catalog_service_pb2_grpc.FacebookCatalogStub(channel)
    begun = await catalog.BeginSnapshot(
        catalog_pb.BeginSnapshotRequest(store_id=STORE, connection_id=connected, request_id="r-1"),
        metadata=(("x-actor", "person-7"),),
    )
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.Disconnect(
            connector_pb.DisconnectRequest(store_id=STORE, connection_id="none-of-ours", request_id="r-2")
        )
    snapshot, refused = (await entries(admin))[-2:]
    assert ("BeginSnapshot", "development", "PLATFORM", "person-7", connected, "r-1", "OK", 1) == (
        snapshot.action, snapshot.caller, snapshot.role, snapshot.actor,
        snapshot.connection_id, snapshot.request_id, snapshot.result, snapshot.call_count,
    )  # fmt: skip
    assert [f"snapshot_id={begun.snapshot_id}"] == list(snapshot.objects)
    assert ("Disconnect", "", "CONNECTION_NOT_FOUND") == (refused.action, refused.actor, refused.result)


async def test_a_repeated_request_is_one_entry(channel: grpc.aio.Channel, admin: Any, connected: str) -> None:
    """What changes nothing is no deed: the second call of one request id, and every read, leave no entry."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    before = len(await entries(admin))
    for _ in range(2):
        await stub.SyncCatalog(
            connector_pb.SyncCatalogRequest(store_id=STORE, connection_id=connected, request_id="again")
        )
    assert ["SyncCatalog"] == [one.action for one in (await entries(admin))[before:]]


async def test_a_login_and_its_tokens_are_told(admin: Any, connected: str) -> None:
    """Connecting tells how the login ended, who began it, and every token that came or went, beside the calls."""
    told = [(one.action, one.result) for one in await entries(admin, connection_id=connected)]
    assert [("Connect", "OK")] * 3 == [one for one in told if one[0] == "Connect"]
    (ended,) = await entries(admin, action="LoginEnded")
    assert ("meta", "META", "OK") == (ended.caller, ended.role, ended.result)
    assert "outcome=AWAITING_CHOICE" in ended.objects
    assert "begun_by=development" in ended.objects
    tokens = [list(one.objects) for one in await entries(admin, action="TokensChanged")]
    assert [["login=KEPT"], ["user=KEPT", "page=KEPT", "login=WIPED"]] == tokens


async def test_a_failed_login_is_told_with_its_reason(channel: grpc.aio.Channel, admin: Any) -> None:
    """A merchant's no ends a login in an entry of its own."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    begun = await stub.Connect(connector_pb.ConnectRequest(store_id=STORE, begin=connector_pb.BeginConnect()))
    state = begun.open_dialog.url.partition("state=")[2].partition("&")[0]
    denied = connector_pb.CompleteConnect(state=state, error="access_denied")
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.Connect(
            connector_pb.ConnectRequest(store_id=STORE, connection_id=begun.connection.connection_id, complete=denied)
        )
    (ended,) = await entries(admin, action="LoginEnded")
    assert ("LOGIN_DENIED", begun.connection.connection_id) == (ended.result, ended.connection_id)


async def test_everyday_data_is_counted_by_the_hour(
    channel: grpc.aio.Channel, admin: Any, connected: str, runtime: Runtime, clock: Any
) -> None:
    """Many calls of one caller, refused ones too, become one entry with their number when the hour is over."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    clock.jump(minutes=-runtime.now().minute)
    before = len(await entries(admin))
    for _ in range(3):
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.UpdateInventory(connector_pb.UpdateInventoryRequest(store_id=STORE))
    await _settle(runtime)
    assert before == len(await entries(admin))
    clock.jump(minutes=130)
    await _settle(runtime)
    (entry,) = (await entries(admin))[before:]
    assert ("UpdateInventory", "development", "SUMMARY", 3) == (
        entry.action,
        entry.caller,
        entry.result,
        entry.call_count,
    )


async def _settle(runtime: Runtime) -> None:
    async with runtime.db.begin() as tx:
        await audit.settle(tx, at=runtime.now())


async def test_lists_are_paged_and_filtered(channel: grpc.aio.Channel, admin: Any, connected: str) -> None:
    """Pages follow each other without a gap, newest first; action, caller, connection and time choose."""
    whole = await entries(admin)
    seen: list[int] = []
    token = ""
    while True:
        page = await admin.ListAuditEntries(pb.ListAuditEntriesRequest(store_id=STORE, page_size=2, page_token=token))
        seen += [one.position for one in page.entries]
        if not (token := page.next_page_token):
            break
    assert list(range(len(whole), 0, -1)) == seen
    assert [] == await entries(admin, caller="nobody")
    assert [] == await entries(admin, end_time=whole[0].create_time)
    assert whole == await entries(admin, begin_time=whole[0].create_time)


@pytest.mark.parametrize("tampered", [False, True])
async def test_an_export_is_verified_offline(admin: Any, connected: str, tmp_path: Any, *, tampered: bool) -> None:
    """What `ExportAudit` streams is verified by the command line without the connector, and one changed word is found."""
    lines = [line async for piece in admin.ExportAudit(pb.ExportAuditRequest(store_id=STORE)) for line in piece.lines]
    if tampered:
        lines[2] = lines[2].replace('"development"', '"somebody"').replace('"connector"', '"somebody"')
    file = tmp_path / "audit.jsonl"
    file.write_text("\n".join(lines) + "\n")
    verified = CliRunner().invoke(app, ["audit", "verify", str(file)])
    assert (1 if tampered else 0) == verified.exit_code
    assert ("entry 2" if tampered else f"{len(lines) - 1} entries") in verified.output


async def test_the_connector_checks_its_own_chain(admin: Any, connected: str) -> None:
    """`VerifyAudit` walks to the end, and goes on from the mark it gave; a mark of another chain is a break."""
    whole = await admin.VerifyAudit(pb.VerifyAuditRequest(store_id=STORE))
    last = (await entries(admin))[-1]
    assert (True, 0, last.position, last.hash) == (whole.complete, whole.fault, whole.position, whole.hash)
    mark = {"position": whole.position, "hash": whole.hash}
    assert whole == await admin.VerifyAudit(pb.VerifyAuditRequest(store_id=STORE, **mark))
    other = await admin.VerifyAudit(pb.VerifyAuditRequest(store_id=STORE, position=2, hash=bytes(32)))
    assert (pb.VerifyAuditResponse.FAULT_ALTERED, 3) == (other.fault, other.fault_position)


async def test_an_actor_is_an_id(channel: grpc.aio.Channel) -> None:
    """A name with spaces is no id of a person: the call is refused before anything happens."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Disconnect(connector_pb.DisconnectRequest(store_id=STORE), metadata=(("x-actor", "Mrs Smith"),))
    assert grpc.StatusCode.INVALID_ARGUMENT == refused.value.code()


async def test_stores_have_chains_of_their_own(
    channel: grpc.aio.Channel, admin: Any, world: World, turn: Callable[[], Awaitable[int]], connected: str
) -> None:
    """One store's entries are neither listed nor counted with another's."""
    other = await admin.ListAuditEntries(pb.ListAuditEntriesRequest(store_id="store_2"))
    assert [] == list(other.entries)
    begun = connector_pb.ConnectRequest(store_id="store_2", begin=connector_pb.BeginConnect())
    await connector_service_pb2_grpc.FacebookConnectorStub(channel).Connect(begun)
    other = await admin.ListAuditEntries(pb.ListAuditEntriesRequest(store_id="store_2"))
    assert [("Connect", 1)] == [(one.action, one.position) for one in other.entries]


CHANGING = [
    method
    for service in SERVICES
    for method in service.methods
    if method.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS
]


async def test_no_change_is_without_a_trace(channel: grpc.aio.Channel, admin: Any, runtime: Runtime) -> None:
    """Every method that may change something leaves an entry or is counted, also when it is refused."""
    for method in CHANGING:
        call: Any = channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        with suppress(grpc.aio.AioRpcError):  # an empty request is refused by most
            request: Any = GetMessageClass(method.input_type)(store_id=STORE)
            if method.name == "ResolveCheckoutLink":  # which changes something only when it keeps pieces aside
                request.hold_duration.FromSeconds(60)
            await call(request)
    told = {one.action for one in await entries(admin, page_size=500)}
    async with runtime.db.begin() as tx:
        counted = set(await tx.scalars(select(audit.tallies.c.action)))
    assert {method.name for method in CHANGING} - COUNTED == told & {method.name for method in CHANGING}
    assert set(COUNTED) == counted


async def test_a_call_that_was_given_up_has_an_unknown_outcome(
    channel: grpc.aio.Channel, admin: Any, connected: str, runtime: Runtime, *, clock: Any, empty_database: str
) -> None:
    """A caller that does not wait for the end is told in the audit all the same: what it began may be done."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    request = connector_pb.DisconnectRequest(store_id=STORE, connection_id=connected)
    async with await psycopg.AsyncConnection.connect(empty_database) as other:
        await other.execute("SELECT FROM connections FOR UPDATE")
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Disconnect(request, timeout=0.5)
    assert [] == await entries(admin, action="Disconnect")
    clock.jump(minutes=11)
    await _settle(runtime)
    assert [audit.UNKNOWN] == [one.result for one in await entries(admin, action="Disconnect")]


async def test_the_sweep_looks_after_the_audit(
    admin: Any, runtime: Runtime, clock: Any, turn: Callable[[], Awaitable[int]]
) -> None:
    """Once an hour lost calls and counted hours become entries, and what is older than 400 days leaves."""
    deed = Deed(STORE, "Disconnect", "console", "MANAGER")
    async with runtime.db.begin() as tx:
        await audit.append(tx, deed, at=runtime.now())
        await audit.intend(tx, deed, at=runtime.now())
        await audit.count(tx, [deed, deed], at=runtime.now())
    clock.jump(days=408)
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=runtime.now(), key="sweep")
    await turn()
    told = [(one.position, one.action, one.result, one.call_count) for one in await entries(admin)]
    # The lost call is as old as its beginning, and leaves with the first.
    assert [(3, "Disconnect", "SUMMARY", 2), (4, "SealAudit", "OK", 1)] == told
    walk = await admin.VerifyAudit(pb.VerifyAuditRequest(store_id=STORE))
    assert (True, 0) == (walk.complete, walk.fault)
