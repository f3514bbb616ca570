"""An app that speaks a Graph version of its own: `META_TEST_GRAPH_VERSION` overrides `META_GRAPH_VERSION`."""

from dataclasses import replace

import grpc
import pytest

from connector.settings import Settings
from simulator.world import World
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc
from tests.integration.conftest import STORE


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings whose test app speaks v25.0."""
    apps = {name: replace(app, graph_version="v25.0") for name, app in settings.apps.items()}
    return replace(settings, apps=apps)


async def test_it_is_spoken_everywhere(channel: grpc.aio.Channel, connected: str, world: World) -> None:
    """Every call and the status use the app's version, and its answers are no drift."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    status = (await stub.GetStatus(pb.GetStatusRequest(store_id=STORE))).status
    assert (connected, "v25.0", "") == (
        status.connection.connection_id,
        status.graph_version,
        status.graph_version_drift,
    )
    assert {"v25.0"} == {one.version for one in world.records.calls}


async def test_the_dialog_speaks_it_too(channel: grpc.aio.Channel) -> None:
    """The login dialog is opened in the app's version."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    begun = await stub.Connect(pb.ConnectRequest(store_id=STORE, begin=pb.BeginConnect()))
    assert "/v25.0/dialog/oauth?" in begun.open_dialog.url
