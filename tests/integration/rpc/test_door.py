"""What every RPC passes through, on a really served API."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from connector.rpc.callers import SERVICES, Gate, Role
from connector.rpc.interceptors import Door
from connector.runtime import Runtime
from connector.server import build_server, set_serving
from connector.services.events import Events
from connector.settings import Settings
from connector.vault import Secret
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import catalog_service_pb2_grpc as catalog_grpc
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc as connector_grpc
from stormcom.facebook.v1 import event_service_pb2 as event_pb
from stormcom.facebook.v1 import event_service_pb2_grpc as event_grpc

STORE = "store_1"
KEY = ec.generate_private_key(ec.SECP256R1())
JWKS = json.dumps(
    {"keys": [{**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())), "kid": "k", "alg": "ES256"}]}
)
METHODS = [method for service in SERVICES for method in service.methods]


class Garbage:
    """What serializes to bytes that no message has."""

    def SerializeToString(self) -> bytes:  # noqa: N802 – protobuf's name
        return b"\xff\xff"


GARBAGE = Garbage()


def bearer(role: Role, *stores: str, subject: str = "t") -> tuple[tuple[str, str]]:
    claims = {"sub": subject, "aud": "facebook-connector", "role": role.name.lower(), "stores": stores}
    expiring = {**claims, "iat": datetime.now(UTC), "exp": datetime.now(UTC) + timedelta(minutes=5)}
    return (("authorization", "Bearer " + jwt.encode(expiring, KEY, algorithm="ES256", headers={"kid": "k"})),)


@pytest.fixture
async def production(runtime: Runtime, settings: Settings, tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A channel without credentials to a server with production settings."""
    strict = replace(settings, development=False, development_token=Secret(""), caller_jwks=JWKS)
    server, checks = build_server(runtime, strict)
    address = f"unix:{tmp_path}/production.sock"
    server.add_insecure_port(address)
    await server.start()
    await set_serving(checks)
    async with grpc.aio.insecure_channel(address) as channel:
        yield channel
    await server.stop(0)


