"""Decides what a listing changes about the items that are stored.

The inventory lane may know newer stock and prices than the product: for each, the newest `source_version` wins. So what a
batch carries is always the current stock and price, whichever lane brought them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.catalog.model.values import Draft, Listing
from connector.registry.model import Offer, digest, retailer_id, stored
from connector.values import Money


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of an item, as far as a new wish is compared with it."""

    product_id: str
    variant_id: str
    retailer_id: str
    wanted: bool
    stands: bool
    title: str
    content: str | None
    content_hash: bytes | None
    offer: str | None
    offer_hash: bytes | None
    currency_code: str | None
    price: int | None
    compare_at_price: int | None
    sale_start_time: datetime | None
    sale_end_time: datetime | None
    track_inventory: bool
    quantity: int
    discontinued: bool
    counted: bool
    price_version: int
    stock_version: int
    faults: Sequence[Mapping[str, Any]]
    refused_by: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """An item's row as it should be. `changed` tells whether Meta should see anything different, or our checks found other faults."""

    retailer_id: str
    product_id: str
    variant_id: str
    wanted: bool
    title: str
    content: str | None
    content_hash: bytes | None
    offer: str | None
    offer_hash: bytes | None
    currency_code: str | None
    price: int | None
    compare_at_price: int | None
    sale_start_time: datetime | None
    sale_end_time: datetime | None
    track_inventory: bool
    quantity: int
    discontinued: bool
    counted: bool
    price_version: int
    stock_version: int
    faults: list[dict[str, Any]]
    refused_by: str | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """An item's wish, and whether its row differs from it in anything."""

    wish: Wish
    differs: bool


def merge(listing: Listing, kept: Iterable[Kept]) -> list[Merged]:
    """Tell how a product's items should be stored, those listed first; what is not listed any more is not wanted."""
    before = {item.variant_id: item for item in kept}
    merged = []
    for draft in listing.drafts:
        old = before.pop(draft.variant_id, None)
        merged.append(_merged(_wish(listing, draft, old), old))
    return merged + [_merged(_unwanted(item), item) for item in before.values()]


def _merged(wish: Wish, kept: Kept | None) -> Merged:
    if wish.changed or kept is None:
        return Merged(wish, differs=True)
    names = (name for name in Wish.__slots__ if name not in {"changed", "refused_by"})
    return Merged(wish, differs=any(getattr(wish, name) != getattr(kept, name) for name in names))


def _wish(listing: Listing, draft: Draft, kept: Kept | None) -> Wish:
    if draft.content is None and kept:
        return _refused(draft, kept)
    offer = _offer(listing, draft, kept)
    content_hash = digest(draft.content.encode()) if draft.content else None
    wire = offer.wire() if offer else None
    offer_hash, faults = digest(wire) if wire else None, stored(draft.faults)
    refused = content_hash is None or offer_hash is None
    return Wish(
        retailer_id=kept.retailer_id if kept else retailer_id(listing.product_id, draft.variant_id),
        product_id=listing.product_id,
        variant_id=draft.variant_id,
        wanted=True,
        title=draft.title,
        content=draft.content,
        content_hash=content_hash,
        offer=wire.decode() if wire else None,
        offer_hash=offer_hash,
        currency_code=offer.price.currency_code if offer else None,
        price=offer.price.minor_units if offer else None,
        compare_at_price=offer.compare_at_price.minor_units if offer and offer.compare_at_price else None,
        sale_start_time=draft.sale_start_time,
        sale_end_time=draft.sale_end_time,
        track_inventory=offer.track_inventory if offer else draft.track_inventory,
        quantity=offer.quantity if offer else draft.quantity,
        discontinued=draft.discontinued,
        counted=offer.counted if offer else draft.track_inventory,
        price_version=kept.price_version if kept else 0,
        stock_version=kept.stock_version if kept else 0,
        faults=faults,
        refused_by="CHECKS" if refused else None,
        changed=kept is None or (True, content_hash, offer_hash, faults, refused) != _looks(kept),
    )


def _refused(draft: Draft, kept: Kept) -> Wish:
    """Keep everything of an item our checks refuse now but what they found: what stands at Meta stays."""
    faults = stored(draft.faults)
    same = {name: getattr(kept, name) for name in Wish.__slots__ if name != "changed"}
    found = {"wanted": True, "faults": faults, "refused_by": "CHECKS"}
    changed = (kept.wanted, list(kept.faults), kept.refused_by) != (True, faults, "CHECKS")
    return Wish(**same | found, changed=changed)


def _looks(kept: Kept) -> tuple[object, ...]:
    return kept.wanted, kept.content_hash, kept.offer_hash, list(kept.faults), kept.refused_by == "CHECKS"


def _offer(listing: Listing, draft: Draft, kept: Kept | None) -> Offer | None:
    """Join the newest price and the newest stock; None without any valid price."""
    price, compare_at = draft.price, draft.compare_at_price
    if (
        kept
        and kept.price is not None
        and kept.currency_code
        and (price is None or kept.price_version > listing.source_version)
    ):
        price = Money(kept.currency_code, kept.price)
        compare_at = None if kept.compare_at_price is None else Money(kept.currency_code, kept.compare_at_price)
    track, quantity = draft.track_inventory, draft.quantity
    if kept and kept.stock_version > listing.source_version:
        track, quantity = kept.track_inventory, kept.quantity
    if price is None:
        return None
    return Offer(
        price=price,
        compare_at_price=compare_at,
        sale_start_time=draft.sale_start_time,
        sale_end_time=draft.sale_end_time,
        track_inventory=track,
        quantity=quantity,
        discontinued=draft.discontinued,
        counted=track or bool(kept and kept.counted),
    )


def _unwanted(kept: Kept) -> Wish:
    """Let an item go. What is kept of it stays, for the day it comes back."""
    same = {name: getattr(kept, name) for name in Wish.__slots__ if name != "changed"}
    return Wish(**same | {"faults": [], "refused_by": None, "wanted": False}, changed=kept.wanted)
