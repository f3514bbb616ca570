"""Connect and Disconnect as callers see them, over real gRPC."""

from datetime import UTC, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from connector.connections import actions
from connector.runtime import Runtime
from connector.values import Environment
from simulator.world import World
from stormcom.facebook.v1 import connection_pb2
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub

STORE, PAGE_ID, CATALOG_ID = "store_1", "30000000000000001", "50000000000000001"
State = connection_pb2.Connection.State


@pytest.fixture
def api(channel: grpc.aio.Channel) -> Any:
    """The service, as a caller holds it."""
    return FacebookConnectorStub(channel)


def begin(**named: Any) -> pb.ConnectRequest:
    return pb.ConnectRequest(store_id=STORE, begin=pb.BeginConnect(**named))


def reason_of(error: grpc.RpcError) -> str:
    """Read the reason out of a status."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # an AioRpcError carries what a call does
    assert status is not None
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


async def complete(api: Any, walk: Any, **named: Any) -> Any:
    begun = await api.Connect(begin())
    returned = await walk(begun.open_dialog.url)
    step = pb.CompleteConnect(**{"state": returned["state"], "code": returned["code"]} | named)
    return await api.Connect(
        pb.ConnectRequest(store_id=STORE, connection_id=begun.connection.connection_id, complete=step)
    )


async def test_three_steps_connect_a_store(api: Any, walk: Any) -> None:
    """Begin, complete and choose lead to a CONNECTED store, each answer saying what comes next."""
    landed = await complete(api, walk)
    assert ("choice", [PAGE_ID], [CATALOG_ID]) == (
        landed.WhichOneof("next"),
        [page.page_id for page in landed.choice.pages],
        [catalog.catalog_id for catalog in landed.choice.catalogs],
    )
    chosen = await api.Connect(
        pb.ConnectRequest(
            store_id=STORE,
            connection_id=landed.connection.connection_id,
            choose=pb.ChooseAssets(page_id=PAGE_ID, catalog_id=CATALOG_ID),
        )
    )
    assert (State.STATE_CONNECTED, None) == (chosen.connection.state, chosen.WhichOneof("next"))
    gone = await api.Disconnect(pb.DisconnectRequest(store_id=STORE))
    assert State.STATE_DISCONNECTED == gone.connection.state


async def test_a_repeated_completion_tells_the_first_answer(api: Any, walk: Any) -> None:
    """A caller that lost the answer to `complete` gets it again by its request id, although the state is used up."""
    begun = await api.Connect(begin())
    returned = await walk(begun.open_dialog.url)
    step = pb.CompleteConnect(state=returned["state"], code=returned["code"])
    request = pb.ConnectRequest(store_id=STORE, request_id="r1", complete=step)
    assert await api.Connect(request) == await api.Connect(request)


async def test_a_failed_login_is_a_status_with_its_reason(api: Any, walk: Any, world: World) -> None:
    """What the merchant declined reaches the caller as FAILED_PRECONDITION with the reason."""
    world.switches.dialog = "deny"
    begun = await api.Connect(begin())
    returned = await walk(begun.open_dialog.url)
    step = pb.CompleteConnect(state=returned["state"], error=returned["error"])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.Connect(pb.ConnectRequest(store_id=STORE, complete=step))
    assert (grpc.StatusCode.FAILED_PRECONDITION, "LOGIN_DENIED") == (refused.value.code(), reason_of(refused.value))


@pytest.mark.parametrize(
    ("field", "url"),
    [
        ("return_url", "javascript:alert(1)"),
        ("return_url", "http://store.example/back"),
        ("return_url", "//store.example/back"),
        ("return_url", "https://user:secret@store.example/"),
        ("return_url", "https://store.example/\r\nSet-Cookie: a=b"),
        ("return_url", "https://store.example\\@evil.example/"),
        ("return_url", "https:///path"),
        ("return_url", "https://[::1"),
        ("redirect_uri", "http://store.example/back"),
        ("redirect_uri", "https://store.example/back#fragment"),
        ("redirect_uri", "https://store.example/" + "x" * 2048),
    ],
)
async def test_addresses_must_be_absolute_https(api: Any, field: str, url: str) -> None:
    """No browser is ever sent to an address that is not plainly https: the field is named."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.Connect(begin(**{field: url}))
    assert grpc.StatusCode.INVALID_ARGUMENT is refused.value.code()
    assert f"begin.{field}" in (refused.value.details() or "")


