"""A merchant who walks through Meta's dialog, and a store that is connected."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from sqlalchemy import select

from connector.connections import actions
from connector.connections.db import connections
from connector.connections.model import Connection
from connector.runtime import Runtime
from connector.values import Environment
from simulator.world import World
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving

_TOKENS = ("user_token", "page_token", "login_token")
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


@pytest.fixture
async def ingress(runtime: Runtime) -> AsyncIterator[str]:
    """Where the ingress of this test answers."""
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def kept(runtime: Runtime) -> Callable[[], Awaitable[list[tuple[str, str]]]]:
    """List every sealed token in the database, by connection and kind."""

    async def kept() -> list[tuple[str, str]]:
        async with runtime.db.begin() as tx:
            rows = (await tx.execute(select(connections.c.id, *(connections.c[name] for name in _TOKENS)))).all()
        return sorted((str(row.id), name) for row in rows for name in _TOKENS if getattr(row, name) is not None)

    return kept
