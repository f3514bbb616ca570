"""FacebookOrders: every RPC and the function that answers it."""

from typing import Any

from connector.orders import rpc as orders
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_service_pb2 as pb
from stormcom.facebook.v1 import order_service_pb2_grpc as orders_grpc


class Orders(orders_grpc.FacebookOrdersServicer):
    """FacebookOrders."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ListOrders(self, request: pb.ListOrdersRequest, _: Any) -> pb.ListOrdersResponse:
        return await orders.list_orders(self._runtime, request)

    async def GetOrder(self, request: pb.GetOrderRequest, _: Any) -> pb.GetOrderResponse:
        return await orders.get_order(self._runtime, request)

    async def AckOrderImport(self, request: pb.AckOrderImportRequest, _: Any) -> pb.AckOrderImportResponse:
        return await orders.ack_order_import(self._runtime, request)

    async def RetryOrder(self, request: pb.RetryOrderRequest, _: Any) -> pb.RetryOrderResponse:
        return await orders.retry_order(self._runtime, request)

    async def PollOrders(self, request: pb.PollOrdersRequest, _: Any) -> pb.PollOrdersResponse:
        return await orders.poll_orders(self._runtime, request)

    async def GetOrderManagement(self, request: pb.GetOrderManagementRequest, _: Any) -> pb.GetOrderManagementResponse:
        return await orders.get_order_management(self._runtime, request)

    async def AssociateOrderManagement(
        self, request: pb.AssociateOrderManagementRequest, _: Any
    ) -> pb.AssociateOrderManagementResponse:
        return await orders.associate_order_management(self._runtime, request)

    async def ReleaseOrderManagement(
        self, request: pb.ReleaseOrderManagementRequest, _: Any
    ) -> pb.ReleaseOrderManagementResponse:
        return await orders.release_order_management(self._runtime, request)
