"""Waiting for Meta's answer within the call."""

import time

from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2
from tests.integration.conftest import STORE
from tests.integration.messaging.conftest import Chat

PENDING = conversation_pb2.Message.STATE_PENDING


async def test_no_wait_goes_beyond_the_calls_deadline(chat: Chat) -> None:
    """A wait longer than the deadline ends before it, with the message as it then is, not with an error."""
    conversation_id = await chat.hear()
    begin = time.monotonic()
    wish = pb.SendMessageRequest(store_id=STORE, conversation_id=conversation_id, request_id="wish", text="Yes")
    wish.wait.FromSeconds(20)
    answer = await chat.stub.SendMessage(wish, timeout=1.2)
    assert PENDING == answer.message.state
    assert time.monotonic() - begin < 1.2
