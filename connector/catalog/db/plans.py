"""What a sync would do, and the items an operation waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)

from connector.connections.model import Connection
from connector.db.schema import Json, Tx
from connector.registry.db import counts
from connector.registry.db.catalogue import items, products
from connector.registry.db.flights import Settled
from connector.registry.model import HIDDEN_MARK


@dataclass(frozen=True, slots=True)
class Plan:
    """How many items go out, leave, are refused by our checks, or are at Meta as wanted."""

    send_count: int
    removal_count: int
    rejected_count: int
    unchanged_count: int

    @property
    def total(self) -> int:
        """Tell how many an operation has to settle."""
        return self.send_count + self.removal_count + self.rejected_count


def _sent(*, full: bool) -> ColumnElement[bool]:
    ours = and_(items.c.wanted, items.c.refused_by.is_distinct_from("CHECKS"))
    return ours if full else and_(ours, items.c.state != "CONFIRMED")


_REMOVED = and_(~items.c.wanted, items.c.stands)
_REFUSED = and_(items.c.wanted, items.c.refused_by.is_not_distinct_from("CHECKS"))


async def preview(tx: Tx, connection_id: UUID, *, full: bool) -> Plan:
    """Count what a sync would do now: by states, which are counted; only refused items are looked at themselves."""
    mine = items.c.connection_id == connection_id
    count = await counts.count(tx, connection_id)
    kinds = _sent(full=full), _REMOVED, _REFUSED
    refused = select(*(func.count().filter(kind) for kind in kinds)).where(mine, items.c.state == "REJECTED")
    sent, removed, rejected = map(int, (await tx.execute(refused)).one())
    confirmed = count["CONFIRMED"]
    sent += count["PENDING"] + count["SENT"] + (confirmed if full else 0)
    removed += count["REMOVAL_PENDING"] + count["REMOVAL_SENT"]
    return Plan(sent, removed, rejected, 0 if full else confirmed)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items an operation is given: those that meet `condition` among the ones in these states.

    `again` has them sent even when they were sent as they are; `refused` counts those our checks refuse.
    """

    states: tuple[str, ...]
    condition: ColumnElement[bool]
    again: bool
    refused: bool


