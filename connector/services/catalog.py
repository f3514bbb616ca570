"""FacebookCatalog: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.adoption import actions as adoption_actions
from connector.catalog import actions as catalog_actions
from connector.catalog import rpc as catalog
from connector.operations import rpc as operations
from connector.registry import rpc as registry
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import catalog_service_pb2_grpc as catalog_grpc

_HELD = {**catalog_actions.HELD, **adoption_actions.HELD}
"""How each kind of operation that the guard holds back goes on."""


class Catalog(catalog_grpc.FacebookCatalogServicer):
    """FacebookCatalog."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreateCatalog(self, request: catalog_pb.CreateCatalogRequest, _: Any) -> catalog_pb.CreateCatalogResponse:
        return await catalog.create_catalog(self._runtime, request)

    async def ListCatalogs(self, request: catalog_pb.ListCatalogsRequest, _: Any) -> catalog_pb.ListCatalogsResponse:
        return await catalog.list_catalogs(self._runtime, request)

    async def AttachCatalog(self, request: catalog_pb.AttachCatalogRequest, _: Any) -> catalog_pb.AttachCatalogResponse:
        return await catalog.attach_catalog(self._runtime, request)

    async def UpsertProducts(
        self, request: catalog_pb.UpsertProductsRequest, _: Any
    ) -> catalog_pb.UpsertProductsResponse:
        return await catalog.upsert_products(self._runtime, request)

    async def DeleteProducts(
        self, request: catalog_pb.DeleteProductsRequest, _: Any
    ) -> catalog_pb.DeleteProductsResponse:
        return await catalog.delete_products(self._runtime, request)

    async def BeginSnapshot(self, request: catalog_pb.BeginSnapshotRequest, _: Any) -> catalog_pb.BeginSnapshotResponse:
        return await catalog.begin_snapshot(self._runtime, request)

    async def PutSnapshotProducts(
        self, request: catalog_pb.PutSnapshotProductsRequest, _: Any
    ) -> catalog_pb.PutSnapshotProductsResponse:
        return await catalog.put_snapshot_products(self._runtime, request)

    async def CommitSnapshot(
        self, request: catalog_pb.CommitSnapshotRequest, _: Any
    ) -> catalog_pb.CommitSnapshotResponse:
        return await catalog.commit_snapshot(self._runtime, request)

    async def AbandonSnapshot(
        self, request: catalog_pb.AbandonSnapshotRequest, _: Any
    ) -> catalog_pb.AbandonSnapshotResponse:
        return await catalog.abandon_snapshot(self._runtime, request)

    async def ConfirmChange(self, request: catalog_pb.ConfirmChangeRequest, _: Any) -> catalog_pb.ConfirmChangeResponse:
        return await operations.confirm_change(self._runtime, request, _HELD)

    async def GetItem(self, request: catalog_pb.GetItemRequest, _: Any) -> catalog_pb.GetItemResponse:
        return await catalog.get_item(self._runtime, request)

    async def ListItems(self, request: catalog_pb.ListItemsRequest, _: Any) -> catalog_pb.ListItemsResponse:
        return await catalog.list_items(self._runtime, request)

    async def RetryItems(self, request: catalog_pb.RetryItemsRequest, _: Any) -> catalog_pb.RetryItemsResponse:
        return await catalog.retry_items(self._runtime, request)

    def PreviewSync(
        self, request: catalog_pb.PreviewSyncRequest, _: Any
    ) -> AsyncIterator[catalog_pb.PreviewSyncResponse]:
        return catalog.preview_sync(self._runtime, request)

    async def GetCatalogSettings(
        self, request: catalog_pb.GetCatalogSettingsRequest, _: Any
    ) -> catalog_pb.GetCatalogSettingsResponse:
        return await catalog.get_catalog_settings(self._runtime, request)

    async def UpdateCatalogSettings(
        self, request: catalog_pb.UpdateCatalogSettingsRequest, _: Any
    ) -> catalog_pb.UpdateCatalogSettingsResponse:
        return await catalog.update_catalog_settings(self._runtime, request)

    async def ResolveRetailerIds(
        self, request: catalog_pb.ResolveRetailerIdsRequest, _: Any
    ) -> catalog_pb.ResolveRetailerIdsResponse:
        return await registry.resolve_retailer_ids(self._runtime, request)
