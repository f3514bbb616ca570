"""A connected store with an empty catalog; one with products at Meta; one that only keeps them."""

from uuid import UUID

import grpc
import pytest
from sqlalchemy import insert

from connector.connections.db import connections
from connector.runtime import Runtime
from simulator.world import World
from tests.integration.catalog.conftest import shop as shop
from tests.integration.catalog.shop import Shop, Turn, product, shirt
from tests.integration.conftest import STORE, Clock
from tests.integration.keepsakes import Site, once

WARES = product("p1"), shirt("p2", "S", "M")


@pytest.fixture
async def stocked(shop: Shop, site: Site) -> Shop:
    """The store with its wares confirmed at Meta."""

    async def walk() -> None:
        await shop.upsert(*WARES)
        await shop.sync()
        await shop.settle(minutes=1)

    await once("inventory.conftest.stocked", site, walk)
    return shop


@pytest.fixture
async def shelved(channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime) -> Shop:
    """A store with its wares that has never sent any: for what Meta has no part in, and many times cheaper."""
    at, named = clock(), {"id": UUID(int=1), "store_id": STORE, "environment": "TEST", "page_id": "1"}
    times = {"state_time": at, "create_time": at, "update_time": at}
    async with runtime.db.begin() as tx:
        await tx.execute(insert(connections).values(**named, **times, state="NEEDS_LOGIN"))
    shop = Shop(channel, world, clock, turn, runtime)
    await shop.upsert(*WARES)
    return shop
