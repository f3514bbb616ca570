"""A merchant who walks through Meta's dialog, and a store that is connected."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from connector.connections import actions
from connector.connections.model import Connection
from connector.runtime import Runtime
from connector.values import Environment
from simulator.world import World

PAGE_ID, CATALOG_ID = "30000000000000001", "50000000000000001"

Walk = Callable[[str], Awaitable[dict[str, str]]]
Connect = Callable[..., Awaitable[Connection]]


@pytest.fixture
def walk(world: World) -> Walk:
    """Open the dialog's URL as a merchant who allows everything; tell what it returned to the redirect URI."""

    async def walk(url: str) -> dict[str, str]:
        if world.switches.dialog == "page":
            world.switches.dialog = "allow"
        async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    return walk


@pytest.fixture
def connect(runtime: Runtime, walk: Walk) -> Connect:
    """Connect a store all the way."""

    async def connect(
        store_id: str = "store_1", *, connection_id: str = "", page_id: str = PAGE_ID, catalog_id: str = CATALOG_ID
    ) -> Connection:
        begun = await actions.begin(runtime, store_id, connection_id=connection_id, environment=Environment.TEST)
        returned = await walk(begun.url)
        landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
        assert landing.connection is not None, landing
        return await actions.choose(
            runtime, store_id, str(landing.connection.id), page_id=page_id, catalog_id=catalog_id
        )

    return connect
