"""A Page whose webhooks really travel: from the simulator, signed, over HTTP, to our ingress."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from sqlalchemy import text

from connector.runtime import Runtime
from simulator import control
from simulator import messaging as meta
from simulator.faults import Fault
from simulator.state import Message, Page
from simulator.world import World
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc, conversation_pb2, conversation_service_pb2_grpc
from tests.integration.conftest import APP_ID, STORE, VERIFY_TOKEN
from tests.integration.webhooks.bodies import PAGE, PERSON
from tests.integration.webhooks.conftest import Deliver, deliver
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving

__all__ = ["Deliver", "deliver"]  # the fixture is used here too


@dataclass(frozen=True, slots=True)
class Chat:
    """Both ends of a conversation: the person and the Page at Meta, and StormCom at our API."""

    runtime: Runtime
    world: World
    stub: Any
    turn: Callable[[], Awaitable[int]]
    desk: Any = None

    @property
    def page(self) -> Page:
        """The Page at Meta."""
        return self.world.require(Page, PAGE, name="page_id")

    async def hear(self, words: str = "Is it there?", *, person: str = PERSON) -> str:
        """Let the person write, and everything arrive; tells the conversation's id."""
        meta.receive(self.world, self.page, person, text=words)
        await self.arrive()
        return (await self.conversations())[0].conversation_id

    async def arrive(self) -> None:
        """Let Meta deliver everything that it can now, and work it off, until both are done."""
        for _ in range(200):
            quiet = not self.world.outbox.updates and not self.world.outbox.waiting  # before the turn that follows
            if not await self.turn() and quiet:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the webhooks never came to rest")

    async def send(self, conversation_id: str, words: str = "Yes", **options: Any) -> conversation_pb2.Message:
        """Ask for a message to be sent."""
        wish = {"request_id": f"wish {words}"[:64], "text": words} | options
        request = pb.SendMessageRequest(store_id=STORE, conversation_id=conversation_id, **wish)
        sent: conversation_pb2.Message = (await self.stub.SendMessage(request)).message
        return sent

    async def conversations(self, **options: Any) -> list[conversation_pb2.Conversation]:
        """List the conversations."""
        found = await self.stub.ListConversations(pb.ListConversationsRequest(store_id=STORE, **options))
        return list(found.conversations)

    async def messages(self, conversation_id: str) -> list[conversation_pb2.Message]:
        """List the messages, oldest first."""
        found = await self.stub.ListMessages(pb.ListMessagesRequest(store_id=STORE, conversation_id=conversation_id))
        return list(found.messages)[::-1]

    def seen(self, *, person: str = PERSON) -> list[Message]:
        """Tell what the person got from the Page."""
        return [message for message in self.page.threads[person].messages if message.from_page]

    async def told(self, kind: str = "message_state_changed") -> list[str]:
        """Tell the states (or texts) of which StormCom was told, in order."""
        member = "state" if kind == "message_state_changed" else "text"
        query = f"SELECT body -> 'message' ->> '{member}' FROM events WHERE kind = '{kind}' ORDER BY position"  # noqa: S608 – words of ours
        async with self.runtime.db.connect() as connection:
            return [row[0].removeprefix("STATE_") for row in await connection.execute(text(query))]

    def fail(
        self, kind: str, *, path: str = "/messages$", method: str = "POST", times: int = 1, **action: Any
    ) -> Fault:
        """Let Meta fail the next such calls; a delay lasts until it is ended."""
        match = {"method": method, "path": path}
        return self.world.faults.order({"match": match, "times": times, "action": {"kind": kind, **action}})


@pytest.fixture
async def chat(
    runtime: Runtime, world: World, channel: grpc.aio.Channel, turn: Callable[[], Awaitable[int]], connected: str
) -> AsyncIterator[Chat]:
    """A connected Page whose webhooks reach our ingress."""
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        control.subscribe(world.apps[APP_ID], f"http://127.0.0.1:{port}/webhooks/facebook", VERIFY_TOKEN)
        desk = conversation_service_pb2_grpc.FacebookConversationsStub(channel)
        yield Chat(runtime, world, connector_service_pb2_grpc.FacebookConnectorStub(channel), turn, desk)
