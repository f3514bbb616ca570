"""FacebookOrderCommands' part about returns: they are listed, and answered by a command."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from connector.errors import InvalidInput
from connector.order_changes import actions
from connector.order_changes.model.returns import METAS_WORDS, State
from connector.order_commands.actions import wait_for
from connector.order_commands.model.wishes import ResolveReturn
from connector.orders.model.values import missing
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb

_LONGEST_WAIT_SECONDS = 20
_STATES: Mapping[int, State | None] = {
    order_command_pb2.Return.STATE_UNSPECIFIED: None,
    **{order_command_pb2.Return.State.Value(f"STATE_{one}"): one for one in State},
}
_WORDS = {state: word for word, state in METAS_WORDS.items()}
_ANSWERS: Mapping[int, str] = {
    pb.ResolveReturnRequest.ANSWER_APPROVE: _WORDS[State.APPROVED],
    pb.ResolveReturnRequest.ANSWER_DISAPPROVE: _WORDS[State.DISAPPROVED],
    pb.ResolveReturnRequest.ANSWER_COMPLETE: _WORDS[State.COMPLETED],
}


async def list_returns(runtime: Runtime, request: pb.ListReturnsRequest) -> pb.ListReturnsResponse:
    """List returns, the newest first."""
    size, order = read.page_size(request.page_size), request.order_id
    order_id = read.own_id(order, "order_id", missing(order)) if order else None
    if request.state not in _STATES:
        raise InvalidInput.of("state", "FIELD_INVALID", "must be one of the values of Return.State")
    scope = "returns", request.store_id, request.connection_id, str(order_id), request.state
    key = read.page_token(request.page_token, *scope, parts=3)
    after = (datetime.fromisoformat(str(key[0])), UUID(str(key[1])), str(key[2])) if key else None
    found = await actions.list_returns(
        runtime,
        request.store_id,
        request.connection_id,
        order_id=order_id,
        state=_STATES[request.state],
        after=after,
        limit=size + 1,
    )
    end = found[size - 1][0] if len(found) > size else None
    place = [end.create_time.isoformat(), str(end.order_id), end.external_id] if end else []
    token = read.write_page_token(place, *scope) if end else ""
    told = [order_command_pb2.Return(**one.document(order)) for one, order in found[:size]]
    return pb.ListReturnsResponse(returns=told, next_page_token=token)


async def resolve_return(runtime: Runtime, request: pb.ResolveReturnRequest) -> pb.ResolveReturnResponse:
    """Answer a return."""
    order_id = read.own_id(request.order_id, "order_id", missing(request.order_id))
    if request.answer not in _ANSWERS:
        raise InvalidInput.of("answer", "FIELD_REQUIRED", "must be one of the values of ResolveReturnRequest.Answer")
    answer = ResolveReturn(
        return_id=read.required(request.return_id, "return_id", limit=100),
        status=_ANSWERS[request.answer],
        merchant_return_id=read.foreign_id(request.merchant_return_id, "merchant_return_id") if request.merchant_return_id else "",
        message=read.within(request.message, "message", limit=500),
    )  # fmt: skip
    wait = request.wait_seconds
    if not 0 <= wait <= _LONGEST_WAIT_SECONDS:
        raise InvalidInput.of("wait_seconds", "FIELD_INVALID", f"must be 0 to {_LONGEST_WAIT_SECONDS}")
    request_id = read.required(request.request_id, "request_id", limit=64)
    command, names = await actions.resolve(runtime, request.store_id, order_id, answer, request_id=request_id)
    command = await wait_for(runtime, command, timedelta(seconds=wait)) if wait else command
    return pb.ResolveReturnResponse(command=order_command_pb2.OrderCommand(**command.document(names)))
