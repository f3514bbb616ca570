"""FacebookAdoption: every RPC and the function that answers it."""

from typing import Any

from connector.adoption import rpc as adoption
from connector.runtime import Runtime
from stormcom.facebook.v1 import adoption_service_pb2 as adoption_pb
from stormcom.facebook.v1 import adoption_service_pb2_grpc as adoption_grpc


class Adoption(adoption_grpc.FacebookAdoptionServicer):
    """FacebookAdoption."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ScanCatalog(self, request: adoption_pb.ScanCatalogRequest, _: Any) -> adoption_pb.ScanCatalogResponse:
        return await adoption.scan_catalog(self._runtime, request)

    async def ListScannedItems(
        self, request: adoption_pb.ListScannedItemsRequest, _: Any
    ) -> adoption_pb.ListScannedItemsResponse:
        return await adoption.list_scanned_items(self._runtime, request)

    async def PlanAdoption(self, request: adoption_pb.PlanAdoptionRequest, _: Any) -> adoption_pb.PlanAdoptionResponse:
        return await adoption.plan_adoption(self._runtime, request)

    async def ApplyAdoption(
        self, request: adoption_pb.ApplyAdoptionRequest, _: Any
    ) -> adoption_pb.ApplyAdoptionResponse:
        return await adoption.apply_adoption(self._runtime, request)
