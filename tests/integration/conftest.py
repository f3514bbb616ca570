"""The pieces of an integration test: an empty migrated database, Meta as the simulator over real HTTP, our gRPC server for real.

`clock` moves our time and Meta's together; nothing sleeps. `turn` runs what is due the way a worker does, without Redis.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import grpc
import pytest
from yarl import URL

from connector import log
from connector.runtime import Runtime, open_runtime
from connector.server import build_server, set_serving
from connector.settings import Settings
from simulator import control, seeds
from simulator.app import serve
from simulator.world import World
from stormcom.facebook.v1 import connection_pb2, connector_service_pb2_grpc
from stormcom.facebook.v1 import connector_service_pb2 as pb
from tests.contract.sdk_parameters import unknown_parameters
from tests.integration.keepsakes import Keeper, Numbers, Site, empty, keep_engine, once

APP_ID, APP_SECRET, VERIFY_TOKEN = "610000000000001", "0123456789abcdef0123456789abcdef", "verify-me"
DEVELOPMENT_TOKEN = "development-token-of-this-test"
PUBLIC_URL = "http://127.0.0.1:9"
STORE = "store_1"


class Clock:
    """Our clock and Meta's: `advance` moves both."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, **time: float) -> None:
        """Let time pass, in the units of timedelta."""
        self._offset += timedelta(**time)
        self._world.clock.advance(timedelta(**time).total_seconds())

    def jump(self, **time: float) -> None:
        """Let our clock alone jump, forward or back, as a host's may."""
        self._offset += timedelta(**time)


@pytest.fixture(autouse=True, scope="session")
def logs() -> None:
    """Write logs as in production: no local variables in a traceback, nothing secret in a line."""
    log.configure(level="info", form="json")


@pytest.fixture
def world() -> World:
    """One Meta with our app, a merchant, a business, a Page, two people and a catalog (`seeds.DEFAULT`); everything at once, nothing slow."""
    world = World()
    control.put_app(
        world,
        None,  # type: ignore[arg-type] # the request is not looked at
        {"app_id": APP_ID, "secrets": [APP_SECRET], "redirect_uris": [f"{PUBLIC_URL}/oauth/callback"]},
    )
    seeds.seed(world, {**seeds.DEFAULT, "app_id": APP_ID})
    return world


@pytest.fixture
def clock(world: World) -> Clock:
    """Time, to be moved."""
    return Clock(world)


@pytest.fixture
async def meta_url(world: World) -> AsyncIterator[str]:
    """Where this test's Meta answers; in the end, every parameter it was sent must be one that Meta's SDK knows."""
    async with serve(world, "127.0.0.1", 0) as url:
        yield url
    assert [] == unknown_parameters([asdict(call) for call in world.records.calls])


@pytest.fixture
async def control_api(meta_url: str) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Call the simulator's control API: `await control_api("POST", "/faults", {...})`."""
    async with aiohttp.ClientSession() as http:

        async def call(method: str, path: str, document: object = None) -> Any:
            async with http.request(method, f"{meta_url}/_simulator{path}", json=document) as response:
                body = await response.json()
                assert response.status < 400, body
                return body

        yield call


@pytest.fixture(scope="session")
def keeper(database_url: str) -> Iterator[Keeper]:
    """Who empties and fills the worker's database between the tests."""
    keeper = Keeper(database_url)
    yield keeper
    keeper.close()


@pytest.fixture
def empty_database(database_url: str, keeper: Keeper) -> str:
    """The worker's migrated database, emptied."""
    empty(keeper.connection())
    return database_url


@pytest.fixture
def settings(empty_database: str, meta_url: str) -> Settings:
    """Settings as `make up` would make them, for this test's database and Meta."""
    return Settings.read(
        {
            "PROFILE": "development",
            "DATABASE_URL": empty_database,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "PUBLIC_URL": PUBLIC_URL,
            "META_GRAPH_URL": meta_url,
            "META_DIALOG_URL": meta_url,
            "META_TEST_APP_ID": APP_ID,
            "META_TEST_APP_SECRETS": APP_SECRET,
            "META_TEST_VERIFY_TOKEN": VERIFY_TOKEN,
            "VAULT_KEYS": "1:" + base64.b64encode(bytes(range(32))).decode(),
            "DEVELOPMENT_TOKEN": DEVELOPMENT_TOKEN,
            "PUSH_ADDRESSES": "any",
        }
    )


