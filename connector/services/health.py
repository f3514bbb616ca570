"""FacebookHealth: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.doctor import rpc as doctor
from connector.runtime import Runtime
from stormcom.facebook.v1 import health_service_pb2 as health_pb
from stormcom.facebook.v1 import health_service_pb2_grpc as health_grpc


class Health(health_grpc.FacebookHealthServicer):
    """FacebookHealth."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def RunDiagnostics(
        self, request: health_pb.RunDiagnosticsRequest, _: Any
    ) -> AsyncIterator[health_pb.RunDiagnosticsResponse]:
        return doctor.run_diagnostics(self._runtime, request)

    async def ListChecks(self, request: health_pb.ListChecksRequest, _: Any) -> health_pb.ListChecksResponse:
        return await doctor.list_checks(self._runtime, request)
