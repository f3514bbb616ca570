"""JSON lines: one `Product` a line, in proto3 JSON, as the contract defines it.

A line without `source_version` gets the file's. A field the contract does not know is a problem, not a shrug.
"""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf import json_format

from client.catalogues.terms import Listed, Problem, Terms
from stormcom.facebook.v1.product_pb2 import Product


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
