"""FacebookCheckout: every RPC and the function that answers it."""

from typing import Any

from connector.checkout import rpc as checkout
from connector.runtime import Runtime
from stormcom.facebook.v1 import checkout_service_pb2 as pb
from stormcom.facebook.v1 import checkout_service_pb2_grpc as checkout_grpc


class Checkout(checkout_grpc.FacebookCheckoutServicer):
    """FacebookCheckout."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ResolveCheckoutLink(
        self, request: pb.ResolveCheckoutLinkRequest, _: Any
    ) -> pb.ResolveCheckoutLinkResponse:
        return await checkout.resolve_checkout_link(self._runtime, request)

    async def BuildCheckoutLink(self, request: pb.BuildCheckoutLinkRequest, _: Any) -> pb.BuildCheckoutLinkResponse:
        return await checkout.build_checkout_link(self._runtime, request)

    async def SetCheckoutUrl(self, request: pb.SetCheckoutUrlRequest, _: Any) -> pb.SetCheckoutUrlResponse:
        return await checkout.set_checkout_url(self._runtime, request)

    async def GetCheckoutUrl(self, request: pb.GetCheckoutUrlRequest, _: Any) -> pb.GetCheckoutUrlResponse:
        return await checkout.get_checkout_url(self._runtime, request)

    async def RunCheckoutSelfTest(
        self, request: pb.RunCheckoutSelfTestRequest, _: Any
    ) -> pb.RunCheckoutSelfTestResponse:
        return await checkout.run_checkout_self_test(self._runtime, request)
