"""FacebookForwarding: every RPC and the function that answers it."""

from typing import Any

from connector.forwarding import rpc as forwarding
from connector.runtime import Runtime
from stormcom.facebook.v1 import forwarding_service_pb2 as pb
from stormcom.facebook.v1 import forwarding_service_pb2_grpc as grpc


class Forwarding(grpc.FacebookForwardingServicer):
    """FacebookForwarding."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetMailForwarding(self, request: pb.GetMailForwardingRequest, _: Any) -> pb.GetMailForwardingResponse:
        return await forwarding.get_mail_forwarding(self._runtime, request)

    async def UpdateMailForwarding(
        self, request: pb.UpdateMailForwardingRequest, _: Any
    ) -> pb.UpdateMailForwardingResponse:
        return await forwarding.update_mail_forwarding(self._runtime, request)

    async def TestMailForwarding(self, request: pb.TestMailForwardingRequest, _: Any) -> pb.TestMailForwardingResponse:
        return await forwarding.test_mail_forwarding(self._runtime, request)

    async def ResolveReplyAddress(
        self, request: pb.ResolveReplyAddressRequest, _: Any
    ) -> pb.ResolveReplyAddressResponse:
        return await forwarding.resolve_reply_address(self._runtime, request)
