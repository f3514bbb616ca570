"""A connected store whose tokens are to be kept, and what Meta and StormCom know of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from connector.connections import db as connections
from connector.connections.actions import open_token
from connector.connections.model import Connection
from connector.db.outbox import Task
from connector.events import db as events
from connector.runtime import Runtime
from jobs import schedule
from simulator import seeds
from simulator.state import Token
from simulator.tokens import death_of
from simulator.world import World
from stormcom.facebook.v1 import token_service_pb2 as pb
from stormcom.facebook.v1 import token_service_pb2_grpc
from tests.integration.conftest import APP_ID, STORE, Clock, connect

USER_ID, PAGE_ID = "10000000000000001", "30000000000000001"
_INSPECTED = {Task.INSPECT_TOKENS: schedule.EVERY_LINKED[Task.INSPECT_TOKENS]}


@dataclass(frozen=True, slots=True)
class Keeper:
    """A store's tokens from all sides: the API, our memory, Meta."""

    stub: Any
    runtime: Runtime
    world: World
    clock: Clock
    turn: Callable[[], Awaitable[int]]
    control: Callable[..., Awaitable[Any]]

    async def look(self) -> pb.InspectTokenResponse:
        """Have the tokens inspected."""
        response: pb.InspectTokenResponse = await self.stub.InspectToken(pb.InspectTokenRequest(store_id=STORE))
        return response

    async def rotate(self, token: str = "", **wish: Any) -> pb.RotateTokenResponse:
        """Replace the tokens."""
        request = pb.RotateTokenRequest(store_id=STORE, access_token=token, **wish)
        response: pb.RotateTokenResponse = await self.stub.RotateToken(request)
        return response

    async def system_token(self, **wish: Any) -> str:
        """Make a system user at Meta; tells its token."""
        made = await self.control("POST", "/system-users", wish)
        return str(made["token"])

    async def connection(self, store_id: str = STORE) -> Connection:
        """Read a store's connection."""
        async with self.runtime.db.begin() as tx:
            return await connections.require(tx, store_id, "")

    async def tokens(self) -> tuple[Token, Token]:
        """Tell the user's and the Page's token as Meta knows them."""
        connection = await self.connection()
        user = await open_token(self.runtime, connection, connection.user_token, "user")
        page = await open_token(self.runtime, connection, connection.page_token, "page")
        return self.world.tokens[user.reveal()], self.world.tokens[page.reveal()]

    def alive(self, token: Token) -> bool:
        """Tell whether Meta accepts a token."""
        return death_of(self.world, token) is None

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """Tell the bodies of the events of a kind."""
        async with self.runtime.db.begin() as tx:
            return [dict(one.body) for one in await events.behind(tx, STORE, 0, limit=500) if one.kind == kind]

    async def states(self) -> list[str]:
        """Tell the states that StormCom heard of, in their order."""
        return [body["connection"]["state"].removeprefix("STATE_") for body in await self.told("connection_changed")]

    async def alerts(self) -> list[tuple[str, bool]]:
        """Tell the alerts that StormCom heard of, and whether each was over."""
        return [(body["alert"]["reason"], body["resolved"]) for body in await self.told("alert_raised")]

    async def pass_time(self, *, days: float) -> None:
        """Let days pass, with the relays and workers at work before and after."""
        async with self.runtime.db.begin() as tx:
            await schedule.plan(tx, at=self.runtime.now(), every={}, every_connection={}, every_linked=_INSPECTED)
        self.clock.advance(days=days)
        await self.turn()


async def second_store(channel: grpc.aio.Channel, world: World, turn: Callable[[], Awaitable[int]]) -> str:
    """Connect another store of the same person, with a Page and a catalog of its own: the connection's id."""
    page, catalog = {"id": "31000000000000001", "name": "Second"}, {"id": "51000000000000001", "name": "Second"}
    seeds.seed(world, {**seeds.DEFAULT, "app_id": APP_ID, "pages": [page], "catalogs": [catalog]})
    return await connect(channel, world, turn, store_id="store_2", seeded=1)


@pytest.fixture
def keeper(  # noqa: PLR0917 – every side of a token
    connected: str,
    channel: grpc.aio.Channel,
    runtime: Runtime,
    world: World,
    clock: Clock,
    turn: Callable[[], Awaitable[int]],
    control_api: Callable[..., Awaitable[Any]],
) -> Keeper:
    """The connected store's tokens."""
    assert connected
    return Keeper(token_service_pb2_grpc.FacebookTokensStub(channel), runtime, world, clock, turn, control_api)
