"""FacebookPayouts: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.payouts import rpc as payouts
from connector.runtime import Runtime
from stormcom.facebook.v1 import payout_service_pb2 as pb
from stormcom.facebook.v1 import payout_service_pb2_grpc as payout_grpc


class Payouts(payout_grpc.FacebookPayoutsServicer):
    """FacebookPayouts."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ListPayouts(self, request: pb.ListPayoutsRequest, _: Any) -> pb.ListPayoutsResponse:
        return await payouts.list_payouts(self._runtime, request)

    async def ListTransactions(self, request: pb.ListTransactionsRequest, _: Any) -> pb.ListTransactionsResponse:
        return await payouts.list_transactions(self._runtime, request)

    async def ExportTransactions(
        self, request: pb.ExportTransactionsRequest, _: Any
    ) -> AsyncIterator[pb.ExportTransactionsResponse]:
        async for piece in payouts.export_transactions(self._runtime, request):
            yield piece

    async def ListOrderBalances(self, request: pb.ListOrderBalancesRequest, _: Any) -> pb.ListOrderBalancesResponse:
        return await payouts.list_order_balances(self._runtime, request)

    async def PullPayouts(self, request: pb.PullPayoutsRequest, _: Any) -> pb.PullPayoutsResponse:
        return await payouts.pull_payouts(self._runtime, request)
