"""Syncs of a catalog, as callers say them."""

from connector.catalog import actions
from connector.errors import InvalidInput
from connector.operations import db as operations
from connector.operations.model import Operation
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2, operation_pb2


async def sync_catalog(
    runtime: Runtime, request: connector_service_pb2.SyncCatalogRequest
) -> connector_service_pb2.SyncCatalogResponse:
    """Bring the catalog up to date."""
    modes = connector_service_pb2.SyncCatalogRequest
    if request.mode not in {modes.MODE_UNSPECIFIED, modes.MODE_DELTA, modes.MODE_FULL}:
        raise InvalidInput.of("mode", "FIELD_INVALID", "must be DELTA or FULL")
    operation, plan = await actions.sync_catalog(
        runtime,
        request.store_id,
        request.connection_id,
        full=request.mode == modes.MODE_FULL,
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


async def confirm_change(runtime: Runtime, request: pb.ConfirmChangeRequest) -> pb.ConfirmChangeResponse:
    """Let a held-back plan go on."""
    operation_id = read.own_id(request.operation_id, "operation_id", operations.missing(request.operation_id))
    operation = await actions.confirm_change(
        runtime, request.store_id, operation_id, removal_count=request.removal_count
    )
    return pb.ConfirmChangeResponse(operation=write_operation(operation))


def write_operation(operation: Operation) -> operation_pb2.Operation:
    """Tell an operation."""
    return operation_pb2.Operation(**operation.document())
