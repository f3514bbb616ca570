"""A connected Page whose messages can be forwarded: a mail server on a socket, and a customer who writes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from connector.alerts import db as alerts
from connector.runtime import Runtime
from connector.settings import MailServer, Settings
from connector.settings.mail import Security
from connector.vault import Secret
from stormcom.facebook.v1 import forwarding_pb2
from stormcom.facebook.v1 import forwarding_service_pb2 as pb
from stormcom.facebook.v1 import forwarding_service_pb2_grpc as pb_grpc
from tests.integration.conftest import STORE, Clock
from tests.integration.forwarding.post_office import PostOffice, open_post_office
from tests.integration.webhooks.bodies import PERSON, START, envelope, wrote
from tests.integration.webhooks.conftest import Deliver, deliver

__all__ = ["Deliver", "deliver"]  # the fixture is used here too

STAFF = "staff@shop.example"


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    """A mail server that takes everything, without TLS."""
    async with open_post_office(PostOffice()) as office:
        yield office


@pytest.fixture
def settings(settings: Settings, office: PostOffice) -> Settings:
    """The test's settings, with that mail server."""
    server = MailServer(
        Security.PLAIN,
        "127.0.0.1",
        office.port,
        "",
        Secret(""),
        "StormCom <mail@stormcom.example>",
        "reply+{token}@in.stormcom.example",
        timedelta(seconds=5),
        None,
    )
    return replace(settings, mail=server)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody reads mails: forwarding at our API, the customer's words, the mail server's memory."""

    stub: Any
    runtime: Runtime
    office: PostOffice
    clock: Clock
    turn: Callable[[], Awaitable[int]]
    deliver: Deliver
    connection_id: str

    async def set(self, **settings: Any) -> forwarding_pb2.MailForwarding:
        """Set what is forwarded."""
        wanted = {"enabled": True, "addresses": [STAFF], "includeText": True} | settings
        request = ParseDict({"storeId": STORE, "settings": wanted}, pb.UpdateMailForwardingRequest())
        return (await self.stub.UpdateMailForwarding(request)).forwarding  # type: ignore[no-any-return] # the stub has no types

    async def get(self) -> forwarding_pb2.MailForwarding:
        """Read it."""
        return (await self.stub.GetMailForwarding(pb.GetMailForwardingRequest(store_id=STORE))).forwarding  # type: ignore[no-any-return] # as above

    async def hear(self, words: str, *, mid: str = "") -> None:
        """Let the customer write, now."""
        await self.deliver(envelope(wrote(self._seconds(), mid or f"m_{words[:20]}", words)))

    async def hear_crowd(self, size: int) -> None:
        """Let many people write, in one delivery."""
        crowd = [str(int(PERSON) + number) for number in range(1, size + 1)]
        await self.deliver(envelope(*(wrote(self._seconds(), f"m_{one}", "Hello", person=one) for one in crowd)))

    def _seconds(self) -> float:
        return self.clock().timestamp() - START / 1000

    async def wait(self, **time: float) -> None:
        """Let time pass, and what is due be done."""
        self.clock.advance(**time or {"seconds": 11})
        await self.turn()

    async def alerts(self) -> list[str]:
        """List what is alerted of."""
        async with self.runtime.db.begin() as tx:
            return [one["reason"] for one in await alerts.opened(tx, UUID(self.connection_id))]


@pytest.fixture
def desk(  # noqa: PLR0917 – fixtures
    runtime: Runtime,
    channel: grpc.aio.Channel,
    office: PostOffice,
    clock: Clock,
    turn: Callable[[], Awaitable[int]],
    deliver: Deliver,
    connected: str,
) -> Desk:
    """A connected Page, and nothing forwarded yet."""
    stub = pb_grpc.FacebookForwardingStub(channel)
    return Desk(stub, runtime, office, clock, turn, deliver, connected)
