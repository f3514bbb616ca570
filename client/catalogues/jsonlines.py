"""JSON lines: one message a line, in proto3 JSON, as the contract defines it; and single messages.

A line without `source_version` gets the file's. A field the contract does not know is a problem, not a shrug.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from client.catalogues.terms import CatalogueUnusable, Listed, Problem, Terms
from stormcom.facebook.v1.product_pb2 import Product

M = TypeVar("M", bound=Message)


def read_json_lines(path: Path, terms: Terms) -> Iterator[Listed | Problem]:
    """Read products, one a line; empty lines are skipped."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _read_line(f"line {number}", line, terms)


def _read_line(place: str, line: bytes, terms: Terms) -> Listed | Problem:
    try:
        product = json_format.Parse(line.decode(), Product())
    except (json_format.ParseError, UnicodeDecodeError) as wrong:
        return Problem(place, "", f"it is no Product in proto3 JSON: {wrong}")
    product.source_version = product.source_version or terms.source_version
    product.brand = product.brand or terms.brand
    product.link = product.link or terms.link(product.product_id)
    return Listed(place, product)


def read_messages(path: Path, kind: type[M]) -> Iterator[M]:
    """Read messages, one a line; empty lines are skipped.

    Raises:
        CatalogueUnusable: a line is none.

    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _read_message(line, kind, f"{path}: line {number}")


def read_message(path: Path, kind: type[M]) -> M:
    """Read the one message of a file.

    Raises:
        CatalogueUnusable: it is none.

    """
    return _read_message(path.read_bytes(), kind, str(path))


def _read_message(document: bytes, kind: type[M], place: str) -> M:
    try:
        return json_format.Parse(document.decode(), kind())
    except (json_format.ParseError, UnicodeDecodeError) as wrong:
        raise CatalogueUnusable(f"{place} is no {kind.DESCRIPTOR.name} in proto3 JSON: {wrong}") from wrong
