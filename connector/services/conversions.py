"""FacebookConversions: every RPC and the function that answers it."""

from typing import Any

from connector.conversions import rpc as conversions
from connector.runtime import Runtime
from stormcom.facebook.v1 import conversion_service_pb2 as pb
from stormcom.facebook.v1 import conversion_service_pb2_grpc as conversion_grpc


class Conversions(conversion_grpc.FacebookConversionsServicer):
    """FacebookConversions."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def SetPixel(self, request: pb.SetPixelRequest, _: Any) -> pb.SetPixelResponse:
        return await conversions.set_pixel(self._runtime, request)

    async def GetPixel(self, request: pb.GetPixelRequest, _: Any) -> pb.GetPixelResponse:
        return await conversions.get_pixel(self._runtime, request)

    async def SendConversionEvents(
        self, request: pb.SendConversionEventsRequest, _: Any
    ) -> pb.SendConversionEventsResponse:
        return await conversions.send_conversion_events(self._runtime, request)

    async def ListConversions(self, request: pb.ListConversionsRequest, _: Any) -> pb.ListConversionsResponse:
        return await conversions.list_conversions(self._runtime, request)
