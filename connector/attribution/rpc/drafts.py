"""Draft orders, as callers say them."""

from uuid import UUID

from connector.attribution import actions
from connector.attribution.model.drafts import Answer, DraftOrder, State, missing
from connector.conversions.rpc import read_url
from connector.errors import InvalidInput
from connector.messaging import db as messaging
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import attribution_pb2
from stormcom.facebook.v1 import attribution_service_pb2 as pb

_LONGEST_REASON = 500
_STATES = {attribution_pb2.DraftOrder.State.Value(f"STATE_{one}"): one for one in State}


async def answer_draft_order(runtime: Runtime, request: pb.AnswerDraftOrderRequest) -> pb.AnswerDraftOrderResponse:
    """Answer a draft order."""
    draft_order_id = read.own_id(request.draft_order_id, "draft_order_id", missing(request.draft_order_id))
    draft = await actions.answer(runtime, request.store_id, draft_order_id, _read_answer(request))
    return pb.AnswerDraftOrderResponse(draft_order=_write(runtime, draft))


async def get_draft_order(runtime: Runtime, request: pb.GetDraftOrderRequest) -> pb.GetDraftOrderResponse:
    """Tell one draft order."""
    draft_order_id = read.own_id(request.draft_order_id, "draft_order_id", missing(request.draft_order_id))
    draft = await actions.find_draft(runtime, request.store_id, draft_order_id)
    return pb.GetDraftOrderResponse(draft_order=_write(runtime, draft))


async def list_draft_orders(runtime: Runtime, request: pb.ListDraftOrdersRequest) -> pb.ListDraftOrdersResponse:
    """List draft orders, the last sent first."""
    size = read.page_size(request.page_size)
    scope = "draft_orders", request.store_id, request.connection_id, request.state, request.conversation_id
    after = read_place(request.page_token, *scope)
    state = _STATES.get(request.state)
    if request.state and state is None:
        raise InvalidInput.of("state", "FIELD_INVALID", "must be one of the values of State")
    found = await actions.list_drafts(
        runtime,
        request.store_id,
        request.connection_id,
        state=state,
        conversation_id=read_conversation(request.conversation_id),
        after=after,
        limit=size + 1,
    )
    shown = found[:size]
    last = shown[-1] if len(found) > size else None
    token = write_place(last.send_time, last.id, *scope) if last else ""
    return pb.ListDraftOrdersResponse(draft_orders=[_write(runtime, one) for one in shown], next_page_token=token)


def read_conversation(text: str) -> UUID | None:
    """Read the id of a conversation; it may be empty."""
    return read.own_id(text, "conversation_id", messaging.missing(text)) if text else None


def _read_answer(request: pb.AnswerDraftOrderRequest) -> Answer:
    match request.WhichOneof("answer"):
        case "created_local_order_id":
            return Answer(local_order_id=read.foreign_id(request.created_local_order_id, "created_local_order_id"))
        case "decline_reason":
            said = read.required(request.decline_reason, "decline_reason", limit=_LONGEST_REASON)
            return Answer(decline_reason=said)
        case "checkout_link":
            link = read_url(read.required(request.checkout_link, "checkout_link"), "checkout_link")
            return Answer(checkout_link=link)
    message = "is required: created_local_order_id, decline_reason or checkout_link"
    raise InvalidInput.of("answer", "FIELD_REQUIRED", message)


def _write(runtime: Runtime, draft: DraftOrder) -> attribution_pb2.DraftOrder:
    return attribution_pb2.DraftOrder(**draft.document(at=runtime.now()))
