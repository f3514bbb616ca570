"""Stores what StormCom wants of products, and asks for the sending of what changed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from connector.catalog.actions.placing import place_listings
from connector.catalog.db import products as db
from connector.catalog.db import snapshots
from connector.catalog.model.lineage import succession
from connector.catalog.model.merge import Merged, merge
from connector.catalog.model.values import Draft, Listing, Outcome, Result
from connector.connections import db as connections
from connector.db.schema import Tx
from connector.registry import actions as registry
from connector.registry.db import catalogue, flights, rules
from connector.registry.db.names import Unusual, unusual
from connector.registry.model import retailer_id
from connector.runtime import Runtime


class Offered(NamedTuple):
    """A product as it came in. `write` checks it and writes its items, given the store's currency; it is asked only when needed."""

    product_id: str
    variant_ids: tuple[str, ...]
    source_version: int
    digest: bytes
    write: Callable[[str], tuple[Draft, ...]]

    def result(self, outcome: Outcome, called: Unusual) -> Result:
        """Answer without having looked at it; `called` are the names of items that are not called as usual."""
        product_id = self.product_id
        names = [called.get((product_id, one)) or retailer_id(product_id, one) for one in self.variant_ids]
        return Result(product_id, outcome, tuple(names))


async def upsert_products(
    runtime: Runtime, store_id: str, connection_id: str, offered: Sequence[Offered]
) -> list[Result]:
    """Store products and plan what must be sent; answers in the order given.

    One transaction. Repeating it changes nothing: an unchanged product is recognised by its digest, an older one by its version.
    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        currency = await db.currency_of(tx, connection.id, but=[one.product_id for one in offered])
        results, _ = await store(tx, connection.id, offered, currency_code=currency, at=at)
        if await snapshots.under_way(tx, connection.id):  # what is spoken of now is not what its list leaves out
            same = [one.product_id for one in results if one.outcome is Outcome.UNCHANGED]
            await db.still_there(tx, connection.id, same, at=at)
        await registry.plan(tx, connection, at=at)
    return results


async def delete_products(
    runtime: Runtime, store_id: str, connection_id: str, product_ids: Sequence[str]
) -> list[Result]:
    """Let go of products; answers in the order given. One transaction; repeating it changes nothing."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        known = await db.known(tx, connection.id, product_ids)
        going = [one for one in product_ids if one in known and not known[one].deleted]
        await remove(tx, connection.id, going, at=at)
        await registry.plan(tx, connection, at=at, stock=False)
    gone = dict.fromkeys(known, Outcome.UNCHANGED) | dict.fromkeys(going, Outcome.ACCEPTED)
    return [Result(one, gone.get(one, Outcome.UNKNOWN)) for one in product_ids]


async def store(
    tx: Tx,
    connection_id: UUID,
    offered: Sequence[Offered],
    *,
    currency_code: str,
    at: datetime,
    operation_id: UUID | None = None,
) -> tuple[list[Result], int]:
    """Store products in the caller's transaction, which holds the connection's lock.

    What changes is given to the operation, if there is one; tells also how many items that are.

    The order of locks is: the connection, its products, its items; the inventory lane takes the last two in the same order.
    """
    outcomes = await glance(tx, connection_id, offered)
    same = [_row(one) for one in offered if outcomes[one.product_id] is Outcome.UNCHANGED]
    await db.renew(tx, connection_id, same, at=at)
    fresh = [one for one in offered if outcomes[one.product_id] is Outcome.ACCEPTED]
    told, given = await _store_changed(
        tx, connection_id, fresh, currency_code=currency_code, at=at, operation_id=operation_id
    )
    called = await unusual(tx, connection_id, [one.product_id for one in offered if one.product_id not in told])
    return [told.get(one.product_id) or one.result(outcomes[one.product_id], called) for one in offered], given


async def glance(tx: Tx, connection_id: UUID, offered: Sequence[Offered]) -> dict[str, Outcome]:
    """Tell from versions and digests which products are older or the same; only the others, ACCEPTED, need a closer look.

    The same under a newer version needs one too when the inventory lane has spoken since: the newer word counts.
    """
    known = await db.known(tx, connection_id, [one.product_id for one in offered])
    outcomes = {one.product_id: _at_a_glance(one, known.get(one.product_id)) for one in offered}
    same = [one for one in offered if outcomes[one.product_id] is Outcome.UNCHANGED]
    newer = [one.product_id for one in same if one.source_version > known[one.product_id].source_version]
    versions = {product_id: known[product_id].source_version for product_id in newer}
    overtaken = await db.overtaken(tx, connection_id, versions) if versions else set()
    return outcomes | dict.fromkeys(overtaken, Outcome.ACCEPTED)


