"""The table of contents of the API: every RPC and the function that answers it.

The servicers' base classes are abstract, so that a missing RPC, or one bound to a function of the wrong type, does not pass the type checker.
"""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from connector.adoption import actions as adoption_actions
from connector.adoption import rpc as adoption
from connector.catalog import actions as catalog_actions
from connector.catalog import rpc as catalog
from connector.categories import rpc as categories
from connector.connections import rpc as connections
from connector.diagnostics import rpc as diagnostics
from connector.events import rpc as events
from connector.feeds import rpc as feeds
from connector.health import rpc as status
from connector.inventory import rpc as inventory
from connector.messaging import rpc as messaging
from connector.operations import rpc as operations
from connector.registry import rpc as registry
from connector.rpc.callers import SERVICES, Gate
from connector.rpc.interceptors import MOST_CALLS, Door
from connector.runtime import Runtime
from connector.settings import Settings
from stormcom.facebook.v1 import adoption_service_pb2 as adoption_pb
from stormcom.facebook.v1 import adoption_service_pb2_grpc as adoption_grpc
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import catalog_service_pb2_grpc as catalog_grpc
from stormcom.facebook.v1 import category_service_pb2 as category_pb
from stormcom.facebook.v1 import category_service_pb2_grpc as category_grpc
from stormcom.facebook.v1 import connector_service_pb2 as connector_pb
from stormcom.facebook.v1 import connector_service_pb2_grpc as connector_grpc
from stormcom.facebook.v1 import diagnostic_service_pb2 as diagnostic_pb
from stormcom.facebook.v1 import diagnostic_service_pb2_grpc as diagnostic_grpc
from stormcom.facebook.v1 import event_service_pb2 as event_pb
from stormcom.facebook.v1 import event_service_pb2_grpc as event_grpc
from stormcom.facebook.v1 import feed_service_pb2 as feed_pb
from stormcom.facebook.v1 import feed_service_pb2_grpc as feed_grpc
from stormcom.facebook.v1 import inventory_service_pb2 as inventory_pb
from stormcom.facebook.v1 import inventory_service_pb2_grpc as inventory_grpc
from stormcom.facebook.v1 import operation_service_pb2 as operation_pb
from stormcom.facebook.v1 import operation_service_pb2_grpc as operation_grpc

_HELD = {**catalog_actions.HELD, **adoption_actions.HELD}


class Connector(connector_grpc.FacebookConnectorServicer):
    """FacebookConnector."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def Connect(self, request: connector_pb.ConnectRequest, _: Any) -> connector_pb.ConnectResponse:
        return await connections.connect(self._runtime, request)

    async def Disconnect(self, request: connector_pb.DisconnectRequest, _: Any) -> connector_pb.DisconnectResponse:
        return await connections.disconnect(self._runtime, request)

    async def SyncCatalog(self, request: connector_pb.SyncCatalogRequest, _: Any) -> connector_pb.SyncCatalogResponse:
        return await catalog.sync_catalog(self._runtime, request)

    async def UpdateInventory(
        self, request: connector_pb.UpdateInventoryRequest, _: Any
    ) -> connector_pb.UpdateInventoryResponse:
        return await inventory.update_inventory(self._runtime, request)

    async def ListConversations(
        self, request: connector_pb.ListConversationsRequest, _: Any
    ) -> connector_pb.ListConversationsResponse:
        return await messaging.list_conversations(self._runtime, request)

    async def ListMessages(
        self, request: connector_pb.ListMessagesRequest, _: Any
    ) -> connector_pb.ListMessagesResponse:
        return await messaging.list_messages(self._runtime, request)

    async def SendMessage(self, request: connector_pb.SendMessageRequest, _: Any) -> connector_pb.SendMessageResponse:
        return await messaging.send_message(self._runtime, request)

    async def GetStatus(self, request: connector_pb.GetStatusRequest, _: Any) -> connector_pb.GetStatusResponse:
        return await status.get_status(self._runtime, request)

    def WatchStatus(
        self, request: connector_pb.WatchStatusRequest, _: Any
    ) -> AsyncIterator[connector_pb.WatchStatusResponse]:
        return status.watch_status(self._runtime, request)


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

    def PreviewSync(self, request: catalog_pb.PreviewSyncRequest, _: Any) -> AsyncIterator[catalog_pb.PreviewSyncResponse]:
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


class Categories(category_grpc.FacebookCategoriesServicer):
    """FacebookCategories."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def SetCategories(
        self, request: category_pb.SetCategoriesRequest, _: Any
    ) -> category_pb.SetCategoriesResponse:
        return await categories.set_categories(self._runtime, request)

    async def DeleteCategories(
        self, request: category_pb.DeleteCategoriesRequest, _: Any
    ) -> category_pb.DeleteCategoriesResponse:
        return await categories.delete_categories(self._runtime, request)

    async def ListCategories(
        self, request: category_pb.ListCategoriesRequest, _: Any
    ) -> category_pb.ListCategoriesResponse:
        return await categories.list_categories(self._runtime, request)

    async def SearchTaxonomy(
        self, request: category_pb.SearchTaxonomyRequest, _: Any
    ) -> category_pb.SearchTaxonomyResponse:
        return await categories.search_taxonomy(self._runtime, request)

    async def ListProductSets(
        self, request: category_pb.ListProductSetsRequest, _: Any
    ) -> category_pb.ListProductSetsResponse:
        return await categories.list_product_sets(self._runtime, request)


