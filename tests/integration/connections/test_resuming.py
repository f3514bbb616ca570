"""Connecting again, by whichever way: the same connection, ids and catalog, and the work that waited for a token goes on by itself."""

from typing import Any

import grpc
import pytest
from sqlalchemy import text

from connector.connections import actions
from connector.runtime import Runtime
from connector.values import Environment
from connector.vault import Secret
from simulator.state import Page
from simulator.world import World
from stormcom.facebook.v1.connection_pb2 import Connection
from stormcom.facebook.v1.connector_service_pb2 import GetStatusRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from tests.integration.catalog.shop import Shop, Turn, product
from tests.integration.conftest import APP_ID, STORE, Clock

PAGE_ID, USER_ID = "30000000000000001", "10000000000000001"


@pytest.fixture
def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Shop:
    """A connected store, at work."""
    return Shop(channel, world, clock, turn, runtime)


async def standing(shop: Shop) -> Connection:
    api: Any = FacebookConnectorStub(shop.channel)
    answer = await api.GetStatus(GetStatusRequest(store_id=STORE))
    connection: Connection = answer.status.connection
    return connection


async def come_back(runtime: Runtime, walk: Any, control_api: Any, connection_id: str, way: str) -> None:
    """Connect the store again."""
    if way == "attach":
        made = await control_api("POST", "/system-users", {"expires": "never"})
        token = Secret(made["token"])
        await actions.attach(runtime, STORE, token=token, environment=Environment.TEST, page_id=PAGE_ID)
        return
    named = connection_id if way == "the named connection" else ""
    begun = await actions.begin(runtime, STORE, connection_id=named, environment=Environment.TEST)
    answer = await walk(begun.url)
    landing = await actions.complete_login(runtime, state=answer["state"], code=answer["code"])
    if landing.outcome != "CONNECTED":
        await actions.choose(runtime, STORE, str(begun.connection.id), page_id=PAGE_ID)


@pytest.mark.parametrize("way", ["the named connection", "a new login", "attach"])
async def test_what_waited_for_a_token_goes_on_by_itself(
    shop: Shop, runtime: Runtime, walk: Any, control_api: Any, world: World, *, connected: str, way: str
) -> None:
    """A product, a stock and a Page's subscription that came while the token was dead reach Meta after the next login."""
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle()
    await control_api("POST", "/tokens/revoke", {"user_id": USER_ID, "subcode": 460})
    page = world.require(Page, PAGE_ID, name="page_id")
    page.fields_by_app.clear()
    await shop.upsert(product("p2"))
    await shop.stock(InventoryLine(product_id="p1", track_inventory=True, quantity=1, source_version=9))
    await shop.settle()
    before = await standing(shop)
    assert (Connection.STATE_NEEDS_LOGIN, {"sc_p1"}) == (before.state, set(shop.shelf))
    await come_back(runtime, walk, control_api, connected, way)
    await shop.settle()
    after = await standing(shop)
    assert (Connection.STATE_CONNECTED, connected) == (after.state, after.connection_id)
    assert {"sc_p1": 1, "sc_p2": 5} == {
        name: int(one["quantity_to_sell_on_facebook"]) for name, one in shop.shelf.items()
    }
    assert "messages" in page.fields_by_app[APP_ID]
    async with runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM tasks WHERE due_time IS NULL"))
