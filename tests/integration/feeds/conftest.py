"""A connected store whose feeds Meta fetches from a really serving ingress."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import grpc
import pytest

from connector.runtime import Runtime
from simulator.world import World
from tests.integration.conftest import APP_ID, Clock
from tests.integration.feeds.fair import Fair, Turn
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving


@pytest.fixture
async def runtime(runtime: Runtime, world: World) -> AsyncIterator[Runtime]:
    """The usual runtime, with the ingress serving at its public address."""
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"
        world.apps[APP_ID].redirect_uris.append(f"{url}/oauth/callback")
        yield replace(runtime, public_url=url)


@pytest.fixture
def stall(channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime) -> Fair:
    """A store that is not connected: enough for what is refused before anybody looks."""
    return Fair(channel, world, clock, turn, runtime)


@pytest.fixture
def fair(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Iterator[Fair]:
    """The store of `connected`, at work; in the end, no item may ever have been in a file and a batch, or in two, at once."""
    yield Fair(channel, world, clock, turn, runtime, connection_id=connected)
    assert [] == world.records.overlaps
