"""FacebookInventory: every RPC and the function that answers it."""

from typing import Any

from connector.inventory import rpc as inventory
from connector.runtime import Runtime
from stormcom.facebook.v1 import inventory_service_pb2 as inventory_pb
from stormcom.facebook.v1 import inventory_service_pb2_grpc as inventory_grpc


class Inventory(inventory_grpc.FacebookInventoryServicer):
    """FacebookInventory."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetInventory(
        self, request: inventory_pb.GetInventoryRequest, _: Any
    ) -> inventory_pb.GetInventoryResponse:
        return await inventory.get_inventory(self._runtime, request)

    async def ListInventory(
        self, request: inventory_pb.ListInventoryRequest, _: Any
    ) -> inventory_pb.ListInventoryResponse:
        return await inventory.list_inventory(self._runtime, request)

    async def ReserveStock(
        self, request: inventory_pb.ReserveStockRequest, _: Any
    ) -> inventory_pb.ReserveStockResponse:
        return await inventory.reserve_stock(self._runtime, request)

    async def ExtendHold(self, request: inventory_pb.ExtendHoldRequest, _: Any) -> inventory_pb.ExtendHoldResponse:
        return await inventory.extend_hold(self._runtime, request)

    async def ReleaseHold(self, request: inventory_pb.ReleaseHoldRequest, _: Any) -> inventory_pb.ReleaseHoldResponse:
        return await inventory.release_hold(self._runtime, request)

    async def CompleteHold(
        self, request: inventory_pb.CompleteHoldRequest, _: Any
    ) -> inventory_pb.CompleteHoldResponse:
        return await inventory.complete_hold(self._runtime, request)

    async def GetHold(self, request: inventory_pb.GetHoldRequest, _: Any) -> inventory_pb.GetHoldResponse:
        return await inventory.get_hold(self._runtime, request)

    async def ListHolds(self, request: inventory_pb.ListHoldsRequest, _: Any) -> inventory_pb.ListHoldsResponse:
        return await inventory.list_holds(self._runtime, request)
