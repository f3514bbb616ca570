"""How callers hand in a message."""

from datetime import timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from connector import deadline
from connector.errors import InvalidInput
from connector.messaging import actions, db
from connector.messaging.model import Sender, Wish
from connector.messaging.rpc.contents import read_parts
from connector.messaging.rpc.ids import read_conversation_id
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2

_LONGEST_WAIT = timedelta(seconds=20)
_TIME_TO_ANSWER = timedelta(milliseconds=500)
_LONGEST_NAME = 100
_SENDERS = {
    conversation_pb2.SENDER_UNSPECIFIED: Sender.AUTOMATION,
    conversation_pb2.SENDER_AUTOMATION: Sender.AUTOMATION,
    conversation_pb2.SENDER_HUMAN: Sender.HUMAN,
}


async def send_message(runtime: Runtime, request: pb.SendMessageRequest) -> pb.SendMessageResponse:
    """Store what is to be sent, and wait for Meta's answer as long as the caller wants to."""
    conversation_id = read_conversation_id(request.conversation_id)
    wish, wait = _read_wish(request), _wait(request.wait)
    stored = await actions.send_message(runtime, request.store_id, conversation_id, wish)
    if wait:
        stored = [*stored[:-1], await actions.wait_for(runtime, stored[-1], wait)]
    told = [conversation_pb2.Message(**one.document()) for one in stored]
    return pb.SendMessageResponse(message=told[-1], messages=told)


def _read_wish(request: pb.SendMessageRequest) -> Wish:
    if request.sender not in _SENDERS:
        raise InvalidInput.of("sender", "FIELD_INVALID", "must be SENDER_AUTOMATION or SENDER_HUMAN")
    agent_id = request.agent.agent_id
    return Wish(
        read.required(request.request_id, "request_id", limit=64),
        read_parts(request),
        _SENDERS[request.sender],
        agent_id=read.foreign_id(agent_id, "agent.agent_id") if request.HasField("agent") else "",
        agent_name=read.within(request.agent.name, "agent.name", limit=_LONGEST_NAME),
        bulk=request.bulk,
        reply_to=read_message_id(request.reply_to_message_id, "reply_to_message_id")
        if request.reply_to_message_id
        else None,
    )


def read_message_id(value: str, field: str = "message_id") -> UUID:
    """Read the id of a message; a malformed one looks like a missing one."""
    return read.own_id(value, field, db.missing_message(value))


def _wait(value: Duration) -> timedelta:
    wait = value.ToTimedelta()
    if wait < timedelta():
        raise InvalidInput.of("wait", "FIELD_INVALID", "must not be negative")
    left = deadline.left(margin=_TIME_TO_ANSWER)
    return min(wait, _LONGEST_WAIT, *([] if left is None else [left]))
