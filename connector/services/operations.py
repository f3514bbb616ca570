"""FacebookOperations: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.operations import rpc as operations
from connector.runtime import Runtime
from stormcom.facebook.v1 import operation_service_pb2 as operation_pb
from stormcom.facebook.v1 import operation_service_pb2_grpc as operation_grpc


class Operations(operation_grpc.FacebookOperationsServicer):
    """FacebookOperations."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetOperation(
        self, request: operation_pb.GetOperationRequest, _: Any
    ) -> operation_pb.GetOperationResponse:
        return await operations.get_operation(self._runtime, request)

    async def ListOperations(
        self, request: operation_pb.ListOperationsRequest, _: Any
    ) -> operation_pb.ListOperationsResponse:
        return await operations.list_operations(self._runtime, request)

    def WatchOperation(
        self, request: operation_pb.WatchOperationRequest, _: Any
    ) -> AsyncIterator[operation_pb.WatchOperationResponse]:
        return operations.watch_operation(self._runtime, request)

    async def CancelOperation(
        self, request: operation_pb.CancelOperationRequest, _: Any
    ) -> operation_pb.CancelOperationResponse:
        return await operations.cancel_operation(self._runtime, request)
