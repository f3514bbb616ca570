"""Worlds and calls for tests that speak to the simulator's functions directly, without HTTP."""

import os
from pathlib import Path
from typing import Any

import pytest

from simulator import seeds
from simulator.call import Call
from simulator.state import Application, ProductCatalog
from simulator.world import World

APP_ID = "1000000000000001"


def new_world(**switches: Any) -> World:
    """Return the default world."""

    def prepare(world: World) -> None:
        world.apps[APP_ID] = world.add(Application(APP_ID, ["secret"]))
        seeds.seed(world, {})

    return World(switches=switches, prepare=prepare)


def catalog_call(world: World, method: str = "GET", edge: str = "", **params: Any) -> Call:
    """Return a call to the default catalog."""
    catalog = world.all(ProductCatalog)[0]
    return Call(
        world, method, f"{catalog.id}/{edge}", "v26.0", "http://graph.test", params,
        node=catalog, kind="ProductCatalog", edge=edge, token=next(iter(world.tokens.values())),
    )  # fmt: skip


def record(retailer_id: str, *, method: str = "UPDATE", **changes: Any) -> dict[str, Any]:
    """Return one items_batch record of a valid item."""
    data: dict[str, Any] = {
        "id": retailer_id,
        "title": "Lamp",
        "description": "Gives light",
        "availability": "in stock",
        "condition": "new",
        "price": "9.99 USD",
        "link": "https://shop.test/lamp",
        "image_link": "https://shop.test/lamp.jpg",
        "brand": "Mina",
    }
    return {"method": method, "data": data | changes}


def fixture_file(name: str) -> Path:
    """Return a published fixture; the test is skipped where the folder of fixtures is not present."""
    folder = Path(os.environ.get("FIXTURES_DIR", Path(__file__).parents[4] / "shared" / "fixtures"))
    if not folder.is_dir():
        pytest.skip(f"no fixtures in {folder}")
    return folder / name
