"""A person whose every trace is known, everything that can be told about them, and a look into every column for them."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
import pytest
from sqlalchemy import Column, LargeBinary, text

from connector.connections import db as connections
from connector.connections.model import Problem
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import load_tables
from connector.messaging import db as messaging
from connector.runtime import Runtime
from stormcom.facebook.v1 import admin_service_pb2 as pb
from stormcom.facebook.v1 import admin_service_pb2_grpc, connector_service_pb2_grpc, event_service_pb2_grpc
from stormcom.facebook.v1 import connector_service_pb2 as connector_pb
from stormcom.facebook.v1 import event_service_pb2 as event_pb
from tests.integration.conftest import STORE, Clock
from tests.integration.webhooks.bodies import PAGE, PERSON, START, envelope, event, wrote
from tests.integration.webhooks.conftest import Deliver, deliver

__all__ = ["Deliver", "deliver"]

PSID, NAME, EMAIL, WORDS = "79990000000000017", "Kanarina Vogel", "kanarina@vogel.example", "canary-words"
TRACES = (PSID, NAME, EMAIL, WORDS, "m_canary")


def bodies(now: float) -> list[bytes]:
    """Everything that Meta tells about the person; a neighbour stands beside them in some."""
    photo = {"type": "image", "payload": {"url": f"https://cdn.example/{WORDS}.jpg"}}
    echo = {"mid": "m_canary_4", "text": f"Dear {NAME}", "is_echo": True}
    comment = {"field": "feed", "value": {"from": {"id": PSID, "name": NAME}, "message": WORDS}}
    return [
        envelope(wrote(now, "m_canary_1", WORDS, person=PSID), wrote(now, "m_1", "Hi", person=PERSON)),
        envelope(wrote(now + 1, "m_canary_2", f"Write to {EMAIL}", person=PSID)),
        envelope(event(now + 2, person=PSID, message={"mid": "m_canary_3", "attachments": [photo]})),
        envelope(event(now + 3, by_page=True, person=PSID, message=echo)),
        envelope(event(now + 4, person=PSID, reaction={"mid": "m_canary_4", "emoji": WORDS})),
        envelope(event(now + 4, person=PSID, message_edit={"mid": "m_canary_1", "text": f"{WORDS}!", "num_edit": 1})),
        envelope(event(now + 4, person=PSID, referral={"ref": WORDS, "source": "ADS"})),
        envelope(event(now + 5, person=PSID, read={"watermark": START + int(now * 1000)})),
        json.dumps({"object": "page", "entry": [{"id": PAGE, "time": START, "changes": [comment]}]}).encode(),
        b"no JSON: " + PSID.encode(),
    ]


@dataclass(frozen=True, slots=True)
class Canary:
    """The person, and both ends at which they are known; `now` counts in the bodies' seconds."""

    runtime: Runtime
    channel: grpc.aio.Channel
    deliver: Deliver
    turn: Callable[[], Awaitable[int]]
    connection_id: str
    now: float

    @property
    def stub(self) -> Any:
        """FacebookAdmin."""
        return admin_service_pb2_grpc.FacebookAdminStub(self.channel)

    async def write(self, mid: str = "m_canary_1", words: str = WORDS, *, after: float = 0) -> bytes:
        """Let the person write; tells the webhook."""
        body = envelope(wrote(self.now + after, mid, words, person=PSID))
        await self.deliver(body)
        return body

    async def live(self) -> str:
        """Drive the person through everything; tells their conversation."""
        await self.deliver(*bodies(self.now))
        async with self.runtime.db.begin() as tx:
            conversation_id = await tx.scalar(text("SELECT id FROM conversations WHERE psid = :psid"), {"psid": PSID})
            await messaging.alter(tx, conversation_id, person_name=NAME)
            problem = Problem("META_REJECTED", f"No {PSID}", self.runtime.now())
            await connections.note_problem(tx, UUID(self.connection_id), problem)
            await tx.execute(text("UPDATE signals SET state = 'QUARANTINED' WHERE kind = 'unreadable'"))
        await self.send(str(conversation_id))
        await self.turn()
        await self.reject(str(conversation_id))
        return str(conversation_id)

    async def reject(self, conversation_id: str) -> None:
        """Let a consumer of StormCom's refuse the conversation's events, in words that it should not use."""
        stub = event_service_pb2_grpc.FacebookEventsStub(self.channel)
        told = (await stub.PullEvents(event_pb.PullEventsRequest(store_id=STORE))).events
        ids = [one.event_id for one in told if one.ordering_key == f"conversation:{conversation_id}"]
        await stub.NackEvents(
            event_pb.NackEventsRequest(store_id=STORE, event_ids=ids, reject=True, message=f"For {EMAIL}: {WORDS}")
        )

    async def send(self, conversation_id: str) -> None:
        """Let StormCom answer the person; the same wish every time."""
        words = f"{WORDS} {NAME}"
        wish = connector_pb.SendMessageRequest(
            store_id=STORE, conversation_id=conversation_id, request_id="r1", text=words
        )
        await connector_service_pb2_grpc.FacebookConnectorStub(self.channel).SendMessage(wish)

    async def delete(self, *, store_id: str = STORE, **person: str) -> pb.Deletion:
        """Have a person deleted, to the end."""
        wish = pb.DeletePersonalDataRequest(store_id=store_id, request_id="d1", **person)
        begun = await self.stub.DeletePersonalData(wish)
        await self.turn()
        wanted = pb.GetDeletionRequest(store_id=store_id, deletion_id=begun.deletion.deletion_id)
        ended: pb.Deletion = (await self.stub.GetDeletion(wanted)).deletion
        return ended

    async def sweep(self) -> None:
        """Run the sweep."""
        async with self.runtime.db.begin() as tx:
            await outbox.add(tx, Task.SWEEP, due=self.runtime.now(), key="sweep")
        await self.turn()

    async def ask(self, query: str) -> list[Any]:
        """Read a column of the database."""
        async with self.runtime.db.begin() as tx:
            return list(await tx.scalars(text(query)))

    async def look(self, words: Sequence[str] = TRACES) -> set[str]:
        """Tell in which columns of the whole database any of some words stands."""
        found, asked = set(), {"words": [f"%{word}%" for word in words]}
        async with self.runtime.db.begin() as tx:
            for table in load_tables().sorted_tables:
                asking = ", ".join(f"bool_or({_read(column)} ILIKE ANY (:words))" for column in table.columns)
                told = (await tx.execute(text(f'SELECT {asking} FROM "{table.name}"'), asked)).one()  # noqa: S608 – ours
                found |= {f"{table.name}.{one.name}" for one, hit in zip(table.columns, told, strict=True) if hit}
        return found


def _read(column: Column[Any]) -> str:
    binary = isinstance(column.type, LargeBinary)
    return f"encode(\"{column.name}\", 'escape')" if binary else f'"{column.name}"::text'


@pytest.fixture
def canary(  # noqa: PLR0917 – fixtures are asked for by name
    runtime: Runtime, channel: grpc.aio.Channel, deliver: Deliver, turn: Any, connected: str, clock: Clock
) -> Canary:
    """The person, on a connected Page."""
    return Canary(runtime, channel, deliver, turn, connected, clock().timestamp() - START / 1000)
