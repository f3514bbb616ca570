"""A store whose app may report conversions, with a pixel at Meta."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest

from connector.runtime import Runtime
from connector.settings import Settings
from connector.values import CapabilityKind
from simulator.pixels import AdsPixel, put_pixel
from simulator.world import World
from stormcom.facebook.v1 import conversion_service_pb2 as pb
from stormcom.facebook.v1.conversion_service_pb2_grpc import FacebookConversionsStub
from tests.integration.catalog.shop import Shop, Turn, product
from tests.integration.conftest import (
    STORE,
    Clock,
)

PIXEL = "81000000000000001"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an app that asks merchants for conversions too."""
    apps = {
        name: replace(app, capabilities=frozenset({CapabilityKind.CONVERSIONS})) for name, app in settings.apps.items()
    }
    return replace(settings, apps=apps)


@pytest.fixture
async def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Shop:
    """The store of `connected` with one product, and its pixel."""
    put_pixel(world, None, {"pixel_id": PIXEL, "business_id": "20000000000000001"})  # type: ignore[arg-type] # the request is not looked at
    shop = Shop(channel, world, clock, turn, runtime)
    await shop.upsert(product("p1"))
    await FacebookConversionsStub(channel).SetPixel(pb.SetPixelRequest(store_id=STORE, pixel=pb.Pixel(pixel_id=PIXEL)))
    return shop


def pixel(shop: Shop) -> AdsPixel:
    """Look at the pixel at Meta."""
    return shop.world.require(AdsPixel, PIXEL, name="pixel")


ControlApi = Callable[..., Awaitable[Any]]
