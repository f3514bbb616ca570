"""FacebookDiagnostics: every RPC and the function that answers it."""

from typing import Any

from connector.diagnostics import rpc as diagnostics
from connector.runtime import Runtime
from stormcom.facebook.v1 import diagnostic_service_pb2 as diagnostic_pb
from stormcom.facebook.v1 import diagnostic_service_pb2_grpc as diagnostic_grpc


class Diagnostics(diagnostic_grpc.FacebookDiagnosticsServicer):
    """FacebookDiagnostics."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ListDiagnostics(
        self, request: diagnostic_pb.ListDiagnosticsRequest, _: Any
    ) -> diagnostic_pb.ListDiagnosticsResponse:
        return await diagnostics.list_diagnostics(self._runtime, request)

    async def ListExplanations(
        self, request: diagnostic_pb.ListExplanationsRequest, _: Any
    ) -> diagnostic_pb.ListExplanationsResponse:
        return await diagnostics.list_explanations(self._runtime, request)
