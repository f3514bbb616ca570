"""FacebookOrderCommands: every RPC and the function that answers it."""

from typing import Any

from connector.order_changes import rpc as changes
from connector.order_commands import rpc as commands
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from stormcom.facebook.v1 import order_command_service_pb2_grpc as commands_grpc


class OrderCommands(commands_grpc.FacebookOrderCommandsServicer):
    """FacebookOrderCommands."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def AcknowledgeOrders(self, request: pb.AcknowledgeOrdersRequest, _: Any) -> pb.AcknowledgeOrdersResponse:
        return await commands.acknowledge_orders(self._runtime, request)

    async def FulfillOrder(self, request: pb.FulfillOrderRequest, _: Any) -> pb.FulfillOrderResponse:
        return await commands.fulfill_order(self._runtime, request)

    async def UpdateShipment(self, request: pb.UpdateShipmentRequest, _: Any) -> pb.UpdateShipmentResponse:
        return await commands.update_shipment(self._runtime, request)

    async def CancelOrder(self, request: pb.CancelOrderRequest, _: Any) -> pb.CancelOrderResponse:
        return await commands.cancel_order(self._runtime, request)

    async def RefundOrder(self, request: pb.RefundOrderRequest, _: Any) -> pb.RefundOrderResponse:
        return await commands.refund_order(self._runtime, request)

    async def RestateOrder(self, request: pb.RestateOrderRequest, _: Any) -> pb.RestateOrderResponse:
        return await commands.restate_order(self._runtime, request)

    async def ResolveReturn(self, request: pb.ResolveReturnRequest, _: Any) -> pb.ResolveReturnResponse:
        return await changes.resolve_return(self._runtime, request)

    async def ListReturns(self, request: pb.ListReturnsRequest, _: Any) -> pb.ListReturnsResponse:
        return await changes.list_returns(self._runtime, request)

    async def GetCommand(self, request: pb.GetCommandRequest, _: Any) -> pb.GetCommandResponse:
        return await commands.get_command(self._runtime, request)

    async def ListCommands(self, request: pb.ListCommandsRequest, _: Any) -> pb.ListCommandsResponse:
        return await commands.list_commands(self._runtime, request)

    async def RetryCommand(self, request: pb.RetryCommandRequest, _: Any) -> pb.RetryCommandResponse:
        return await commands.retry_command(self._runtime, request)

    async def CancelCommand(self, request: pb.CancelCommandRequest, _: Any) -> pb.CancelCommandResponse:
        return await commands.cancel_command(self._runtime, request)
