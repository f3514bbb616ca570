"""A connected store with an empty catalog."""

from collections.abc import Iterator

import grpc
import pytest

from connector.runtime import Runtime
from simulator.world import World
from tests.integration.catalog.shop import Shop, Turn, product, shirt
from tests.integration.conftest import Clock


@pytest.fixture
def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Iterator[Shop]:
    """The store of `connected`, at work; in the end, no item may ever have been in two batches that Meta was at work on."""
    yield Shop(channel, world, clock, turn, runtime)
    assert [] == world.records.overlaps


@pytest.fixture
async def stocked(shop: Shop) -> Shop:
    """The store with two products confirmed at Meta."""
    await shop.upsert(product("p1"), shirt("p2", "S", "M"))
    await shop.sync()
    await shop.settle(minutes=1)
    return shop