_FREE = ~items.c.held
# What Meta remarked stays until its next verdict; what it refused is forgotten with the new chance.
_REMARKS = literal_column("""jsonb_path_query_array(meta_faults, '$[*] ? (@.severity == "SEVERITY_WARNING")')""", Json)
_UNSETTLED = "PENDING", "REJECTED", "REMOVAL_PENDING", "REMOVAL_SENT", "SENT"
SCOPES = {
    "delta": Scope(_UNSETTLED, or_(_sent(full=False), _REMOVED), again=False, refused=True),
    "full": Scope(("CONFIRMED", *_UNSETTLED), or_(_sent(full=True), _REMOVED), again=True, refused=True),
    "items": Scope(("CONFIRMED", *_UNSETTLED), or_(_sent(full=True), _REMOVED), again=True, refused=True),
    "scheduled delta": Scope(
        ("PENDING", "REMOVAL_PENDING"), and_(_FREE, or_(_sent(full=False), _REMOVED)), again=False, refused=False
    ),
    "scheduled full": Scope(
        ("CONFIRMED", *_UNSETTLED), and_(_FREE, or_(_sent(full=True), _REMOVED)), again=True, refused=True
    ),
    "retry": Scope(("REJECTED",), items.c.refused_by.in_(("META", "STOCK")), again=True, refused=False),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """What a piece of a plan came to; `last` is the place (state, name) it ended at, None when nothing is left."""

    sent_count: int
    removal_count: int
    rejected_count: int
    last: tuple[str, str] | None


async def carry(
    tx: Tx, connection_id: UUID, operation_id: UUID, scope: Scope, *, begin: datetime, after: Sequence[str], limit: int
) -> Piece:
    """Give the next items of a scope, in the order of states and names, to an operation.

    Items it has already are left out, and those that Meta refused since `begin`: they were its own, and have had their verdict.
    """
    mine = items.c.connection_id == connection_id, items.c.state.in_(scope.states)
    behind = tuple_(items.c.state, items.c.retailer_id) > tuple_(*map(literal, after))
    refused = and_(_REFUSED, literal(scope.refused))
    answered = and_(items.c.refused_by.in_(("META", "STOCK")), items.c.send_time >= begin).is_(True)
    fresh = and_(scope.condition, items.c.operation_id.is_distinct_from(operation_id), ~answered)
    columns = items.c.state, items.c.retailer_id, refused.label("refused"), fresh.label("fresh")
    place = items.c.state, items.c.retailer_id
    rows = (await tx.execute(select(*columns).where(*mine, behind).order_by(*place).limit(limit))).all()
    names = [row.retailer_id for row in rows if row.fresh]
    sent, removed = await _give(tx, connection_id, operation_id, scope, names) if names else (0, 0)
    last = (rows[-1].state, rows[-1].retailer_id) if len(rows) == limit else None
    return Piece(sent, removed, sum(row.refused for row in rows), last)


async def carry_products(
    tx: Tx, connection_id: UUID, operation_id: UUID, scope: Scope, product_ids: Sequence[str]
) -> Piece:
    """Give the items of a scope that belong to these products to an operation."""
    mine = items.c.connection_id == connection_id, items.c.product_id == text("ANY(:ids)")
    wanted = select(items.c.retailer_id, _REFUSED.label("refused")).where(*mine, items.c.state.in_(scope.states))
    rows = (await tx.execute(wanted, {"ids": list(product_ids)})).all()
    sent, removed = await _give(tx, connection_id, operation_id, scope, [row.retailer_id for row in rows])
    return Piece(sent, removed, sum(row.refused for row in rows), None)


async def anything(tx: Tx, connection_id: UUID, scope: Scope) -> bool:
    """Tell whether a scope holds any item."""
    mine = items.c.connection_id == connection_id, items.c.state.in_(scope.states), scope.condition
    return bool(await tx.scalar(select(exists().where(*mine))))


async def carry_named(tx: Tx, connection_id: UUID, operation_id: UUID, scope: Scope, names: Sequence[str]) -> int:
    """Give the items of a scope that have these names to an operation; tells how many."""
    return sum(await _give(tx, connection_id, operation_id, scope, names))


async def _give(tx: Tx, connection_id: UUID, operation_id: UUID, scope: Scope, names: Sequence[str]) -> tuple[int, int]:
    named = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
    theirs = *named, scope.condition, items.c.operation_id.is_distinct_from(operation_id)
    # Locked in the order of their names first, so that two transactions never wait for each other.
    locked = select(items.c.retailer_id).where(*theirs).order_by(items.c.retailer_id).with_for_update()
    held = list(await tx.scalars(locked, {"names": list(names)}))
    anew = and_(items.c.batch_id.is_(None), or_(items.c.refused_by.is_not(None), literal(scope.again)))
    values = {"operation_id": operation_id, "held": False, "refused_by": None, "meta_faults": _REMARKS, "sends": 0}
    values |= {"offer_tries": 0, "sent_content": case((anew, None), else_=items.c.sent_content)}
    given = update(items).where(*named).values(**values).returning(items.c.wanted)
    wanted = list(await tx.scalars(given, {"names": held})) if held else []
    return sum(wanted), len(wanted) - sum(wanted)


async def refused_by_checks(
    tx: Tx, connection_id: UUID, *, product_ids: Sequence[str] | None = None, limit: int
) -> list[Settled]:
    """List the first items our checks refuse, of some products or of all, as a sync's rejections."""
    columns = items.c.retailer_id, items.c.product_id, items.c.variant_id, false(), items.c.operation_id, items.c.faults
    mine = select(*columns).where(items.c.connection_id == connection_id, items.c.state == "REJECTED", _REFUSED)
    if product_ids is not None:
        mine = mine.where(items.c.product_id.in_(product_ids))
    return [Settled(*row) for row in await tx.execute(mine.order_by(items.c.retailer_id).limit(limit))]


async def preview_products(tx: Tx, connection_id: UUID, product_ids: Sequence[str]) -> Plan:
    """Count what a sync of some products would do now."""
    kinds = (func.count().filter(kind) for kind in (_sent(full=True), _REMOVED, _REFUSED))
    mine = items.c.connection_id == connection_id, items.c.product_id == text("ANY(:ids)")
    sent, removed, rejected = map(
        int, (await tx.execute(select(*kinds).where(*mine), {"ids": list(product_ids)})).one()
    )
    return Plan(sent, removed, rejected, 0)


async def unknown_product(tx: Tx, connection_id: UUID, product_ids: Sequence[str]) -> str | None:
    """Find the first of these products that was never upserted."""
    mine = products.c.connection_id == connection_id, products.c.product_id == text("ANY(:ids)")
    known = set(await tx.scalars(select(products.c.product_id).where(*mine), {"ids": list(product_ids)}))
    return next((one for one in product_ids if one not in known), None)


async def losses(tx: Tx, connection: Connection, product_ids: Sequence[str] | None) -> int:
    """Count the items that only a sync would remove or hide: what a cancelled operation holds back and, before the go, everything."""
    removed = and_(~items.c.wanted, items.c.stands)
    hidden = and_(items.c.stands, items.c.wanted, items.c.state != "CONFIRMED", items.c.content.contains(HIDDEN_MARK))
    mine = [items.c.connection_id == connection.id]
    if product_ids is not None:
        mine.append(items.c.product_id.in_(product_ids))
    held = select(func.count()).where(*mine, items.c.held, or_(removed, hidden))
    waiting = select(func.count()).where(*mine, items.c.state == "REMOVAL_PENDING", ~items.c.held)
    count = int(await tx.scalar(held) or 0)
    return count if connection.catalog_go_time else count + int(await tx.scalar(waiting) or 0)


async def standing(tx: Tx, connection_id: UUID) -> int:
    """Count the items that may stand at Meta."""
    mine = items.c.connection_id == connection_id, items.c.stands
    return int(await tx.scalar(select(func.count()).where(*mine)) or 0)
