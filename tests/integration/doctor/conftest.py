"""A connected store whose every asset is as it should be, and our own ingress at our own public address."""

from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import pytest

from connector.connections import db as connections
from connector.doctor.model.checks import COMMERCE
from connector.doctor.model.judging import SUBSCRIBED_WITHIN
from connector.runtime import Runtime
from simulator import control
from simulator.standing import CommerceMerchantSettings, ExternalEventSource
from simulator.state import User
from simulator.world import World
from stormcom.facebook.v1.catalog_service_pb2 import UpsertProductsRequest
from stormcom.facebook.v1.catalog_service_pb2_grpc import FacebookCatalogStub
from tests.integration.catalog.shop import Turn, product
from tests.integration.conftest import APP_ID, STORE, VERIFY_TOKEN, Clock
from tests.integration.doctor.patient import CATALOG_ID, PAGE_ID, Patient
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving


@pytest.fixture
async def runtime(runtime: Runtime, world: World) -> AsyncIterator[Runtime]:
    """The runtime, with an ingress that really serves at its public address."""
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        public_url = f"http://127.0.0.1:{port}"
        app = world.apps[APP_ID]
        app.redirect_uris.append(f"{public_url}/oauth/callback")
        control.subscribe(app, f"{public_url}/webhooks/facebook", VERIFY_TOKEN)
        yield replace(runtime, public_url=public_url)


@pytest.fixture
async def patient(  # noqa: PLR0917 – fixtures are asked for by name
    runtime: Runtime, world: World, clock: Clock, channel: grpc.aio.Channel, turn: Turn, connected: str
) -> Patient:
    """A connection that lacks nothing: a product, a conversation, a shop with our order app, a pixel, every permission."""
    await FacebookCatalogStub(channel).UpsertProducts(
        UpsertProductsRequest(store_id=STORE, request_id="first", products=[product("p1")])
    )
    world.add(CommerceMerchantSettings(world.new_id(), PAGE_ID, order_app_ids=[APP_ID]))
    world.add(ExternalEventSource(world.new_id(), CATALOG_ID, "Pixel"))
    found = Patient(runtime, world, clock, channel, turn, connected)
    await found.write("Is it blue?")
    for user in world.all(User):
        user.grants[APP_ID] |= dict.fromkeys(COMMERCE, "granted")
    for token in world.tokens.values():
        token.scopes = (*token.scopes, *COMMERCE)
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, STORE, connected)
        scopes = [*connection.granted_scopes, *COMMERCE]
        await connections.change(tx, connection.id, at=runtime.now(), granted_scopes=scopes)
    clock.advance(seconds=SUBSCRIBED_WITHIN.total_seconds())
    return found
