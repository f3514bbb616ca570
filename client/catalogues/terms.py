"""What readers are given and what they give back.

A product with one unreadable row is a `Problem` as a whole: half a product would make the connector remove the other half.
"""

import string
from dataclasses import dataclass
from urllib.parse import quote

from stormcom.facebook.v1.product_pb2 import Product

PLACEHOLDERS = frozenset({"handle", "id"})


class CatalogueUnusable(Exception):
    """The file as a whole cannot be read; the message says what to give or change."""


class Unreadable(Exception):
    """One cell cannot be read."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class Listed:
    """A product and where in the file it begins."""

    place: str
    product: Product


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read, and so was not sent."""

    place: str
    field: str
    why: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.field, self.why) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the file does not say of itself.

    `source_version` is the same for all its products; `currency` counts where a price names none; `brand` where a product has
    none; `link_template` makes a product's link from `{handle}` (or `{id}`, the same), the file's own name for it.
    """

    source_version: int
    currency: str = ""
    link_template: str = ""
    brand: str = ""

    def __post_init__(self) -> None:
        """Refuse terms that could only fail row by row."""
        if self.source_version < 1:
            raise CatalogueUnusable("The source version must be at least 1: give --source-version.")
        if self.currency and not (self.currency.isascii() and self.currency.isalpha() and len(self.currency) == 3):
            raise CatalogueUnusable(
                f"{self.currency!r} is no currency: give its ISO 4217 code, such as --currency USD."
            )
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(self.link_template) if name is not None}
        except ValueError as wrong:
            raise CatalogueUnusable(f"The link template cannot be read: {wrong}.") from wrong
        if self.link_template and (not names or names - PLACEHOLDERS):
            raise CatalogueUnusable(
                "The link template must hold {handle}, as in https://shop.example/products/{handle}."
            )

    def link(self, name: str) -> str:
        """Make the link of the product the file calls `name`; empty without a template."""
        safe = quote(name, safe="")
        return self.link_template.format(handle=safe, id=safe)
