"""What a sync would do with each item, and what a snapshot's commit would, read in pages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, literal_column, select, text

from connector.catalog.db.listing import in_order
from connector.catalog.db.snapshots import Piece, Snapshot, snapshot_products
from connector.db.schema import Tx
from connector.registry.db.catalogue import items

_UNSETTLED = "PENDING", "REJECTED", "REMOVAL_PENDING", "REMOVAL_SENT", "SENT"
STATES: Mapping[str, Sequence[str]] = {
    "delta": _UNSETTLED,
    "full": ("CONFIRMED", *_UNSETTLED),
    "items": ("CONFIRMED", *_UNSETTLED),
}
"""Where the items stand that a sync of each scope is about."""
_CHANGE: ColumnElement[str] = case(
    (and_(items.c.wanted, items.c.refused_by.is_not(None)), literal_column("'REJECT'")),
    (~items.c.wanted, literal_column("'REMOVE'")),
    (and_(items.c.confirm_time.is_(None), items.c.confirmed_content.is_(None)), literal_column("'CREATE'")),
    else_=literal_column("'UPDATE'"),
)


@dataclass(frozen=True, slots=True)
class Previewed:
    """What would happen to an item: CREATE, UPDATE, REMOVE or REJECT."""

    retailer_id: str
    product_id: str
    variant_id: str
    change: str
    title: str
    faults: Sequence[Mapping[str, Any]]


_SHOWN = (
    items.c.retailer_id,
    items.c.product_id,
    items.c.variant_id,
    _CHANGE.label("change"),
    items.c.title,
    items.c.faults.concat(items.c.meta_faults).label("faults"),
)


def _of(connection_id: UUID, product_ids: Sequence[str] | None) -> list[ColumnElement[bool]]:
    mine = [items.c.connection_id == connection_id]
    return mine if product_ids is None else [*mine, items.c.product_id.in_(product_ids)]


async def tally(
    tx: Tx, connection_id: UUID, scope: str, product_ids: Sequence[str] | None, *, after: str, limit: int
) -> tuple[Counter[str], str | None]:
    """Count the changes of the next items behind `after`; tells also the last one, None at the end."""
    columns = items.c.retailer_id, _CHANGE.label("change")
    piece = in_order(columns, STATES[scope], *_of(connection_id, product_ids), after=after, limit=limit).subquery()
    counted = select(piece.c.change, func.count(), func.max(piece.c.retailer_id)).group_by(piece.c.change)
    rows = (await tx.execute(counted)).all()
    count = Counter({change: number for change, number, _ in rows})
    return count, max(last for _, _, last in rows) if count.total() == limit else None


async def page(
    tx: Tx, connection_id: UUID, scope: str, product_ids: Sequence[str] | None, *, after: str, limit: int
) -> list[Previewed]:
    """List what would happen to the next items behind `after`, in the order of their names."""
    wanted = in_order(_SHOWN, STATES[scope], *_of(connection_id, product_ids), after=after, limit=limit)
    return [Previewed(*row) for row in await tx.execute(wanted)]


@dataclass(frozen=True, slots=True)
class Now:
    """What a delta sync would do with an item, and where it stands."""

    item: Previewed
    state: str
    stands: bool


async def of_products(tx: Tx, connection_id: UUID, product_ids: Sequence[str]) -> dict[str, list[Now]]:
    """Tell of every item of these products how it stands now."""
    mine = items.c.connection_id == connection_id, items.c.product_id == text("ANY(:ids)"), items.c.state != "REMOVED"
    wanted = select(*_SHOWN, items.c.state, items.c.stands).where(*mine).order_by(items.c.retailer_id)
    found: dict[str, list[Now]] = {}
    for *shown, state, stands in await tx.execute(wanted, {"ids": list(product_ids)}):
        found.setdefault(shown[1], []).append(Now(Previewed(*shown), state, stands))
    return found


_NEXT = text(
    """
    (SELECT product_id FROM products WHERE connection_id = :connection AND product_id > :after ORDER BY product_id LIMIT :limit)
    UNION
    (SELECT product_id FROM snapshot_products WHERE snapshot_id = :snapshot AND product_id > :after ORDER BY product_id LIMIT :limit)
    ORDER BY product_id LIMIT :limit
    """
)


async def next_products(tx: Tx, snapshot: Snapshot, *, after: str, limit: int) -> list[str]:
    """List the next products that the store or the snapshot has."""
    told = {"connection": snapshot.connection_id, "snapshot": snapshot.id, "after": after, "limit": limit}
    return list(await tx.scalars(_NEXT, told))


async def written(tx: Tx, snapshot: Snapshot, product_ids: Sequence[str]) -> dict[str, Piece]:
    """Read the pieces of these products that were not as the store's product."""
    columns = (snapshot_products.c[name] for name in Piece.__slots__)
    mine = snapshot_products.c.snapshot_id == snapshot.id, snapshot_products.c.product_id == text("ANY(:ids)")
    rows = await tx.execute(
        select(*columns).where(*mine, snapshot_products.c.drafts.is_not(None)), {"ids": list(product_ids)}
    )
    return {piece.product_id: piece for piece in (Piece(*row) for row in rows)}
