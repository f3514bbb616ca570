"""Tells what a sync, or the commit of an open snapshot, would do, before the first byte leaves. Changes nothing.

Counts first, then item by item; each page is read in a short transaction of its own.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from connector.catalog.actions.products import foresee_items
from connector.catalog.actions.snapshots import count_loss, needs_word, offered_of, require_open
from connector.catalog.actions.syncs import require_catalog, require_known, too_much
from connector.catalog.db import plans, products, snapshots
from connector.catalog.db import previews as db
from connector.catalog.db.previews import Now, Previewed
from connector.catalog.db.snapshots import Snapshot
from connector.catalog.model.merge import Merged
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.runtime import Runtime

_SHOWN = 500
_COUNTED = 5_000
_PRODUCTS = 200  # products of a snapshot that are looked at in one transaction
_UNCHANGED = "UNCHANGED"


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sync would do, in numbers."""

    create: int
    change: int
    removal: int
    rejected: int
    unchanged: int
    needs_confirmation: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What is previewed: a sync of a scope, of some products, or an open snapshot."""

    scope: str
    product_ids: Sequence[str] | None
    snapshot_id: UUID | None


async def preview(
    runtime: Runtime, store_id: str, connection_id: str, wish: Wish, *, counts_only: bool
) -> AsyncIterator[Counts | Sequence[Previewed]]:
    """Tell the counts, and then the items, 500 at a time.

    Raises:
        NotFound: PRODUCT_NOT_FOUND, SNAPSHOT_NOT_FOUND.
        FailedPrecondition: CATALOG_NOT_ATTACHED, SNAPSHOT_CLOSED.

    """
    async with runtime.db.begin() as tx:
        connection = require_catalog(await connections.require(tx, store_id, connection_id))
        if wish.product_ids is not None:
            await require_known(tx, connection, wish.product_ids)
        snapshot = await _open_snapshot(tx, connection, wish.snapshot_id, at=runtime.now())
    if snapshot:
        yield await _count_snapshot(runtime, connection, snapshot)
        pages = _pages_of_snapshot(runtime, snapshot)
    else:
        yield await _count(runtime, connection, wish)
        pages = _pages(runtime, connection, wish)
    if not counts_only:
        async for page in pages:
            shown = [one for one in page if one.change != _UNCHANGED]
            for start in range(0, len(shown), _SHOWN):
                yield shown[start : start + _SHOWN]


async def _open_snapshot(tx: Tx, connection: Connection, snapshot_id: UUID | None, *, at: datetime) -> Snapshot | None:
    if snapshot_id is None:
        return None
    snapshot = await snapshots.find(tx, connection.store_id, snapshot_id)
    if snapshot.connection_id != connection.id:
        raise snapshots.missing(str(snapshot_id))
    return require_open(snapshot, at=at)


def _counts(count: Counter[str], *, unchanged: int, needs_confirmation: bool) -> Counts:
    return Counts(count["CREATE"], count["UPDATE"], count["REMOVE"], count["REJECT"], unchanged, needs_confirmation)


async def _count(runtime: Runtime, connection: Connection, wish: Wish) -> Counts:
    count: Counter[str] = Counter()
    after: str | None = ""
    while after is not None:
        async with runtime.db.begin() as tx:
            some, after = await db.tally(tx, connection.id, wish.scope, wish.product_ids, after=after, limit=_COUNTED)
        count += some
    async with runtime.db.begin() as tx:
        delta = wish.scope == "delta"
        unchanged = (await plans.preview(tx, connection.id, full=False)).unchanged_count if delta else 0
        losses = await plans.losses(tx, connection, wish.product_ids)
        return _counts(count, unchanged=unchanged, needs_confirmation=await too_much(tx, connection, losses))


async def _pages(runtime: Runtime, connection: Connection, wish: Wish) -> AsyncIterator[Sequence[Previewed]]:
    page: list[Previewed] = []
    while not page or len(page) == _SHOWN:
        after = page[-1].retailer_id if page else ""
        async with runtime.db.begin() as tx:
            page = await db.page(tx, connection.id, wish.scope, wish.product_ids, after=after, limit=_SHOWN)
        if not page:
            return
        yield page


async def _count_snapshot(runtime: Runtime, connection: Connection, snapshot: Snapshot) -> Counts:
    count: Counter[str] = Counter()
    async for page in _pages_of_snapshot(runtime, snapshot):
        count.update(one.change for one in page)
    async with runtime.db.begin() as tx:
        held = await needs_word(tx, connection, await count_loss(tx, connection, snapshot))
    return _counts(count, unchanged=count[_UNCHANGED], needs_confirmation=held)


async def _pages_of_snapshot(runtime: Runtime, snapshot: Snapshot) -> AsyncIterator[Sequence[Previewed]]:
    """Go through the products of the store and the snapshot, in the order of their ids."""
    after = ""
    while True:
        async with runtime.db.begin() as tx:
            ids = await db.next_products(tx, snapshot, after=after, limit=_PRODUCTS)
            if not ids:
                return
            now = await db.of_products(tx, snapshot.connection_id, ids)
            gone = set(await snapshots.left_out(tx, snapshot, after=after, upto=ids[-1], limit=len(ids)))
            to_be = await _merged(tx, snapshot, ids, at=runtime.now())
        yield [
            item
            for one in ids
            for item in (_told(now.get(one, []), to_be[one]) if one in to_be else _kept(now.get(one, []), one in gone))
        ]
        after = ids[-1]


async def _merged(tx: Tx, snapshot: Snapshot, ids: Sequence[str], *, at: datetime) -> dict[str, list[Merged]]:
    """Tell what the pieces that are newer than the store's products come to."""
    pieces, known = await db.written(tx, snapshot, ids), await products.known(tx, snapshot.connection_id, ids)
    newer = [
        offered_of(piece)
        for piece in pieces.values()
        if (kept := known.get(piece.product_id)) is None or kept.deleted or kept.source_version <= piece.source_version
    ]
    currency = snapshot.currency_code or ""
    return await foresee_items(tx, snapshot.connection_id, newer, currency_code=currency, at=at)


def _kept(items: Sequence[Now], gone: bool) -> list[Previewed]:  # noqa: FBT001 – what tells is in the name
    """Tell of items that the snapshot does not change, or that leave with their product."""
    if gone:
        return [_with(one.item, "REMOVE") for one in items if one.stands]
    return [_with(one.item, _UNCHANGED) if one.state == "CONFIRMED" else one.item for one in items]


def _told(items: Sequence[Now], merged: Sequence[Merged]) -> list[Previewed]:
    """Tell of items that are as the snapshot says from then on."""
    before = {one.item.retailer_id: one for one in items}
    return [told for one in merged if (told := _changed(one, before.get(one.wish.retailer_id)))]


def _changed(merged: Merged, before: Now | None) -> Previewed | None:
    wish = merged.wish
    named = wish.retailer_id, wish.product_id, wish.variant_id
    if not wish.wanted:
        return Previewed(*named, "REMOVE", wish.title, []) if before and before.stands else None
    if wish.refused_by:
        return Previewed(*named, "REJECT", wish.title, wish.faults)
    if wish.changed or before is None:
        new = before is None or before.item.change == "CREATE"
        return Previewed(*named, "CREATE" if new else "UPDATE", wish.title, wish.faults)
    return _kept([before], gone=False)[0]


def _with(item: Previewed, change: str) -> Previewed:
    return Previewed(item.retailer_id, item.product_id, item.variant_id, change, item.title, item.faults)
