"""A connected store with an empty catalog, and its category tree."""

import grpc
import pytest

from connector.runtime import Runtime
from simulator.world import World
from tests.integration.catalog.shop import Shop, Turn
from tests.integration.categories.tree import Tree
from tests.integration.conftest import Clock


@pytest.fixture
def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Shop:
    """The store of `connected`, at work."""
    return Shop(channel, world, clock, turn, runtime)


@pytest.fixture
def tree(shop: Shop) -> Tree:
    """Its category tree."""
    return Tree(shop)
