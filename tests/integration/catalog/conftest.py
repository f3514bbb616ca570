"""A connected store with an empty catalog."""

import grpc
import pytest

from simulator.world import World
from tests.integration.catalog.shop import Shop, Turn
from tests.integration.conftest import Clock


@pytest.fixture
def shop(channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, connected: str) -> Shop:
    """The store of `connected`, at work."""
    return Shop(channel, world, clock, turn)
