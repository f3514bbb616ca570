"""FacebookBusinessExtension: every RPC and the function that answers it."""

from typing import Any

from connector.business_extension import rpc as business_extension
from connector.runtime import Runtime
from stormcom.facebook.v1 import business_extension_service_pb2 as extension_pb
from stormcom.facebook.v1 import business_extension_service_pb2_grpc as extension_grpc


class BusinessExtension(extension_grpc.FacebookBusinessExtensionServicer):
    """FacebookBusinessExtension."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def BeginInstall(
        self, request: extension_pb.BeginInstallRequest, _: Any
    ) -> extension_pb.BeginInstallResponse:
        return await business_extension.begin_install(self._runtime, request)

    async def CompleteInstall(
        self, request: extension_pb.CompleteInstallRequest, _: Any
    ) -> extension_pb.CompleteInstallResponse:
        return await business_extension.complete_install(self._runtime, request)

    async def GetInstallation(
        self, request: extension_pb.GetInstallationRequest, _: Any
    ) -> extension_pb.GetInstallationResponse:
        return await business_extension.get_installation(self._runtime, request)

    async def RefreshInstallation(
        self, request: extension_pb.RefreshInstallationRequest, _: Any
    ) -> extension_pb.RefreshInstallationResponse:
        return await business_extension.refresh_installation(self._runtime, request)

    async def RepairInstallation(
        self, request: extension_pb.RepairInstallationRequest, _: Any
    ) -> extension_pb.RepairInstallationResponse:
        return await business_extension.repair_installation(self._runtime, request)

    async def Uninstall(self, request: extension_pb.UninstallRequest, _: Any) -> extension_pb.UninstallResponse:
        return await business_extension.uninstall(self._runtime, request)