class Inventory(inventory_grpc.FacebookInventoryServicer):
    """FacebookInventory."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetInventory(
        self, request: inventory_pb.GetInventoryRequest, _: Any
    ) -> inventory_pb.GetInventoryResponse:
        return await inventory.get_inventory(self._runtime, request)

    async def ListInventory(
        self, request: inventory_pb.ListInventoryRequest, _: Any
    ) -> inventory_pb.ListInventoryResponse:
        return await inventory.list_inventory(self._runtime, request)

    async def ReserveStock(
        self, request: inventory_pb.ReserveStockRequest, _: Any
    ) -> inventory_pb.ReserveStockResponse:
        return await inventory.reserve_stock(self._runtime, request)

    async def ExtendHold(self, request: inventory_pb.ExtendHoldRequest, _: Any) -> inventory_pb.ExtendHoldResponse:
        return await inventory.extend_hold(self._runtime, request)

    async def ReleaseHold(self, request: inventory_pb.ReleaseHoldRequest, _: Any) -> inventory_pb.ReleaseHoldResponse:
        return await inventory.release_hold(self._runtime, request)

    async def CompleteHold(
        self, request: inventory_pb.CompleteHoldRequest, _: Any
    ) -> inventory_pb.CompleteHoldResponse:
        return await inventory.complete_hold(self._runtime, request)

    async def GetHold(self, request: inventory_pb.GetHoldRequest, _: Any) -> inventory_pb.GetHoldResponse:
        return await inventory.get_hold(self._runtime, request)

    async def ListHolds(self, request: inventory_pb.ListHoldsRequest, _: Any) -> inventory_pb.ListHoldsResponse:
        return await inventory.list_holds(self._runtime, request)


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


class Operations(operation_grpc.FacebookOperationsServicer):
    """FacebookOperations."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetOperation(
        self, request: operation_pb.GetOperationRequest, _: Any
    ) -> operation_pb.GetOperationResponse:
        return await operations.get_operation(self._runtime, request)

    async def ListOperations(
        self, request: operation_pb.ListOperationsRequest, _: Any
    ) -> operation_pb.ListOperationsResponse:
        return await operations.list_operations(self._runtime, request)

    def WatchOperation(
        self, request: operation_pb.WatchOperationRequest, _: Any
    ) -> AsyncIterator[operation_pb.WatchOperationResponse]:
        return operations.watch_operation(self._runtime, request)

    async def CancelOperation(
        self, request: operation_pb.CancelOperationRequest, _: Any
    ) -> operation_pb.CancelOperationResponse:
        return await operations.cancel_operation(self._runtime, request)


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


