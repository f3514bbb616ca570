"""Disconnect, as callers say it: with a choice of what becomes of our items in the catalog."""

from connector.catalog.actions import leaving
from connector.catalog.actions.leaving import Choice
from connector.catalog.rpc.syncs import write_operation
from connector.connections.rpc import write_connection
from connector.errors import InvalidInput
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as pb

_CHOICES = {
    pb.DisconnectRequest.CATALOG_CHOICE_UNSPECIFIED: Choice.KEEP,
    pb.DisconnectRequest.CATALOG_CHOICE_KEEP: Choice.KEEP,
    pb.DisconnectRequest.CATALOG_CHOICE_HIDE: Choice.HIDE,
    pb.DisconnectRequest.CATALOG_CHOICE_DELETE_OURS: Choice.DELETE,
}


async def disconnect(runtime: Runtime, request: pb.DisconnectRequest) -> pb.DisconnectResponse:
    """Unlink a connection."""
    choice = _CHOICES.get(request.catalog_choice)
    if choice is None:
        raise InvalidInput.of("catalog_choice", "FIELD_INVALID", "must be KEEP, HIDE or DELETE_OURS")
    connection, operation, count = await leaving.disconnect(
        runtime,
        request.store_id,
        request.connection_id,
        choice=choice,
        dry_run=request.dry_run,
        request_id=request.request_id,
    )
    return pb.DisconnectResponse(
        connection=write_connection(connection),
        operation=write_operation(operation) if operation else None,
        item_count=count,
    )
