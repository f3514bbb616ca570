"""A connected store with an empty catalog."""

import grpc
import pytest

from connector.runtime import Runtime
from simulator.world import World
from tests.integration.catalog.shop import Shop, Turn, product, shirt
from tests.integration.conftest import Clock


@pytest.fixture
def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Shop:
    """The store of `connected`, at work."""
    return Shop(channel, world, clock, turn, runtime)


@pytest.fixture
async def stocked(shop: Shop) -> Shop:
    """The store with two products confirmed at Meta."""
    await shop.upsert(product("p1"), shirt("p2", "S", "M"))
    await shop.sync()
    await shop.settle(minutes=1)
    return shop
