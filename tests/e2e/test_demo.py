"""`make demo`, as a newcomer runs it: every process, the tour, and its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FEEDS = ROOT / "tests" / "fixtures" / "catalogues"
FLIPKART = (
    "product_id=pid", "title=product_name", "link=product_url", "price=discounted_price",
    "compare_at_price=retail_price", "images=image", "categories=product_category_tree", "description=description",
    "brand=brand",
)  # fmt: skip


def demo(*arguments: str, **terms: str) -> "subprocess.CompletedProcess[str]":
    """Run the demo in a process of its own, as from a shell without a terminal."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "gen"))), **terms}
    command = (sys.executable, "-m", "stack", "demo", *arguments)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)


def test_every_expectation_of_the_tour_holds() -> None:
    """Our own catalogue, with its deliberate mistakes, travels the whole way: 20 of 25 products, 34 of 39 items."""
    done = demo()
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "34 confirmed, 5 rejected, nothing waiting" in done.stdout


def test_a_wrong_catalogue_fails_the_demo() -> None:
    """A file without a product for sale is not a success: the exit code says so, and the output why."""
    done = demo("--catalog", str(FEEDS / "columns.csv"))
    assert 1 == done.returncode
    assert "--map product_id=<column>" in done.stdout


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
def test_real_catalogues_travel(name: str, pairs: tuple[str, ...], currency: str, result: str) -> None:
    """Every product of a catalogue nobody here wrote is confirmed, or rejected with its true reason."""
    maps = [word for pair in pairs for word in ("--map", pair)]
    done = demo("--catalog", str(DATA / f"{name}.csv"), *maps, "--products-only", FBCONNECTOR_CURRENCY=currency)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert result in done.stdout