async def answer(channel: grpc.aio.Channel, method: Any, request: Any, metadata: Any = ()) -> Any:
    """What came back, of a stream the first part: a message, or the error."""
    path, answer_type = f"/{method.containing_service.full_name}/{method.name}", GetMessageClass(method.output_type)
    codec = {"request_serializer": type(request).SerializeToString, "response_deserializer": answer_type.FromString}
    try:
        if method.server_streaming:
            return await channel.unary_stream(path, **codec)(request, metadata=metadata).read()
        return await channel.unary_unary(path, **codec)(request, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return error


async def until(holds: Callable[[Any], bool], *call: Any) -> Any:
    """Repeat a call until its answer is as wanted; the test's time limit ends it otherwise."""
    while not holds(found := await answer(*call)):  # noqa: ASYNC110 – the server sets no event of ours
        await asyncio.sleep(0.01)
    return found


def info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # it reads metadata and code only, which both kinds have
    assert status is not None
    found = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(found)
    return found


async def test_no_method_answers_without_a_credential(production: grpc.aio.Channel) -> None:
    """Every method refuses a call without a token, all in the same way."""
    errors = [
        await answer(production, method, GetMessageClass(method.input_type)(store_id=STORE)) for method in METHODS
    ]
    assert {(grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_MISSING")} == {
        (error.code(), info(error).reason) for error in errors
    }
    assert 1 == len({str(rpc_status.from_call(error)) for error in errors})


@pytest.mark.parametrize("store_id", ["", "a b", "x" * 65, "é"])
async def test_a_store_must_be_named(channel: grpc.aio.Channel, store_id: str) -> None:
    """A missing or malformed store is the caller's mistake, named as such."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await connector_grpc.FacebookConnectorStub(channel).GetStatus(pb.GetStatusRequest(store_id=store_id))
    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
    assert "store_id" == info(caught.value).metadata["field"]


async def test_production_shows_health_but_no_reflection(production: grpc.aio.Channel) -> None:
    """Probes are answered without a credential; the API's shape is not."""
    health: Any = health_pb2_grpc.HealthStub(production)  # its types know only synchronous channels, as do reflection's
    healthy = await health.Check(health_pb2.HealthCheckRequest())
    assert health_pb2.HealthCheckResponse.SERVING == healthy.status
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    shape: Any = reflection_pb2_grpc.ServerReflectionStub
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in shape(production).ServerReflectionInfo(asked):
            pass
    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()


@pytest.mark.parametrize(
    "path",
    [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/grpc.channelz.v1.Channelz/GetTopChannels",
        "/stormcom.facebook.v1.FacebookConnector/NoSuchMethod",
    ],
)
async def test_production_has_no_other_doors(production: grpc.aio.Channel, path: str) -> None:
    """What serves debugging, and what nobody wrote, is unknown to a production server."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await production.unary_unary(path, request_serializer=bytes)(b"")
    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()


async def test_development_shows_the_services(channel: grpc.aio.Channel) -> None:
    """In development grpcurl finds every service by reflection."""
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    shape: Any = reflection_pb2_grpc.ServerReflectionStub
    async for answer in shape(channel).ServerReflectionInfo(asked):
        names = {service.name for service in answer.list_services_response.service}
        assert {service.full_name for service in SERVICES} <= names
        break


async def test_a_repeated_request_gets_the_first_answer(channel: grpc.aio.Channel, connected: str) -> None:
    """The same `request_id` with the same request returns the first answer and begins nothing further."""
    stub = catalog_grpc.FacebookCatalogStub(channel)
    request = catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="wish-1")
    first, second = await stub.BeginSnapshot(request), await stub.BeginSnapshot(request)
    assert first == second
    other = await stub.BeginSnapshot(catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="wish-2"))
    assert first.snapshot_id != other.snapshot_id


async def test_a_repeated_pull_lends_the_same_events(channel: grpc.aio.Channel, connected: str) -> None:
    """A caller that lost the answer to PullEvents asks again under its id and gets the events on loan; others get none."""
    stub: Any = event_grpc.FacebookEventsStub(channel)
    asked = event_pb.PullEventsRequest(store_id=STORE, request_id="pull-1")
    first, again = await stub.PullEvents(asked), await stub.PullEvents(asked)
    assert first.events
    assert first == again
    assert event_pb.PullEventsResponse() == await stub.PullEvents(event_pb.PullEventsRequest(store_id=STORE))


async def test_a_request_id_belongs_to_one_request(channel: grpc.aio.Channel, connected: str) -> None:
    """The same `request_id` with another request, even of another method, is refused."""
    stub: Any = catalog_grpc.FacebookCatalogStub(channel)
    await stub.BeginSnapshot(catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="wish-1"))
    for call, request in (
        (
            stub.BeginSnapshot,
            catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="wish-1", connection_id=connected),
        ),
        (stub.RetryItems, catalog_pb.RetryItemsRequest(store_id=STORE, request_id="wish-1")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(request)
        assert (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED") == (caught.value.code(), info(caught.value).reason)


async def test_an_answer_is_repeated_to_its_own_caller_only(production: grpc.aio.Channel) -> None:
    """Another caller of the same store, who may see less, does not get the first one's answer by its `request_id`."""
    stub: Any = connector_grpc.FacebookConnectorStub(production)
    request = pb.ConnectRequest(store_id=STORE, request_id="wish-1", begin=pb.BeginConnect())
    first, again = [
        await stub.Connect(request, metadata=bearer(Role.MANAGER, STORE, subject="console")) for _ in range(2)
    ]
    assert first == again
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Connect(request, metadata=bearer(Role.MANAGER, STORE, subject="another"))
    assert "REQUEST_ID_REUSED" == info(caught.value).reason


async def test_a_failed_request_may_be_tried_again(channel: grpc.aio.Channel, connected: str) -> None:
    """What failed leaves its `request_id` free, also for a corrected request."""
    stub = catalog_grpc.FacebookCatalogStub(channel)
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.BeginSnapshot(
            catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="w", connection_id=str(uuid4()))
        )
    assert (await stub.BeginSnapshot(catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="w"))).snapshot_id


async def test_of_many_at_once_one_is_worked_on(channel: grpc.aio.Channel, connected: str) -> None:
    """Identical requests at the same time end in one effect: one answer for those that waited, ABORTED for those that came meanwhile."""
    stub = catalog_grpc.FacebookCatalogStub(channel)
    request = catalog_pb.BeginSnapshotRequest(store_id=STORE, request_id="wish")
    answers = await asyncio.gather(*(stub.BeginSnapshot(request) for _ in range(10)), return_exceptions=True)
    begun = {answer.snapshot_id for answer in answers if not isinstance(answer, BaseException)}
    refused = {answer.code() for answer in answers if isinstance(answer, grpc.aio.AioRpcError)}
    assert 1 == len(begun)
    assert refused <= {grpc.StatusCode.ABORTED}
    assert begun == {(await stub.BeginSnapshot(request)).snapshot_id}


