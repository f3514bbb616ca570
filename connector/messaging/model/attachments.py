"""Things in a message: files, stickers, places, goods."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MOST_PRODUCTS = 100
CART = "cart"
"""Our own type: goods with quantities that a person wants to order."""


@dataclass(frozen=True, slots=True)
class AttachedProduct:
    """Goods, as Meta names them. Only those of a cart have a quantity; a price stands as Meta wrote it."""

    item_id: str = ""
    retailer_id: str = ""
    title: str = ""
    subtitle: str = ""
    image_url: str = ""
    quantity: int = 0
    unit_price: str = ""
    currency_code: str = ""


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A place."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Attachment:
    """A thing in a message: Meta's type, where it lies (such links expire), its title, and what its type has beside."""

    type: str
    url: str = ""
    title: str = ""
    sticker_id: str = ""
    coordinates: Coordinates | None = None
    products: tuple[AttachedProduct, ...] = ()
    size_bytes: int = 0
    media_id: str = ""
    mime_type: str = ""
    preview_url: str = ""

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names; what is empty is left out."""
        written = {name: value for name, value in asdict(self).items() if value}
        if self.products:
            written["products"] = [_filled(one) for one in self.products]
        return {"type": self.type} | written

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Attachment":
        """Read what `document` wrote."""
        place = document.get("coordinates")
        goods = tuple(AttachedProduct(**one) for one in document.get("products", ()))
        return cls(**{**document, "coordinates": Coordinates(**place) if place else None, "products": goods})


def _filled(product: AttachedProduct) -> dict[str, Any]:
    return {name: value for name, value in asdict(product).items() if value}
