"""How callers say it: conversations, messages, and wishes to send one."""

from datetime import datetime, timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from connector import deadline
from connector.errors import InvalidInput
from connector.messaging import actions, db
from connector.messaging.model import LONGEST_TEXT, Sender
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2

_LONGEST_WAIT = timedelta(seconds=20)
_TIME_TO_ANSWER = timedelta(milliseconds=500)
_SENDERS = {
    conversation_pb2.SENDER_UNSPECIFIED: Sender.AUTOMATION,
    conversation_pb2.SENDER_AUTOMATION: Sender.AUTOMATION,
    conversation_pb2.SENDER_HUMAN: Sender.HUMAN,
}


async def list_conversations(runtime: Runtime, request: pb.ListConversationsRequest) -> pb.ListConversationsResponse:
    """List a connection's conversations, the one with the newest message first."""
    since = read.instant(request.since_time, "since_time") if request.HasField("since_time") else None
    size = read.page_size(request.page_size)
    scope = (request.store_id, request.connection_id, request.unread_only, since)
    found = await actions.list_conversations(
        runtime,
        request.store_id,
        request.connection_id,
        limit=size + 1,
        after=_place(request.page_token, *scope),
        unread_only=request.unread_only,
        since=since,
    )
    more = found[size - 1] if len(found) > size else None
    return pb.ListConversationsResponse(
        conversations=[conversation_pb2.Conversation(**one.document()) for one in found[:size]],
        next_page_token=_token(more.last_message_time, more.id, *scope) if more and more.last_message_time else "",
    )


async def list_messages(runtime: Runtime, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
    """List a conversation's messages, the newest first."""
    size, scope = read.page_size(request.page_size), (request.store_id, request.conversation_id)
    found = await actions.list_messages(
        runtime,
        request.store_id,
        _conversation_id(request.conversation_id),
        limit=size + 1,
        after=_place(request.page_token, *scope),
    )
    more = found[size - 1] if len(found) > size else None
    return pb.ListMessagesResponse(
        messages=[conversation_pb2.Message(**one.document()) for one in found[:size]],
        next_page_token=_token(more.send_time, more.id, *scope) if more else "",
    )


async def send_message(runtime: Runtime, request: pb.SendMessageRequest) -> pb.SendMessageResponse:
    """Store a message to be sent, and wait for Meta's answer as long as the caller wants to."""
    conversation_id = _conversation_id(request.conversation_id)
    request_id = read.required(request.request_id, "request_id", limit=64)
    text = read.required(request.text, "text", limit=LONGEST_TEXT)
    if not text.strip():
        raise InvalidInput.of("text", "FIELD_REQUIRED", "needs more than white space")
    if request.sender not in _SENDERS:
        raise InvalidInput.of("sender", "FIELD_INVALID", "must be SENDER_AUTOMATION or SENDER_HUMAN")
    wait = _wait(request.wait)
    message = await actions.send_message(
        runtime,
        request.store_id,
        conversation_id,
        request_id=request_id,
        text=text,
        sender=_SENDERS[request.sender],
    )
    if wait:
        message = await actions.wait_for(runtime, message, wait)
    return pb.SendMessageResponse(message=conversation_pb2.Message(**message.document()))


def _conversation_id(value: str) -> UUID:
    return read.own_id(value, "conversation_id", db.missing(value))


def _wait(value: Duration) -> timedelta:
    wait = value.ToTimedelta()
    if wait < timedelta():
        raise InvalidInput.of("wait", "FIELD_INVALID", "must not be negative")
    left = deadline.left(margin=_TIME_TO_ANSWER)
    return min(wait, _LONGEST_WAIT, *([] if left is None else [left]))


def _token(time: datetime, place_id: UUID, *scope: object) -> str:
    return read.write_page_token([time.isoformat(), str(place_id)], *scope)


def _place(token: str, *scope: object) -> tuple[datetime, UUID] | None:
    place = read.page_token(token, *scope, parts=2)
    return None if place is None else (datetime.fromisoformat(str(place[0])), UUID(str(place[1])))
