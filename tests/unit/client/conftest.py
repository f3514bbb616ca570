"""What the client's tests share: the small files of products, and a way to read them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from client.catalogues.reading import read_catalogue
from client.catalogues.terms import Listed, Problem, Terms
from stormcom.facebook.v1.product_pb2 import Product

FILES = Path(__file__).parents[2] / "fixtures" / "catalogues"
Reader = Callable[..., tuple[dict[str, Product], list[str]]]


@pytest.fixture
def files() -> Path:
    """Return the folder of the small files."""
    return FILES


@pytest.fixture
def read() -> Reader:
    """Return a reader: file, terms and mapping in; products by id and problems as text out."""

    def read_file(path: Path, *pairs: str, **terms: str) -> tuple[dict[str, Product], list[str]]:
        entries = list(read_catalogue(path, Terms(source_version=7, **terms), pairs=pairs))
        products = {entry.product.product_id: entry.product for entry in entries if isinstance(entry, Listed)}
        return products, [str(entry) for entry in entries if isinstance(entry, Problem)]

    return read_file