async def test_a_fault_of_ours_tells_nothing_but_an_id(channel: grpc.aio.Channel, empty_database: str) -> None:
    """When the connector breaks, the caller gets fixed words and an id; the exception's words stay in the log."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("ALTER TABLE connections RENAME TO canary_of_this_test")
        try:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await connector_grpc.FacebookConnectorStub(channel).GetStatus(pb.GetStatusRequest(store_id=STORE))
        finally:
            connection.execute("ALTER TABLE canary_of_this_test RENAME TO connections")
    assert (grpc.StatusCode.INTERNAL, "INTERNAL") == (caught.value.code(), info(caught.value).reason)
    words = str(caught.value.details())
    assert "connections" not in words
    assert info(caught.value).metadata["error_id"] in words


async def test_a_deadline_ends_the_work(channel: grpc.aio.Channel, empty_database: str) -> None:
    """A call whose deadline passes while the database is locked ends with DEADLINE_EXCEEDED."""
    with psycopg.connect(empty_database) as blocker:
        blocker.execute("LOCK TABLE connections IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await connector_grpc.FacebookConnectorStub(channel).GetStatus(
                pb.GetStatusRequest(store_id=STORE), timeout=0.3
            )
        blocker.rollback()
    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.SyncCatalogRequest(store_id=STORE, request_id="a\0"), "request_id"),
        (pb.ConnectRequest(store_id=STORE, complete=pb.CompleteConnect(state="s", code="\0")), "complete.code"),
        (catalog_pb.RetryItemsRequest(store_id=STORE, retailer_ids=["a", "\0"]), "retailer_ids"),
    ],
)
async def test_text_that_cannot_be_kept_is_refused_by_name(
    channel: grpc.aio.Channel, request_: Any, field: str
) -> None:
    """NUL, which PostgreSQL keeps in no text, is the caller's fault, not ours."""
    [method] = [one for one in METHODS if one.input_type.full_name == request_.DESCRIPTOR.full_name]
    error = await answer(channel, method, request_)
    assert (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID") == (error.code(), info(error).reason)
    assert field == info(error).metadata["field"]


async def test_bytes_that_are_no_request_are_refused_in_our_words(channel: grpc.aio.Channel) -> None:
    """Garbage is INVALID_ARGUMENT with a reason, never an exception's words."""
    for method in METHODS:
        error = await answer(channel, method, GARBAGE)
        assert (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID") == (error.code(), info(error).reason)
        assert "DecodeError" not in error.details()


async def test_a_stranger_learns_nothing_from_garbage(production: grpc.aio.Channel) -> None:
    """Without a credential, garbage is answered like everything else."""
    error = await answer(production, METHODS[0], GARBAGE)
    assert grpc.StatusCode.UNAUTHENTICATED == error.code()


async def test_one_call_too_many_is_told_when_to_come_again(
    runtime: Runtime, settings: Settings, tmp_path: Path
) -> None:
    """Beyond its limit of calls at once, streams included, the connector refuses with RetryInfo, and goes on when there is room."""
    server = grpc.aio.server(
        interceptors=[Door(runtime, Gate(settings), limits=replace(settings.doors.limits, calls=1), walled=True)]
    )
    event_grpc.add_FacebookEventsServicer_to_server(Events(runtime), server)
    server.add_insecure_port(address := f"unix:{tmp_path}/small.sock")
    await server.start()
    token = (("authorization", f"Bearer {settings.development_token.reveal()}"),)
    pull = next(method for method in METHODS if method.name == "PullEvents")
    asked = event_pb.PullEventsRequest(store_id=STORE)
    async with grpc.aio.insecure_channel(address) as small:
        stub: Any = event_grpc.FacebookEventsStub(small)
        stream = stub.Subscribe(event_pb.SubscribeRequest(store_id=STORE), metadata=token)
        await stream.initial_metadata()
        error = await until(lambda found: isinstance(found, grpc.aio.AioRpcError), small, pull, asked, token)
        assert (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS") == (error.code(), info(error).reason)
        status: Any = rpc_status.from_call(error)
        assert error_details_pb2.RetryInfo.DESCRIPTOR.full_name in status.details[1].type_url
        stream.cancel()
        await until(lambda found: isinstance(found, event_pb.PullEventsResponse), small, pull, asked, token)
    await server.stop(0)
