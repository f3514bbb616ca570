"""FacebookConnector: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.catalog import rpc as catalog
from connector.connections import rpc as connections
from connector.health import rpc as status
from connector.inventory import rpc as inventory
from connector.messaging import rpc as messaging
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as connector_pb
from stormcom.facebook.v1 import connector_service_pb2_grpc as connector_grpc


class Connector(connector_grpc.FacebookConnectorServicer):
    """FacebookConnector."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def Connect(self, request: connector_pb.ConnectRequest, _: Any) -> connector_pb.ConnectResponse:
        return await connections.connect(self._runtime, request)

    async def Disconnect(self, request: connector_pb.DisconnectRequest, _: Any) -> connector_pb.DisconnectResponse:
        return await catalog.disconnect(self._runtime, request)

    async def SyncCatalog(self, request: connector_pb.SyncCatalogRequest, _: Any) -> connector_pb.SyncCatalogResponse:
        return await catalog.sync_catalog(self._runtime, request)

    async def UpdateInventory(
        self, request: connector_pb.UpdateInventoryRequest, _: Any
    ) -> connector_pb.UpdateInventoryResponse:
        return await inventory.update_inventory(self._runtime, request)

    async def ListConversations(
        self, request: connector_pb.ListConversationsRequest, _: Any
    ) -> connector_pb.ListConversationsResponse:
        return await messaging.list_conversations(self._runtime, request)

    async def ListMessages(
        self, request: connector_pb.ListMessagesRequest, _: Any
    ) -> connector_pb.ListMessagesResponse:
        return await messaging.list_messages(self._runtime, request)

    async def SendMessage(self, request: connector_pb.SendMessageRequest, _: Any) -> connector_pb.SendMessageResponse:
        return await messaging.send_message(self._runtime, request)

    async def GetStatus(self, request: connector_pb.GetStatusRequest, _: Any) -> connector_pb.GetStatusResponse:
        return await status.get_status(self._runtime, request)

    def WatchStatus(
        self, request: connector_pb.WatchStatusRequest, _: Any
    ) -> AsyncIterator[connector_pb.WatchStatusResponse]:
        return status.watch_status(self._runtime, request)
