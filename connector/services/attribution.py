"""FacebookAttribution: every RPC and the function that answers it."""

from typing import Any

from connector.attribution import rpc as attribution
from connector.runtime import Runtime
from stormcom.facebook.v1 import attribution_service_pb2 as pb
from stormcom.facebook.v1 import attribution_service_pb2_grpc as attribution_grpc


class Attribution(attribution_grpc.FacebookAttributionServicer):
    """FacebookAttribution."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def RecordAttributedOrder(
        self, request: pb.RecordAttributedOrderRequest, _: Any
    ) -> pb.RecordAttributedOrderResponse:
        return await attribution.record_attributed_order(self._runtime, request)

    async def GetAttributedOrder(self, request: pb.GetAttributedOrderRequest, _: Any) -> pb.GetAttributedOrderResponse:
        return await attribution.get_attributed_order(self._runtime, request)

    async def ListAttributedOrders(
        self, request: pb.ListAttributedOrdersRequest, _: Any
    ) -> pb.ListAttributedOrdersResponse:
        return await attribution.list_attributed_orders(self._runtime, request)

    async def AnswerDraftOrder(self, request: pb.AnswerDraftOrderRequest, _: Any) -> pb.AnswerDraftOrderResponse:
        return await attribution.answer_draft_order(self._runtime, request)

    async def GetDraftOrder(self, request: pb.GetDraftOrderRequest, _: Any) -> pb.GetDraftOrderResponse:
        return await attribution.get_draft_order(self._runtime, request)

    async def ListDraftOrders(self, request: pb.ListDraftOrdersRequest, _: Any) -> pb.ListDraftOrdersResponse:
        return await attribution.list_draft_orders(self._runtime, request)
