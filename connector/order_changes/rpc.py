"""FacebookOrderCommands' part about returns: they are listed, and answered by a command."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from connector.errors import InvalidInput
from connector.order_changes import actions
from connector.order_changes.model.returns import METAS_WORDS, State
from connector.order_commands.model.wishes import ResolveReturn
from connector.order_commands.rpc.following import ask, read_order_id, read_request_id
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb

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
    size = read.page_size(request.page_size)
    order_id = read_order_id(request.order_id) if request.order_id else None
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
    order_id, request_id = read_order_id(request.order_id), read_request_id(request.request_id)
    if request.answer not in _ANSWERS:
        raise InvalidInput.of("answer", "FIELD_REQUIRED", "must be one of the values of ResolveReturnRequest.Answer")
    named = request.merchant_return_id
    answer = ResolveReturn(
        return_id=read.required(request.return_id, "return_id", limit=100),
        status=_ANSWERS[request.answer],
        merchant_return_id=read.foreign_id(named, "merchant_return_id") if named else "",
        message=read.within(request.message, "message", limit=500),
    )
    answer = await actions.require_answerable(runtime, request.store_id, order_id, answer, request_id=request_id)
    return pb.ResolveReturnResponse(command=await ask(runtime, request, answer))
