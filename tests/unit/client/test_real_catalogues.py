"""Catalogues that nobody here wrote: every row is accounted for. They lie beside the checkout, not in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stormcom.facebook.v1.product_pb2 import Product

Read = Callable[..., tuple[dict[str, Product], list[str]]]
DATA = Path(__file__).parents[4] / "shared" / "data"
FLIPKART = (
    "product_id=pid", "title=product_name", "link=product_url", "price=discounted_price",
    "compare_at_price=retail_price", "images=image", "categories=product_category_tree", "description=description",
    "brand=brand",
)  # fmt: skip

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real catalogues are not beside this checkout")


@pytest.mark.parametrize(
    ("name", "products", "variants", "images"),
    [("apparel", 20, 3, 20), ("home-and-garden", 20, 2, 21), ("jewelery", 20, 6, 41)],
)
def test_shopify_exports(read: Read, name: str, products: int, variants: int, images: int) -> None:
    """Every product, variant and image of a real export is found, and nothing is unreadable."""
    found, problems = read(DATA / f"shopify-{name}.csv", currency="USD", link_template="https://s.example/{handle}")
    assert [] == problems
    assert (products, variants, images) == (
        len(found),
        sum(len(product.variants) for product in found.values()),
        sum(len(product.image_links) for product in found.values()),
    )
    assert all(product.HasField("price") != bool(product.variants) for product in found.values())


def test_flipkart_by_mapping_alone(read: Read) -> None:
    """995 products with images, prices, categories; a brand where the file has one."""
    found, problems = read(DATA / "flipkart-products.csv", *FLIPKART, currency="INR")
    assert [] == problems
    assert (995, 577) == (len(found), sum(not product.brand for product in found.values()))
    assert all(product.image_links and product.categories and product.price.minor_units for product in found.values())
    first = found["SRTEH2FF9KEDEFGF"]
    assert (37_900, 99_900, 4) == (first.price.minor_units, first.compare_at_price.minor_units, len(first.image_links))