@pytest.fixture
def numbers() -> Numbers:
    """What our ids count."""
    return Numbers()


@pytest.fixture
def site(settings: Settings, world: World, numbers: Numbers, clock: Clock, keeper: Keeper) -> Site:
    """What a walk changes: see `keepsakes`."""
    return Site(settings, keeper, world, numbers, clock, lambda step: clock.jump(seconds=step.total_seconds()))


@pytest.fixture
async def runtime(settings: Settings, clock: Clock, numbers: Numbers) -> AsyncIterator[Runtime]:
    """All that an action may touch, with a clock that moves and ids that count."""
    engine = keep_engine(settings.database_url.reveal())
    async with open_runtime(
        settings, now=clock, ids=lambda: UUID(int=7 << 76 | 2 << 62 | next(numbers)), engine=engine
    ) as runtime:
        yield runtime


@pytest.fixture
async def channel(runtime: Runtime, settings: Settings, tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a real server in this process, with the development token."""
    server, checks = build_server(runtime, settings)
    address = f"unix:{tmp_path}/grpc.sock"
    server.add_insecure_port(address)
    await server.start()
    await set_serving(checks)
    interceptors: list[grpc.aio.ClientInterceptor] = [_UnaryBearer(DEVELOPMENT_TOKEN), _StreamBearer(DEVELOPMENT_TOKEN)]
    async with grpc.aio.insecure_channel(address, interceptors=interceptors) as channel:
        yield channel
    await server.stop(0)


@pytest.fixture
async def connected(channel: grpc.aio.Channel, site: Site, turn: Callable[[], Awaitable[int]]) -> str:
    """The store `STORE`, linked to the default Page and catalog, its Page subscribed: the connection's id."""
    return await once("connected", site, lambda: connect(channel, site.world, turn))


@pytest.fixture
def turn(runtime: Runtime) -> Callable[[], Awaitable[int]]:
    """Run every task that is due, and those that become due by it, the way a worker does; tells how many."""
    from jobs.run import turn

    return lambda: turn(runtime)


async def connect(
    channel: grpc.aio.Channel,
    world: World,
    turn: Callable[[], Awaitable[int]],
    *,
    store_id: str = STORE,
    seeded: int = 0,
) -> str:
    """Walk the three steps of `Connect` with a merchant who allows everything; link the Page and catalog seeded at that place."""
    world.switches.change(dialog="allow")
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    begun = await stub.Connect(pb.ConnectRequest(store_id=store_id, begin=pb.BeginConnect()))
    connection_id = begun.connection.connection_id
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(begun.open_dialog.url, allow_redirects=False) as response,
    ):
        answer = URL(response.headers["Location"]).query
    complete = pb.CompleteConnect(state=answer["state"], code=answer["code"])
    choice = await stub.Connect(pb.ConnectRequest(store_id=store_id, connection_id=connection_id, complete=complete))
    assets = pb.ChooseAssets(
        page_id=choice.choice.pages[seeded].page_id, catalog_id=choice.choice.catalogs[seeded].catalog_id
    )
    linked = await stub.Connect(pb.ConnectRequest(store_id=store_id, connection_id=connection_id, choose=assets))
    assert connection_pb2.Connection.STATE_CONNECTED == linked.connection.state
    await turn()
    return connection_id


class _Bearer:
    """Adds a bearer token to a call."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def _with_token(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), self._header)
        return details._replace(metadata=metadata)  # type: ignore[attr-defined,no-any-return] # a named tuple, which its stub hides


# One class for each kind of call: grpc.aio takes an interceptor for the first kind it finds and ignores the others.
class _UnaryBearer(_Bearer, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._with_token(client_call_details), request)


class _StreamBearer(_Bearer, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._with_token(client_call_details), request)