@pytest.mark.parametrize(
    "request_",
    [
        pb.ConnectRequest(store_id=STORE),
        pb.ConnectRequest(store_id=STORE, complete=pb.CompleteConnect(code="c")),
        pb.ConnectRequest(store_id=STORE, choose=pb.ChooseAssets()),
        pb.ConnectRequest(store_id=STORE, begin=pb.BeginConnect(environment=7)),  # type: ignore[arg-type] # on purpose
    ],
)
async def test_incomplete_steps_are_refused(api: Any, request_: pb.ConnectRequest) -> None:
    """A step without what it needs is INVALID_ARGUMENT, never an internal error."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.Connect(request_)
    assert grpc.StatusCode.INVALID_ARGUMENT is refused.value.code()


async def test_the_status_follows_the_connection(api: Any, walk: Any) -> None:
    """GetStatus over gRPC shows the connection that Connect made."""
    landed = await complete(api, walk)
    status = await api.GetStatus(pb.GetStatusRequest(store_id=STORE, connection_id=landed.connection.connection_id))
    assert State.STATE_AWAITING_CHOICE == status.status.connection.state


async def test_a_look_tells_where_a_connection_stands(api: Any, walk: Any) -> None:
    """With a connection and no step, a caller learns the choice that a login brought by another road, and that it is over once linked."""
    landed = await complete(api, walk)
    look = pb.ConnectRequest(store_id=STORE, connection_id=landed.connection.connection_id)
    looked = await api.Connect(look)
    assert (State.STATE_AWAITING_CHOICE, landed.choice) == (looked.connection.state, looked.choice)
    choose = pb.ChooseAssets(page_id=PAGE_ID, catalog_id=CATALOG_ID)
    await api.Connect(pb.ConnectRequest(store_id=STORE, connection_id=landed.connection.connection_id, choose=choose))
    looked = await api.Connect(look)
    assert (State.STATE_CONNECTED, None) == (looked.connection.state, looked.WhichOneof("next"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await api.Connect(pb.ConnectRequest(store_id=STORE))
    assert "FIELD_REQUIRED" == reason_of(caught.value)


async def test_another_callers_login_is_as_good_as_none(api: Any, walk: Any, runtime: Runtime) -> None:
    """Over gRPC too, `complete` is for the caller that began: a stolen state opens nothing for another credential."""
    begun = await actions.begin(runtime, STORE, environment=Environment.TEST, actor="somebody-else")
    returned = await walk(begun.url)
    step = pb.CompleteConnect(state=returned["state"], code=returned["code"])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.Connect(pb.ConnectRequest(store_id=STORE, complete=step))
    assert "LOGIN_STATE_INVALID" == reason_of(refused.value)


async def test_a_closed_dialog_is_handed_in_as_nothing(api: Any) -> None:
    """A caller whose callback got neither code nor error says just that."""
    begun = await api.Connect(begin())
    state = parse_qs(urlsplit(begun.open_dialog.url).query)["state"][0]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.Connect(pb.ConnectRequest(store_id=STORE, complete=pb.CompleteConnect(state=state)))
    assert (grpc.StatusCode.FAILED_PRECONDITION, "LOGIN_CANCELLED") == (refused.value.code(), reason_of(refused.value))


async def test_the_choice_says_until_when(api: Any, walk: Any, runtime: Runtime) -> None:
    """The answer to a login tells that the choice is open for an hour."""
    landed = await complete(api, walk)
    left = landed.choice.expire_time.ToDatetime(tzinfo=UTC) - runtime.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
