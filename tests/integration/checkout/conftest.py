"""A store with products that has never been connected to Meta's live side: links need nothing else."""

from datetime import timedelta
from uuid import UUID

import grpc
import pytest
from sqlalchemy import insert

from connector.connections.db import connections
from connector.runtime import Runtime
from simulator.world import World
from tests.integration.catalog.shop import Shop, Turn, product, shirt
from tests.integration.conftest import STORE, Clock

WARES = product("p1"), shirt("p2", "S", "M"), product("p3", track_inventory=False)
CONNECTION = UUID(int=1)


@pytest.fixture
async def shelved(channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime) -> Shop:
    """A store whose merchant has to log in again: Meta can do nothing for it."""
    at, named = (
        clock() - timedelta(days=1),
        {"id": CONNECTION, "store_id": STORE, "environment": "TEST", "page_id": "1"},
    )
    times = {"state_time": at, "create_time": at, "update_time": at}
    async with runtime.db.begin() as tx:
        await tx.execute(insert(connections).values(**named, **times, state="NEEDS_LOGIN"))
    shop = Shop(channel, world, clock, turn, runtime)
    await shop.upsert(*WARES)
    return shop
