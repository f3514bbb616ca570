"""How callers hand in a message."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from connector import deadline
from connector.errors import InvalidInput
from connector.messaging import actions
from connector.messaging.model import LONGEST_TEXT, Sender
from connector.messaging.rpc.places import read_conversation_id
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


async def send_message(runtime: Runtime, request: pb.SendMessageRequest) -> pb.SendMessageResponse:
    """Store a message to be sent, and wait for Meta's answer as long as the caller wants to."""
    conversation_id = read_conversation_id(request.conversation_id)
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


def _wait(value: Duration) -> timedelta:
    wait = value.ToTimedelta()
    if wait < timedelta():
        raise InvalidInput.of("wait", "FIELD_INVALID", "must not be negative")
    left = deadline.left(margin=_TIME_TO_ANSWER)
    return min(wait, _LONGEST_WAIT, *([] if left is None else [left]))
