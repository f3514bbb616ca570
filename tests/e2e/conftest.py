"""The whole stack, every process real, started once for all disasters."""

import os
import random
from collections.abc import AsyncIterator

import pytest_asyncio

from client.call import Caller, open_channel
from client.tour.simulation import Simulation
from stack import folders
from stack.supervisor import Stack, running_stack
from tests.e2e.shop import Shop
from tests.e2e.storm.town import PATIENCE

RUNS = folders.CONNECTOR_FOLDER / "e2e"  # not beside the other test runs: they sweep what looks left behind
SEED = int(os.environ.get("DISASTER_SEED", "20261121"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running() -> AsyncIterator[Stack]:
    """Run everything; Meta sends duplicates and overtakes itself all the time."""
    folders.sweep(RUNS)
    folder = RUNS / str(os.getpid())
    async with running_stack(
        folder, durable=False, environment={"META_TEST_CAPABILITIES": "ORDER_MANAGEMENT"}
    ) as stack:
        simulation = Simulation(stack.simulator_url)
        simulation._ask(
            "PATCH", "/_simulator/switches", {"duplicate_share": 0.2, "reorder_share": 0.2, "parallel_posts": 4}
        )
        yield stack
    folders.remove(folder)


def open_shop(stack: Stack, number: int) -> Shop:
    """Open a store of its own in a running stack."""
    simulation = Simulation(stack.simulator_url)
    print(f"seed {SEED + number}")  # noqa: T201 – to run it again: DISASTER_SEED
    channel, store = open_channel(stack.addresses["connector"]), f"store-{number}"
    caller = Caller(channel=channel, token=stack.token, store_id=store, patience=PATIENCE)
    shop = Shop(caller, simulation, simulation.seed(10**12 + number), random.Random(SEED + number))  # noqa: S311 – to be repeatable
    shop.open()
    return shop
