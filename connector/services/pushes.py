"""FacebookPushes: every RPC and the function that answers it."""

from typing import Any

from connector.pushes import rpc as pushes
from connector.runtime import Runtime
from stormcom.facebook.v1 import push_service_pb2 as pb
from stormcom.facebook.v1 import push_service_pb2_grpc as grpc


class Pushes(grpc.FacebookPushesServicer):
    """FacebookPushes."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ConfigurePush(self, request: pb.ConfigurePushRequest, _: Any) -> pb.ConfigurePushResponse:
        return await pushes.configure_push(self._runtime, request)

    async def GetPush(self, request: pb.GetPushRequest, _: Any) -> pb.GetPushResponse:
        return await pushes.get_push(self._runtime, request)

    async def ListPushes(self, request: pb.ListPushesRequest, _: Any) -> pb.ListPushesResponse:
        return await pushes.list_pushes(self._runtime, request)

    async def EnablePush(self, request: pb.EnablePushRequest, _: Any) -> pb.EnablePushResponse:
        return await pushes.enable_push(self._runtime, request)

    async def TestPush(self, request: pb.TestPushRequest, _: Any) -> pb.TestPushResponse:
        return await pushes.test_push(self._runtime, request)

    async def DeletePush(self, request: pb.DeletePushRequest, _: Any) -> pb.DeletePushResponse:
        return await pushes.delete_push(self._runtime, request)
