"""Deadlines, against a server that really serves: grpc_testing does not know them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import grpc
import pytest

from client.call import Caller, open_channel
from client.failures import CallFailed
from stormcom.facebook.v1.connector_service_pb2 import GetStatusRequest, GetStatusResponse

METHOD = "/stormcom.facebook.v1.FacebookConnector/GetStatus"


@pytest.fixture
def slow_server() -> Iterator[str]:
    """Serve a GetStatus that does not answer; return its address."""
    released = Event()

    def stall(_: GetStatusRequest, __: grpc.ServicerContext) -> GetStatusResponse:
        released.wait(30)
        return GetStatusResponse()

    handler = grpc.unary_unary_rpc_method_handler(
        stall, request_deserializer=GetStatusRequest.FromString, response_serializer=GetStatusResponse.SerializeToString
    )
    service, method = METHOD.strip("/").split("/")
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    released.set()
    server.stop(None).wait(10)


def test_a_call_ends_at_its_deadline(slow_server: str) -> None:
    """A server that does not answer costs the deadline once: nobody knows whether the call had an effect."""
    channel = open_channel(slow_server)
    with Caller(channel=channel, token="", store_id="s", deadline=timedelta(milliseconds=200)) as caller:
        start = time.monotonic()
        with pytest.raises(CallFailed) as caught:
            caller.call(caller.connector.GetStatus, GetStatusRequest())
        elapsed = time.monotonic() - start
    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code
    assert 0.2 <= elapsed < 2


def test_an_absent_server_costs_the_patience() -> None:
    """A connector that is not there is asked again until patience ends, and then the failure says so."""
    channel = open_channel("127.0.0.1:1")
    with Caller(channel=channel, token="", store_id="s", patience=timedelta(milliseconds=500)) as caller:
        start = time.monotonic()
        with pytest.raises(CallFailed, match="GetStatus: UNAVAILABLE"):
            caller.call(caller.connector.GetStatus, GetStatusRequest())
        elapsed = time.monotonic() - start
    assert elapsed < 2
