"""FacebookWebhooks: every RPC and the function that answers it."""

from typing import Any

from connector.runtime import Runtime
from connector.webhooks import rpc
from stormcom.facebook.v1 import webhook_service_pb2 as pb
from stormcom.facebook.v1 import webhook_service_pb2_grpc as webhook_grpc


class Webhooks(webhook_grpc.FacebookWebhooksServicer):
    """FacebookWebhooks."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, _: Any) -> pb.ListDeliveriesResponse:
        return await rpc.list_deliveries(self._runtime, request)

    async def GetDelivery(self, request: pb.GetDeliveryRequest, _: Any) -> pb.GetDeliveryResponse:
        return await rpc.get_delivery(self._runtime, request)

    async def ReplayDelivery(self, request: pb.ReplayDeliveryRequest, _: Any) -> pb.ReplayDeliveryResponse:
        return await rpc.replay_delivery(self._runtime, request)

    async def ReplayDeliveries(self, request: pb.ReplayDeliveriesRequest, _: Any) -> pb.ReplayDeliveriesResponse:
        return await rpc.replay_deliveries(self._runtime, request)

    async def ListSignals(self, request: pb.ListSignalsRequest, _: Any) -> pb.ListSignalsResponse:
        return await rpc.list_signals(self._runtime, request)

    async def GetSignal(self, request: pb.GetSignalRequest, _: Any) -> pb.GetSignalResponse:
        return await rpc.get_signal(self._runtime, request)

    async def ReplaySignals(self, request: pb.ReplaySignalsRequest, _: Any) -> pb.ReplaySignalsResponse:
        return await rpc.replay_signals(self._runtime, request)

    async def DismissSignals(self, request: pb.DismissSignalsRequest, _: Any) -> pb.DismissSignalsResponse:
        return await rpc.dismiss_signals(self._runtime, request)
