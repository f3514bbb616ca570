"""Decides what a listing changes about the items that are stored.

The inventory lane may know newer stock and prices than the product: for each, the newest `source_version` wins. So what a
batch carries is always the current stock and price, whichever lane brought them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from connector.catalog.model.clearing import clear
from connector.catalog.model.lineage import succession
from connector.catalog.model.values import Draft, Listing
from connector.registry.model import Offer, Rules, digest, retailer_id, stored
from connector.values import Money


class Kept(NamedTuple):
    """What is stored of an item, as far as a new wish is compared with it."""

    product_id: str
    variant_id: str
    whole: bool
    heir: str
    usual: bool
    retailer_id: str
    sku: str
    wanted: bool
    stands: bool
    clearing: bool
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
    reserved: int
    hidden: bool
    price_version: int
    stock_version: int
    faults: Sequence[Mapping[str, Any]]
    refused_by: str | None


class Wish(NamedTuple):
    """An item's row as it should be. `changed` tells whether Meta should see anything different, or our checks found other faults."""

    retailer_id: str
    product_id: str
    variant_id: str
    whole: bool
    heir: str
    usual: bool
    sku: str
    wanted: bool
    clearing: bool
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


class Merged(NamedTuple):
    """An item's wish, and whether its row differs from it in anything."""

    wish: Wish
    differs: bool


def merge(listing: Listing, kept: Iterable[Kept], rules: Rules, *, at: datetime) -> list[Merged]:
    """Tell how a product's items should be stored, those listed first; what is not listed any more is not wanted.

    Stock is offered by the connection's rules, and a sale that is over is no sale.
    """
    before = {item.variant_id: item for item in kept}
    moved = succession([draft.variant_id for draft in listing.drafts], before) if before else None
    if moved:
        before[moved[1]] = _moved(before.pop(moved[0]), moved[1])
    listed = [_listed(listing, draft, before.pop(draft.variant_id, None), rules, at) for draft in listing.drafts]
    if moved:  # whatever else is the same: its row has another variant now
        listed = [_changed(item) if item.wish.variant_id == moved[1] else item for item in listed]
    return listed + [_merged(_unwanted(item), item) for item in before.values()]


def _moved(item: Kept, variant_id: str) -> Kept:
    """Let an item stand for another variant. Stock and price that were told for the one before are not this one's."""
    return item._replace(
        variant_id=variant_id,
        whole=item.whole or not variant_id,
        heir=item.heir or variant_id,
        usual=item.retailer_id == retailer_id(item.product_id, variant_id),
        clearing=True,
        price_version=0,
        stock_version=0,
    )


def _changed(item: Merged) -> Merged:
    return Merged(item.wish._replace(changed=True), True)


def _listed(listing: Listing, draft: Draft, kept: Kept | None, rules: Rules, at: datetime) -> Merged:
    wish = _wish(listing, draft, kept, rules, at)
    return _merged(wish, kept) if kept else Merged(wish, True)


def _merged(wish: Wish, kept: Kept) -> Merged:
    if wish.changed:
        return Merged(wish, True)
    names = (name for name in Wish._fields if name not in {"changed", "refused_by"})
    return Merged(wish, any(getattr(wish, name) != getattr(kept, name) for name in names))


def _wish(listing: Listing, draft: Draft, kept: Kept | None, rules: Rules, at: datetime) -> Wish:
    """Write an item's row, in the order of its class."""
    if draft.content is None and kept:
        return _refused(draft, kept)
    offer = _offer(listing, draft, kept)
    wire = offer.wire(rules, at=at) if offer else None
    content = clear(draft.content, kept.content) if draft.content and kept else draft.content
    content_hash, offer_hash = digest(content.encode()) if content else None, digest(wire) if wire else None
    faults, refused = stored(draft.faults), content_hash is None or offer_hash is None
    return Wish(
        kept.retailer_id if kept else retailer_id(listing.product_id, draft.variant_id),
        listing.product_id,
        draft.variant_id,
        kept.whole if kept else not draft.variant_id,
        kept.heir if kept else draft.variant_id,
        kept.usual if kept else True,
        draft.sku,
        True,
        kept.clearing if kept else False,
        draft.title,
        content,
        content_hash,
        wire.decode() if wire else None,
        offer_hash,
        offer.price.currency_code if offer else None,
        offer.price.minor_units if offer else None,
        offer.compare_at_price.minor_units if offer and offer.compare_at_price else None,
        draft.sale_start_time,
        draft.sale_end_time,
        offer.track_inventory if offer else draft.track_inventory,
        offer.quantity if offer else draft.quantity,
        draft.discontinued,
        offer.counted if offer else draft.track_inventory,
        kept.price_version if kept else 0,
        kept.stock_version if kept else 0,
        faults,
        "CHECKS" if refused else None,
        kept is None or (True, content_hash, offer_hash, faults, refused) != _looks(kept),
    )


def _refused(draft: Draft, kept: Kept) -> Wish:
    """Keep everything of an item our checks refuse now but what they found: what stands at Meta stays."""
    faults = stored(draft.faults)
    same = {name: getattr(kept, name) for name in Wish._fields if name != "changed"}
    found = {"sku": draft.sku, "wanted": True, "faults": faults, "refused_by": "CHECKS"}
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
    window = draft.sale_start_time, draft.sale_end_time
    counted = track or bool(kept and kept.counted)
    withheld = (kept.reserved, kept.hidden) if kept else (0, False)
    return Offer(price, compare_at, *window, track, quantity, draft.discontinued, counted, *withheld)


def _unwanted(kept: Kept) -> Wish:
    """Let an item go. What is kept of it stays, for the day it comes back."""
    same = {name: getattr(kept, name) for name in Wish._fields if name != "changed"}
    return Wish(**same | {"faults": [], "refused_by": None, "wanted": False}, changed=kept.wanted)
