"""FacebookOperations: get, list, watch, cancel; and the word that lets a held-back one go on."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from connector.errors import InvalidInput
from connector.operations import actions
from connector.operations.db import missing
from connector.operations.model import Kind, Operation, State
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import operation_pb2
from stormcom.facebook.v1 import operation_service_pb2 as pb


async def get_operation(runtime: Runtime, request: pb.GetOperationRequest) -> pb.GetOperationResponse:
    """Tell one operation."""
    found = await actions.get(runtime, request.store_id, _id(request.operation_id))
    return pb.GetOperationResponse(operation=write_operation(found))


async def list_operations(runtime: Runtime, request: pb.ListOperationsRequest) -> pb.ListOperationsResponse:
    """List operations, newest first."""
    size, state = read.page_size(request.page_size), _state(request.state)
    scope = ("operations", request.store_id, request.connection_id, request.state)
    after = read_place(request.page_token, *scope)
    connection_id = _uuid(request.connection_id)
    if request.connection_id and connection_id is None:
        return pb.ListOperationsResponse()
    page = await actions.list_page(
        runtime,
        request.store_id,
        connection_id=connection_id,
        state=state,
        after=after,
        size=size,
    )
    last = page.entries[-1] if page.next_token else None
    token = write_place(last.create_time, last.id, *scope) if last else ""
    return pb.ListOperationsResponse(operations=map(write_operation, page.entries), next_page_token=token)


async def watch_operation(
    runtime: Runtime, request: pb.WatchOperationRequest
) -> AsyncIterator[pb.WatchOperationResponse]:
    """Tell an operation whenever it changes, until it ends."""
    async for seen in actions.watch(runtime, request.store_id, _id(request.operation_id)):
        yield pb.WatchOperationResponse(operation=write_operation(seen))


async def cancel_operation(runtime: Runtime, request: pb.CancelOperationRequest) -> pb.CancelOperationResponse:
    """Stop an operation."""
    stopped = await actions.cancel(runtime, request.store_id, _id(request.operation_id))
    return pb.CancelOperationResponse(operation=write_operation(stopped))


async def confirm_change(
    runtime: Runtime, request: catalog_pb.ConfirmChangeRequest, held: Mapping[Kind, actions.Held]
) -> catalog_pb.ConfirmChangeResponse:
    """Let a held-back plan go on."""
    named = request.store_id, _id(request.operation_id)
    confirmed = await actions.confirm(runtime, *named, removal_count=request.removal_count, held=held)
    return catalog_pb.ConfirmChangeResponse(operation=write_operation(confirmed))


def write_operation(operation: Operation) -> operation_pb2.Operation:
    """Write an operation."""
    return operation_pb2.Operation(**operation.document())


def _id(text: str) -> UUID:
    return read.own_id(text, "operation_id", missing(text))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _state(given: operation_pb2.Operation.State.ValueType) -> State | None:
    if given == operation_pb2.Operation.STATE_UNSPECIFIED:
        return None
    try:
        return State(operation_pb2.Operation.State.Name(given).removeprefix("STATE_"))
    except ValueError:
        raise InvalidInput.of("state", "FIELD_INVALID", "is not a state of an operation") from None