class Events(event_grpc.FacebookEventsServicer):
    """FacebookEvents."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def PullEvents(self, request: event_pb.PullEventsRequest, _: Any) -> event_pb.PullEventsResponse:
        return await events.pull_events(self._runtime, request)

    async def AckEvents(self, request: event_pb.AckEventsRequest, _: Any) -> event_pb.AckEventsResponse:
        return await events.ack_events(self._runtime, request)

    def Subscribe(self, request: event_pb.SubscribeRequest, _: Any) -> AsyncIterator[event_pb.SubscribeResponse]:
        return events.subscribe(self._runtime, request)


class Feeds(feed_grpc.FacebookFeedsServicer):
    """FacebookFeeds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def SetFeed(self, request: feed_pb.SetFeedRequest, _: Any) -> feed_pb.SetFeedResponse:
        return await feeds.set_feed(self._runtime, request)

    async def ListFeeds(self, request: feed_pb.ListFeedsRequest, _: Any) -> feed_pb.ListFeedsResponse:
        return await feeds.list_feeds(self._runtime, request)

    async def UploadFeed(self, request: feed_pb.UploadFeedRequest, _: Any) -> feed_pb.UploadFeedResponse:
        return await feeds.upload_feed(self._runtime, request)

    async def ListFeedUploads(self, request: feed_pb.ListFeedUploadsRequest, _: Any) -> feed_pb.ListFeedUploadsResponse:
        return await feeds.list_feed_uploads(self._runtime, request)

    async def PutReviews(self, request: feed_pb.PutReviewsRequest, _: Any) -> feed_pb.PutReviewsResponse:
        return await feeds.put_reviews(self._runtime, request)

    async def DeleteReviews(self, request: feed_pb.DeleteReviewsRequest, _: Any) -> feed_pb.DeleteReviewsResponse:
        return await feeds.delete_reviews(self._runtime, request)

    async def PutNavigation(self, request: feed_pb.PutNavigationRequest, _: Any) -> feed_pb.PutNavigationResponse:
        return await feeds.put_navigation(self._runtime, request)


_LARGEST_MESSAGE_BYTES = 8 * 1024 * 1024  # 500 usual products; a call with larger ones is split, as the contract says
_OPTIONS = (
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_connection_age_ms", 30 * 60 * 1000),
    ("grpc.max_connection_age_grace_ms", 60 * 1000),
    ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake, not a wish
)
_CONCURRENT_RPCS = 2 * MOST_CALLS  # gRPC's own wall stands behind the door, which says what to do


def build_server(runtime: Runtime, settings: Settings) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """Build the server, not started and without a port; reflection only in development."""
    server = grpc.aio.server(
        interceptors=[Door(runtime, Gate(settings))], options=_OPTIONS, maximum_concurrent_rpcs=_CONCURRENT_RPCS
    )
    connector_grpc.add_FacebookConnectorServicer_to_server(Connector(runtime), server)
    catalog_grpc.add_FacebookCatalogServicer_to_server(Catalog(runtime), server)
    category_grpc.add_FacebookCategoriesServicer_to_server(Categories(runtime), server)
    adoption_grpc.add_FacebookAdoptionServicer_to_server(Adoption(runtime), server)
    operation_grpc.add_FacebookOperationsServicer_to_server(Operations(runtime), server)
    inventory_grpc.add_FacebookInventoryServicer_to_server(Inventory(runtime), server)
    event_grpc.add_FacebookEventsServicer_to_server(Events(runtime), server)
    diagnostic_grpc.add_FacebookDiagnosticsServicer_to_server(Diagnostics(runtime), server)
    feed_grpc.add_FacebookFeedsServicer_to_server(Feeds(runtime), server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.development:
        names = [*(service.full_name for service in SERVICES), health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, server)
    return server, checks


async def set_serving(checks: health.aio.HealthServicer) -> None:
    """Tell health checks that every service is up."""
    for name in ("", *(service.full_name for service in SERVICES)):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
