"""Syncs of a catalog, as callers say them."""

from collections.abc import Sequence

from connector.catalog import actions
from connector.catalog.rpc.products import read_product_ids
from connector.errors import InvalidInput
from connector.operations.model import Operation
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2, operation_pb2

_MODES = connector_service_pb2.SyncCatalogRequest
_SCOPES = {
    _MODES.MODE_UNSPECIFIED: "delta",
    _MODES.MODE_DELTA: "delta",
    _MODES.MODE_FULL: "full",
    _MODES.MODE_ITEMS: "items",
}


async def sync_catalog(
    runtime: Runtime, request: connector_service_pb2.SyncCatalogRequest
) -> connector_service_pb2.SyncCatalogResponse:
    """Bring the catalog up to date."""
    scope, product_ids = read_scope(_SCOPES.get(request.mode), request.product_ids)
    operation, plan = await actions.sync_catalog(
        runtime,
        request.store_id,
        request.connection_id,
        scope=scope,
        product_ids=product_ids,
        dry_run=request.dry_run,
        request_id=request.request_id,
    )
    return connector_service_pb2.SyncCatalogResponse(
        operation=write_operation(operation) if operation else None,
        send_count=plan.send_count,
        removal_count=plan.removal_count,
        rejected_count=plan.rejected_count,
        unchanged_count=plan.unchanged_count,
    )


def read_scope(scope: str | None, product_ids: Sequence[str]) -> tuple[str, list[str] | None]:
    """Read how much a sync is about: products are named with ITEMS, and only then."""
    if scope is None:
        raise InvalidInput.of("mode", "FIELD_INVALID", "must be DELTA, FULL or ITEMS")
    if scope != "items":
        if product_ids:
            raise InvalidInput.of("product_ids", "FIELD_INVALID", "must be empty unless mode is ITEMS")
        return scope, None
    return scope, read_product_ids(product_ids)


def write_operation(operation: Operation) -> operation_pb2.Operation:
    """Tell an operation."""
    return operation_pb2.Operation(**operation.document())
