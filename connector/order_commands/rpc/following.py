"""Commands, as callers read and move them; and how each is told to Meta while a caller waits."""

from datetime import timedelta
from uuid import UUID

from connector import deadline
from connector.errors import InvalidInput
from connector.order_commands import actions
from connector.order_commands.actions.wishing import Told
from connector.order_commands.db import Filter
from connector.order_commands.model.commands import State, missing
from connector.order_commands.model.wishes import Asking
from connector.orders.model.values import missing as missing_order
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb

_LONGEST_WAIT_SECONDS = 20
_TIME_TO_ANSWER = timedelta(milliseconds=500)
_STATES = {order_command_pb2.OrderCommand.State.Value(f"STATE_{one}"): one for one in State}


async def get_command(runtime: Runtime, request: pb.GetCommandRequest) -> pb.GetCommandResponse:
    """Tell one command."""
    told = await actions.get(runtime, request.store_id, _command_id(request.command_id))
    return pb.GetCommandResponse(command=write(told))


async def list_commands(runtime: Runtime, request: pb.ListCommandsRequest) -> pb.ListCommandsResponse:
    """List commands, the newest first."""
    size = read.page_size(request.page_size)
    if request.state and request.state not in _STATES:
        raise InvalidInput.of("state", "FIELD_INVALID", "must be one of the values of OrderCommand.State")
    which = Filter(read_order_id(request.order_id) if request.order_id else None, _STATES.get(request.state))
    scope = "order_commands", request.store_id, request.connection_id, *which
    after = read_place(request.page_token, *scope)
    found = await actions.list_commands(
        runtime, request.store_id, request.connection_id, which, after=after, limit=size + 1
    )
    shown = found[:size]
    last = shown[-1][0] if len(found) > size else None
    token = write_place(last.create_time, last.id, *scope) if last else ""
    return pb.ListCommandsResponse(commands=map(write, shown), next_page_token=token)


async def retry_command(runtime: Runtime, request: pb.RetryCommandRequest) -> pb.RetryCommandResponse:
    """Try a command again."""
    told = await actions.retry(runtime, request.store_id, _command_id(request.command_id))
    return pb.RetryCommandResponse(command=write(told))


async def cancel_command(runtime: Runtime, request: pb.CancelCommandRequest) -> pb.CancelCommandResponse:
    """Take a command back."""
    told = await actions.cancel(runtime, request.store_id, _command_id(request.command_id))
    return pb.CancelCommandResponse(command=write(told))


Wished = (
    pb.FulfillOrderRequest
    | pb.UpdateShipmentRequest
    | pb.CancelOrderRequest
    | pb.RefundOrderRequest
    | pb.ResolveReturnRequest
    | pb.RestateOrderRequest
)


async def ask(runtime: Runtime, request: Wished, asking: Asking) -> order_command_pb2.OrderCommand:
    """Keep a wish for one order, and wait for Meta as long as the caller wants to."""
    wait, known = _wait(request.wait_seconds), read_request_id(request.request_id)
    order_id = read_order_id(request.order_id)
    [(command, names)] = await actions.ask(runtime, request.store_id, [order_id], asking, request_id=known)
    if wait:
        command = await actions.wait_for(runtime, command, wait)
    return write((command, names))


def write(told: Told) -> order_command_pb2.OrderCommand:
    """Write a command."""
    command, names = told
    return order_command_pb2.OrderCommand(**command.document(names))


def read_request_id(value: str) -> str:
    """Read the id of a wish; here it is required."""
    return read.required(value, "request_id", limit=64)


def read_order_id(value: str, field: str = "order_id") -> UUID:
    """Read our id of an order."""
    return read.own_id(value, field, missing_order(value))


def _command_id(value: str) -> UUID:
    return read.own_id(value, "command_id", missing(value))


def _wait(seconds: int) -> timedelta:
    if not 0 <= seconds <= _LONGEST_WAIT_SECONDS:
        raise InvalidInput.of("wait_seconds", "FIELD_INVALID", f"must be 0 to {_LONGEST_WAIT_SECONDS}")
    left = deadline.left(margin=_TIME_TO_ANSWER)
    return min(timedelta(seconds=seconds), *([] if left is None else [max(left, timedelta())]), timedelta(days=1))
