"""The menus of a shop as the navigation file says them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a menu: a product set, and what lies below it."""

    title: str
    set_retailer_id: str
    entries: tuple["Entry", ...] = ()

    def document(self) -> dict[str, Any]:
        """Write it the way it is stored and sent."""
        # facebook-for-woocommerce, FeedUploadUtils.php, build_category_tree
        own = {"title": self.title, "resourceType": "collection", "retailerID": self.set_retailer_id}
        return own | ({"items": [entry.document() for entry in self.entries]} if self.entries else {})


@dataclass(frozen=True, slots=True)
class Menu:
    """A menu of the shop."""

    handle: str
    title: str
    entries: tuple[Entry, ...]


def write_menus(menus: Sequence[Menu]) -> bytes:
    """Write the navigation file."""
    # facebook-for-woocommerce, FeedUploadUtils.php, get_navigation_menu_data
    written = [
        {
            "items": [entry.document() for entry in menu.entries],
            "title": menu.title,
            "partner_menu_handle": menu.handle,
            "partner_menu_id": str(number),
        }
        for number, menu in enumerate(menus, start=1)
    ]
    return orjson.dumps({"navigation": written})