async def foresee(tx: Tx, connection_id: UUID, offered: Sequence[Offered], outcomes: Mapping[str, Outcome]) -> Unusual:
    """Tell which items will be called otherwise than usual once the accepted ones are stored, and how."""
    fresh = [one for one in offered if outcomes[one.product_id] is Outcome.ACCEPTED]
    called = await unusual(tx, connection_id, [one.product_id for one in offered])
    kept = await db.stood(tx, connection_id, [one.product_id for one in fresh]) if fresh else {}
    for one in fresh:
        items = kept.get(one.product_id, {})
        if items and (moved := succession(one.variant_ids, items)):
            called[one.product_id, moved[1]] = items[moved[0]].retailer_id
    return called


async def foresee_items(
    tx: Tx, connection_id: UUID, fresh: Sequence[Offered], *, currency_code: str, at: datetime
) -> dict[str, list[Merged]]:
    """Tell what storing these products would come to, item by item. Changes nothing."""
    listings = await place_listings(tx, connection_id, _listings(fresh, currency_code))
    kept = await db.kept_items(tx, connection_id, [one.product_id for one in fresh])
    terms = await rules.read(tx, connection_id)
    return {one.product_id: merge(one, kept.get(one.product_id, []), terms, at=at) for one in listings}


def _listings(fresh: Sequence[Offered], currency_code: str) -> list[Listing]:
    """Check and write products; the first that is priced tells the currency when nothing else did."""
    listings = []
    for one in fresh:
        drafts = one.write(currency_code)
        currency_code = currency_code or next((draft.price.currency_code for draft in drafts if draft.price), "")
        listings.append(Listing(one.product_id, one.source_version, one.digest, drafts))
    return listings


async def remove(tx: Tx, connection_id: UUID, product_ids: Sequence[str], *, at: datetime) -> None:
    """Let go of products in the caller's transaction, which holds the connection's lock."""
    if product_ids:
        names = await db.delete_products(tx, connection_id, product_ids, at=at)
        await registry.count(tx, await flights.at_rest(tx, connection_id, names), at=at)


def _at_a_glance(offered: Offered, known: db.Known | None) -> Outcome:
    if known is None or known.deleted:
        return Outcome.ACCEPTED
    if offered.source_version < known.source_version:
        return Outcome.STALE
    same = offered.digest == known.digest and not known.refused
    return Outcome.UNCHANGED if same else Outcome.ACCEPTED


async def _store_changed(
    tx: Tx,
    connection_id: UUID,
    fresh: Sequence[Offered],
    *,
    currency_code: str,
    at: datetime,
    operation_id: UUID | None,
) -> tuple[dict[str, Result], int]:
    if not fresh:
        return {}, 0
    listings = await place_listings(tx, connection_id, _listings(fresh, currency_code))
    rows = [_row(one, listing) for one, listing in zip(fresh, listings, strict=True)]
    await db.keep(tx, connection_id, rows, at=at)
    kept = await db.lock_items(tx, connection_id, [one.product_id for one in fresh])
    terms = await rules.read(tx, connection_id)  # after the items are locked: as OFFER_AGAIN does
    merged = {one.product_id: merge(one, kept.get(one.product_id, []), terms, at=at) for one in listings}
    changed = [item for wishes in merged.values() for item in wishes if item.differs]
    given = await db.write_items(tx, connection_id, [item.wish for item in changed], at=at, operation_id=operation_id)
    names = [item.wish.retailer_id for item in changed]
    await registry.count(tx, await flights.at_rest(tx, connection_id, names), at=at)
    results = {}
    for one, listing in zip(fresh, listings, strict=True):
        wishes = merged[one.product_id]
        outcome = Outcome.ACCEPTED if any(item.wish.changed for item in wishes) or not wishes else Outcome.UNCHANGED
        names = [item.wish.retailer_id for item in wishes[: len(listing.drafts)]]
        results[one.product_id] = Result(
            one.product_id, Outcome.REJECTED if listing.refused else outcome, tuple(names), listing.faults
        )
    return results, given


def _row(offered: Offered, listing: Listing | None = None) -> db.Stored:
    named = offered.product_id, offered.source_version, offered.digest
    if listing is None:
        return db.Stored(*named, refused=False)
    placement = next((draft.placement for draft in listing.drafts), None)
    return db.Stored(*named, listing.refused, placement._asdict() if placement else None)
