"""A merchant who installs Meta Business Extension, and Meta's webhook about it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import grpc
import pytest
from sqlalchemy import text

from connector.runtime import Runtime
from connector.settings import Settings
from connector.values import Environment
from connector.vault import Secret
from connector.webhooks import actions as webhooks
from connector.webhooks.model import Arrival
from simulator.business_extension import FbeInstall
from simulator.world import World
from stormcom.facebook.v1 import business_extension_pb2, business_extension_service_pb2_grpc
from stormcom.facebook.v1 import business_extension_service_pb2 as pb
from tests.integration.conftest import STORE

PAGE_ID, CATALOG_ID, BUSINESS_ID = "30000000000000001", "50000000000000001", "20000000000000001"
SECRET_OF_WEBHOOK = "EAASsecret-that-stands-in-a-webhook"
SHOP = business_extension_pb2.ShopSettings(
    business_name="Mina's Shop", timezone="Asia/Dhaka", currency="BDT", domain="https://shop.example"
)
Stub: TypeAlias = "business_extension_service_pb2_grpc.FacebookBusinessExtensionAsyncStub"  # only in the stubs
Walk = Callable[[str], Awaitable[dict[str, str]]]
Install = Callable[..., Awaitable[pb.CompleteInstallResponse]]
Tell = Callable[..., Awaitable[None]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The settings, with a client token for the iframe."""
    apps = {name: replace(app, client_token=Secret("client-token")) for name, app in settings.apps.items()}
    return replace(settings, apps=apps)


@pytest.fixture
def extension(channel: grpc.aio.Channel) -> Stub:
    """The service, over real gRPC."""
    return business_extension_service_pb2_grpc.FacebookBusinessExtensionStub(channel)


@pytest.fixture
def walk(world: World) -> Walk:
    """Open the dialog's URL as a merchant who allows everything; tell what it returned."""
    world.switches.change(dialog="allow")

    async def walk(url: str) -> dict[str, str]:
        async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=False) as response:
            assert 302 == response.status, await response.text()
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    return walk


@pytest.fixture
def install(extension: Stub, walk: Walk, turn: Callable[[], Awaitable[int]]) -> Install:
    """Install all the way, as StormCom's own callback does."""

    async def install(store_id: str = STORE, **options: Any) -> pb.CompleteInstallResponse:
        begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=store_id, shop=SHOP, **options))
        answer = await walk(begun.url)
        complete = pb.CompleteInstallRequest(store_id=store_id, state_token=answer["state"], code=answer["code"])
        installed = await extension.CompleteInstall(complete)
        await turn()
        return installed

    return install


@pytest.fixture
def tell(runtime: Runtime, turn: Callable[[], Awaitable[int]]) -> Tell:
    """Deliver Meta's webhook about an installation, and work off what follows; `ended` without a token."""

    async def tell(name: str, *, ended: bool = False) -> None:
        value = {"business_id": name, "access_token": "" if ended else SECRET_OF_WEBHOOK, "pages": [PAGE_ID]}
        entry = {"id": "1", "uid": "1", "time": 1, "changes": [{"field": "fbe_install", "value": value}]}
        body = json.dumps({"object": "user", "entry": [entry]}).encode()
        async with webhooks.keeping(runtime) as keep:
            await keep([Arrival(Environment.TEST, body, "sha256=…")])
        await turn()

    return tell


def installed(world: World) -> FbeInstall:
    """The one installation that Meta knows."""
    (found,) = world.all(FbeInstall)
    return found


def calls(world: World, method: str, path: str) -> int:
    """Count the calls that Meta got."""
    return sum((call.method, call.path) == (method, path) for call in world.records.calls)


async def reason_of(call: Awaitable[Any]) -> str:
    """The reason that a call fails with."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    from grpc_status import rpc_status

    status = rpc_status.from_call(failure.value)  # type: ignore[arg-type] # it reads what both kinds of errors have
    from google.rpc import error_details_pb2

    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.reason)


async def column(runtime: Runtime, query: str) -> list[Any]:
    """Read the first column of a query."""
    async with runtime.db.connect() as connection:
        return [row[0] for row in await connection.execute(text(query))]
