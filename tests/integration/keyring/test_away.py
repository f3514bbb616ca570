"""What happens to work while a key service is away."""

from dataclasses import replace
from typing import Any

from sqlalchemy import text

from connector.vault import Kept, LocalKey, Vault
from connector.vault.keys import unavailable
from jobs.run import turn
from stormcom.facebook.v1 import conversation_pb2
from tests.integration.messaging.conftest import Chat, chat

__all__ = ["chat"]  # the fixture is used here too
State = conversation_pb2.Message.State
KEY = bytes(range(32))
"""The key of the test's settings, which has the id 1."""


class FarKey(LocalKey):
    """A key service that may be away."""

    away = True

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        if self.away:
            raise unavailable("The key service is away")
        return await super().unwrap(wrapped, aad)


async def test_a_message_waits_for_the_key_service_and_goes_out_once(chat: Chat, clock: Any) -> None:
    """A message whose token cannot be opened now stays PENDING, its task says why, and it goes out when the service is back."""
    conversation = await chat.hear()
    await chat.send(conversation)
    far = FarKey(KEY)
    vault = Vault({1: Kept(far, now=chat.runtime.now)})
    await turn(replace(chat.runtime, vault=vault))
    assert State.STATE_PENDING == (await chat.messages(conversation))[-1].state
    async with chat.runtime.db.begin() as tx:
        reasons = set(await tx.scalars(text("SELECT reason FROM tasks WHERE name = 'SEND_MESSAGE'")))
    assert {"VAULT_UNAVAILABLE"} == reasons
    far.away = False
    clock.advance(minutes=1)
    await turn(replace(chat.runtime, vault=vault))
    assert 1 == len(chat.seen())
    far.away = True
    await chat.send(conversation, "Another")
    await turn(replace(chat.runtime, vault=vault))
    assert 2 == len(chat.seen())  # the data key is still kept
