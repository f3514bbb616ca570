"""Items as callers read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from connector.db.schema import Tx
from connector.registry.db import observed
from connector.registry.db.catalogue import items
from connector.registry.model import Observed


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it is kept, as far as callers see it."""

    retailer_id: str
    product_id: str
    variant_id: str
    state: str
    title: str
    content_hash: bytes | None
    offer_hash: bytes | None
    sent_content: bytes | None
    sent_offer: bytes | None
    confirmed_content: bytes | None
    confirmed_offer: bytes | None
    faults: Sequence[Mapping[str, Any]]
    meta_faults: Sequence[Mapping[str, Any]]
    desire_time: datetime
    send_time: datetime | None
    confirm_time: datetime | None
    observed: Observed | None = None


_SHOWN = [items.c[name] for name in Item.__slots__ if name != "observed"]


async def find(tx: Tx, connection_id: UUID, **named: str) -> Item | None:
    """Find one item, by columns that name it."""
    mine = (items.c[name] == value for name, value in named.items())
    row = (await tx.execute(select(*_SHOWN).where(items.c.connection_id == connection_id, *mine))).one_or_none()
    return None if row is None else (await _with_observations(tx, connection_id, [Item(*row)]))[0]


async def page(
    tx: Tx, connection_id: UUID, *, after: str, limit: int, states: Sequence[str], product_id: str, reason: str
) -> list[Item]:
    """List items in the order of their names, behind `after`; no states means all but REMOVED."""
    wanted: list[ColumnElement[bool]] = [items.c.connection_id == connection_id, items.c.retailer_id > after]
    wanted.append(items.c.state.in_(states) if states else items.c.state != "REMOVED")
    if product_id:
        wanted.append(items.c.product_id == product_id)
    if reason:
        told = [{"reason": reason}]
        wanted.append(or_(items.c.faults.contains(told), items.c.meta_faults.contains(told)))
    rows = await tx.execute(select(*_SHOWN).where(*wanted).order_by(items.c.retailer_id).limit(limit))
    return await _with_observations(tx, connection_id, [Item(*row) for row in rows])


async def _with_observations(tx: Tx, connection_id: UUID, found: Sequence[Item]) -> list[Item]:
    """Add what was last seen of each at Meta."""
    seen = await observed.read(tx, connection_id, [one.retailer_id for one in found])
    return [replace(one, observed=seen.get(one.retailer_id)) for one in found]
