"""GetStatus and WatchStatus."""

from collections.abc import AsyncIterator

from connector.health import actions
from connector.health.model import Status
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import status_pb2


async def get_status(runtime: Runtime, request: pb.GetStatusRequest) -> pb.GetStatusResponse:
    """Tell the status."""
    found = await actions.status(runtime, request.store_id, request.connection_id)
    return pb.GetStatusResponse(status=write_status(runtime, found))


async def watch_status(runtime: Runtime, request: pb.WatchStatusRequest) -> AsyncIterator[pb.WatchStatusResponse]:
    """Tell the status whenever it changes."""
    async for found in actions.watch(runtime, request.store_id, request.connection_id):
        yield pb.WatchStatusResponse(status=write_status(runtime, found))


def write_status(runtime: Runtime, status: Status) -> status_pb2.ConnectionStatus:
    """Write a status."""
    app = runtime.apps.get(status.connection.environment)
    version = app.graph_version if app else runtime.graph.version
    return status_pb2.ConnectionStatus(**status.document(graph_version=version, at=runtime.now()))
