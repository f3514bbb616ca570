"""Catalogues that nobody here wrote, from the file to the item. They lie beside the checkout, not in it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from client.catalogues.reading import read_catalogue
from client.catalogues.terms import Listed, Terms
from connector.catalog.model.mapping import write_items
from connector.catalog.model.values import Draft
from connector.catalog.rpc import read_product
from simulator.items import check, unknown_fields
from simulator.switches import Switches

DATA = Path(__file__).parents[4] / "shared" / "data"
FLIPKART = (
    "product_id=pid", "title=product_name", "link=product_url", "price=discounted_price",
    "compare_at_price=retail_price", "images=image", "categories=product_category_tree", "description=description",
    "brand=brand", "rich_text_description=description",
)  # fmt: skip
LINKED = {"link_template": "https://shop.example/{handle}"}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real catalogues are not beside this checkout")


def drafts(name: str, *pairs: str, **terms: str) -> Iterator[Draft]:
    """Read a catalogue and write its items."""
    for entry in read_catalogue(DATA / name, Terms(source_version=1, **terms), pairs=pairs):
        assert isinstance(entry, Listed), str(entry)
        yield from write_items(read_product(entry.product, "products[0]"))


@pytest.mark.parametrize(
    ("name", "pairs", "terms", "items", "warnings"),
    [
        ("shopify-apparel.csv", (), {"currency": "USD"} | LINKED, 22, {}),
        ("shopify-home-and-garden.csv", (), {"currency": "USD"} | LINKED, 21, {}),
        ("shopify-jewelery.csv", (), {"currency": "USD"} | LINKED, 23, {}),
        ("flipkart-products.csv", FLIPKART, {"currency": "INR", "brand": "Flipkart"}, 995,
            {"LINK_UPGRADED": 1_990, "TEXT_LONG": 3, "TEXT_TRUNCATED": 2}),
    ],
)  # fmt: skip
def test_real_products_are_taken(
    name: str,
    pairs: tuple[str, ...],
    terms: dict[str, str],
    items: int,
    warnings: dict[str, int],
) -> None:
    """Every item of a real catalogue passes our checks and the simulator's, and what was mended is told."""
    found = list(drafts(name, *pairs, **terms))
    for draft in found:
        assert draft.content is not None, draft.faults
        content = orjson.loads(draft.content)
        assert ([], []) == (check(content, creates=False, switches=Switches()), unknown_fields(content))
    assert (items, warnings) == (len(found), Counter(fault.reason for draft in found for fault in draft.faults))
