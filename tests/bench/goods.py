"""Products of our own making, about 0.8 KB each, alike in every run."""

import hashlib
from collections.abc import Iterable, Iterator

from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ACTIVE, Product

_SENTENCE = "Woven by hand on a wooden loom, washed twice, dried in the shade, and folded by the person who made it. "
CURRENCY = "BDT"
ABOVE_STOCK = 1_000  # more than any product has at first: each line changes something


def name_of(number: int) -> str:
    """Name the product of a number; names are in the order of their numbers."""
    return f"p{number:07d}"


def product(number: int, *, version: int = 1) -> Product:
    """Make the product of a number. Its later versions have another title and cost more."""
    name = name_of(number)
    return Product(
        product_id=name,
        source_version=version,
        status=PRODUCT_STATUS_ACTIVE,
        title=f"Hand-woven cotton scarf no. {number}" + (f", edition {version}" if version > 1 else ""),
        description=_SENTENCE * 4 + name,
        link=f"https://shop.example/products/{name}",
        image_links=[f"https://cdn.example/{name}/front.jpg", f"https://cdn.example/{name}/back.jpg"],
        brand="Nodi Crafts",
        price=Money(currency_code=CURRENCY, minor_units=10_000 + number % 900_000 + version),
        categories=["Apparel", "Accessories", "Scarves"],
        track_inventory=True,
        quantity=number % 90 + 1,
        options={"Colour": "indigo", "Size": "M"},
    )


def products(numbers: Iterable[int]) -> Iterator[Product]:
    """Make the products of these numbers."""
    return map(product, numbers)


def lines(numbers: Iterable[int], *, version: int) -> list[InventoryLine]:
    """Change the stock of products to a quantity that tells the version."""
    return [
        InventoryLine(product_id=f"p{number:07d}", source_version=version, quantity=ABOVE_STOCK + version % 1_000_000, track_inventory=True)
        for number in numbers
    ]  # fmt: skip


def snapshot_digest(count: int) -> str:
    """Hash the names of the first so many products the way CommitSnapshot wants them."""
    digest = hashlib.sha256()
    for number in range(count):
        digest.update(f"{name_of(number)}\n".encode())
    return digest.hexdigest()
