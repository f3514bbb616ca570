"""What a sync would do, and the items an operation waits for."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select, text, update

from connector.db.schema import Tx
from connector.registry.db.catalogue import items
from connector.registry.db.flights import Settled


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
_REFUSED = and_(items.c.wanted, items.c.refused_by == "CHECKS")


async def preview(tx: Tx, connection_id: UUID, *, full: bool) -> Plan:
    """Count what a sync would do now."""
    kinds = _sent(full=full), _REMOVED, _REFUSED, and_(items.c.wanted, ~_sent(full=full), ~_REFUSED)
    counted = select(*(func.count().filter(kind) for kind in kinds)).where(items.c.connection_id == connection_id)
    row: Any = (await tx.execute(counted)).one()
    return Plan(*row)


async def carry(tx: Tx, connection_id: UUID, operation_id: UUID, *, full: bool) -> tuple[int, int]:
    """Give everything a sync sends or removes to its operation; what Meta refused before is tried again.

    Tells how many are sent and removed: verdicts that came since a preview make it another number.
    """
    mine = items.c.connection_id == connection_id, or_(_sent(full=full), _REMOVED)
    return await _give(tx, operation_id, *mine, again=full)


async def retry(tx: Tx, connection_id: UUID, operation_id: UUID, names: list[str]) -> int:
    """Give the items Meta refused to an operation, all or those named; tells how many."""
    refused = items.c.connection_id == connection_id, items.c.refused_by.in_(("META", "STOCK"))
    named = [items.c.retailer_id == text("ANY(:names)")] if names else []
    return sum(await _give(tx, operation_id, *refused, *named, again=True, names=names))


async def _give(
    tx: Tx, operation_id: UUID, *conditions: ColumnElement[bool], again: bool, **given: Any
) -> tuple[int, int]:
    # Locked in the order of their names first, so that two transactions never wait for each other.
    locked = select(items.c.retailer_id).where(*conditions).order_by(items.c.retailer_id).with_for_update().subquery()
    await tx.execute(select(func.count()).select_from(locked), given)
    anew = and_(items.c.batch_id.is_(None), or_(items.c.refused_by.is_not(None), text("TRUE") if again else false()))
    values = {"operation_id": operation_id, "held": False, "refused_by": None, "meta_faults": [], "sends": 0}
    values |= {"offer_tries": 0, "sent_content": case((anew, None), else_=items.c.sent_content)}
    with_them = update(items).where(*conditions).values(**values).returning(items.c.wanted)
    carried = with_them.cte()
    counted = select(func.count().filter(carried.c.wanted), func.count().filter(~carried.c.wanted))
    sent, removed = (await tx.execute(counted, given)).one()
    return sent, removed


async def refused_by_checks(tx: Tx, connection_id: UUID, *, limit: int) -> list[Settled]:
    """List the first items our checks refuse, as a sync's rejections."""
    columns = items.c.retailer_id, items.c.product_id, items.c.variant_id, false(), items.c.operation_id, items.c.faults
    mine = select(*columns).where(items.c.connection_id == connection_id, _REFUSED)
    return [Settled(*row) for row in await tx.execute(mine.order_by(items.c.retailer_id).limit(limit))]
