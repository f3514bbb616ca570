"""`make demo`, as a newcomer runs it: every process, the tour, and its exit code.

Catalogues that nobody here wrote take the same tour, one after the other through processes that are started once.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from stack import folders
from stack.__main__ import WHOLE
from stack.supervisor import Stack, running_stack

PATIENCE_SECONDS = 400
"""How long one run may take, which takes half a minute on a machine that has nothing else to do."""
pytestmark = pytest.mark.timeout(PATIENCE_SECONDS + 60)
RUNS = folders.CONNECTOR_FOLDER / "tours"  # not beside the other test runs: they sweep what looks left behind
ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FEEDS = ROOT / "tests" / "fixtures" / "catalogues"
FLIPKART = (
    "product_id=pid", "title=product_name", "link=product_url", "price=discounted_price",
    "compare_at_price=retail_price", "images=image", "categories=product_category_tree", "description=description",
    "brand=brand",
)  # fmt: skip


def run(module: str, *arguments: str, **terms: str) -> "subprocess.CompletedProcess[str]":
    """Run a module in a process of its own, as from a shell without a terminal."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "gen"))), **terms}
    command = (sys.executable, "-m", module, *arguments)
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def touring() -> AsyncIterator[Stack]:
    """Run everything, as the demo does."""
    folders.sweep(RUNS)
    folder = RUNS / str(os.getpid())
    async with running_stack(folder, durable=False, environment=WHOLE) as stack:
        yield stack
    folders.remove(folder)


def test_every_expectation_of_the_tour_holds() -> None:
    """Our own catalogue, with its deliberate mistakes, travels the whole way: 20 of 25 products, 34 of 39 items."""
    done = run("stack", "demo")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "34 confirmed, 5 rejected, nothing waiting" in done.stdout


def test_a_wrong_catalogue_fails_the_demo() -> None:
    """A file without a product for sale is not a success: the exit code says so, and the output why, by what was asked for."""
    done = run(
        "stack", "demo", "--catalog", str(FEEDS / "columns.csv"), "--map", "product_id=nummer", "--products-only"
    )
    assert 1 == done.returncode
    assert "--map product_id=nummer: the file has no such column" in done.stdout


@pytest.mark.skipif(not DATA.is_dir(), reason="the real catalogues are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "pairs", "currency", "result"),
    [
        ("shopify-apparel", (), "USD", "22 confirmed, 0 rejected"),
        ("shopify-home-and-garden", (), "USD", "21 confirmed, 0 rejected"),
        ("shopify-jewelery", (), "USD", "23 confirmed, 0 rejected"),
        ("flipkart-products", FLIPKART, "INR", "418 confirmed, 577 rejected"),
    ],
)
@pytest.mark.asyncio(loop_scope="session")
async def test_real_catalogues_travel(
    touring: Stack, name: str, pairs: tuple[str, ...], currency: str, result: str
) -> None:
    """Every product of a catalogue nobody here wrote is confirmed, or rejected with its true reason."""
    there = (
        "--address",
        touring.addresses["connector"],
        f"--token={touring.token}",
        "--simulator",
        touring.simulator_url,
    )
    maps = [word for pair in pairs for word in ("--map", pair)]
    options = ("--catalog", str(DATA / f"{name}.csv"), *maps, "--products-only")
    done = await asyncio.to_thread(run, "client.tour", *there, *options, FBCONNECTOR_CURRENCY=currency)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert result in done.stdout
