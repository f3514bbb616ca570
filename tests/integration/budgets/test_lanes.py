"""Stock goes before products when a catalog's allowance gets scarce, in the connector's own lanes."""

import grpc
import pytest

from connector.runtime import Runtime
from simulator.state import ProductCatalog
from simulator.world import World
from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from tests.integration.catalog.shop import Shop, Turn, product
from tests.integration.conftest import Clock


@pytest.fixture
def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Shop:
    """The store of `connected`, at work."""
    return Shop(channel, world, clock, turn, runtime)


async def test_stock_goes_before_products(shop: Shop) -> None:
    """At 90 percent of a catalog's batches products wait; a stock change still reaches Meta at once."""
    await shop.upsert(product("p1"), product("p2"))
    await shop.sync()
    await shop.settle(minutes=2)
    [catalog] = shop.world.all(ProductCatalog)
    shop.world.switches.change(allowances={"catalog_batch": 100})
    shop.world.limits.spend("catalog_batch", catalog.id, cost=90)
    await shop.upsert(product("p1", version=2, title="Second"))
    await shop.settle(minutes=2)  # this call tells how full it is
    await shop.upsert(product("p1", version=3, title="Third"))
    await shop.stock(InventoryLine(product_id="p2", source_version=9, track_inventory=True, quantity=77))
    await shop.settle(minutes=1)
    assert ("Second", 77) == (shop.shelf["sc_p1"]["title"], shop.shelf["sc_p2"]["quantity_to_sell_on_facebook"])
    await shop.settle(minutes=70)
    assert "Third" == shop.shelf["sc_p1"]["title"]
    assert {} == shop.world.limits.refused
