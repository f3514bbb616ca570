"""Products of our own making, about 0.8 KB each, alike in every run."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ACTIVE, Product

_SENTENCE = "Woven by hand on a wooden loom, washed twice, dried in the shade, and folded by the person who made it. "
CURRENCY = "BDT"
ABOVE_STOCK = 1_000  # more than any product has at first: each line changes something


def product(number: int, *, version: int = 1) -> Product:
    """Make the product of a number."""
    name = f"p{number:07d}"
    return Product(
        product_id=name,
        source_version=version,
        status=PRODUCT_STATUS_ACTIVE,
        title=f"Hand-woven cotton scarf no. {number}",
        description=_SENTENCE * 4 + name,
        link=f"https://shop.example/products/{name}",
        image_links=[f"https://cdn.example/{name}/front.jpg", f"https://cdn.example/{name}/back.jpg"],
        brand="Nodi Crafts",
        price=Money(currency_code=CURRENCY, minor_units=10_000 + number % 900_000),
        categories=["Apparel", "Accessories", "Scarves"],
        track_inventory=True,
        quantity=number % 90 + 1,
        options={"Colour": "indigo", "Size": "M"},
    )


def products(count: int) -> Iterator[Product]:
    """Make so many products."""
    return (product(number) for number in range(count))


def lines(numbers: Iterable[int], *, version: int) -> list[InventoryLine]:
    """Change the stock of products to a quantity that tells the version."""
    return [
        InventoryLine(product_id=f"p{number:07d}", source_version=version, quantity=ABOVE_STOCK + version % 1_000_000, track_inventory=True)
        for number in numbers
    ]  # fmt: skip


def snapshot_digest(product_ids: Sequence[str]) -> str:
    """Hash the ids the way CommitSnapshot wants them."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(product_ids)).encode()).hexdigest()
