"""Items as callers read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, ColumnElement, Select, cast, func, literal_column, select, union_all

from connector.db.schema import Tx
from connector.registry.db import observed
from connector.registry.db.catalogue import items
from connector.registry.model import Observed, State


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
    item_group_id: str
    observed: Observed | None = None


_GROUP = func.coalesce(cast(items.c.content, JSON).op("->>")("item_group_id"), "").label("item_group_id")
_SHOWN = [_GROUP if name == "item_group_id" else items.c[name] for name in Item.__slots__ if name != "observed"]


async def find(tx: Tx, connection_id: UUID, **named: str) -> Item | None:
    """Find one item, by columns that name it."""
    mine = (items.c[name] == value for name, value in named.items())
    row = (await tx.execute(select(*_SHOWN).where(items.c.connection_id == connection_id, *mine))).one_or_none()
    return None if row is None else (await _with_observations(tx, connection_id, [Item(*row)]))[0]


_LISTED = tuple(state for state in State if state is not State.REMOVED)


async def page(
    tx: Tx, connection_id: UUID, *, after: str, limit: int, states: Sequence[str], product_id: str, reason: str
) -> list[Item]:
    """List items in the order of their names, behind `after`; no states means all but REMOVED."""
    wanted = listed(connection_id, after=after, limit=limit, states=states, product_id=product_id, reason=reason)
    return await _with_observations(tx, connection_id, [Item(*row) for row in await tx.execute(wanted)])


def listed(
    connection_id: UUID, *, after: str, limit: int, states: Sequence[str], product_id: str, reason: str
) -> Select[Any]:
    """Select items as `page` lists them. Whatever is asked for, an index leads to it."""
    wanted: list[ColumnElement[bool]] = [items.c.connection_id == connection_id]
    if product_id:
        wanted.append(items.c.product_id == product_id)
    if reason:
        wanted += [
            items.c.reasons.has_key(reason),
            literal_column("items.reasons <> '[]'", Boolean),
        ]  # as its index says
    return in_order(_SHOWN, states or _LISTED, *wanted, after=after, limit=limit)


def in_order(
    columns: Sequence[ColumnElement[Any]],
    states: Sequence[str],
    *conditions: ColumnElement[bool],
    after: str,
    limit: int,
) -> Select[Any]:
    """Select items of these states in the order of their names, behind `after`.

    Each state is read in that order from its index, at most `limit` rows of it, however rare or frequent it is.
    """
    each = select(*columns).where(*conditions, items.c.retailer_id > after).order_by(items.c.retailer_id).limit(limit)
    every = union_all(*(select(each.where(items.c.state == state).subquery()) for state in dict.fromkeys(states)))
    merged = every.subquery()
    return select(merged).order_by(merged.c.retailer_id).limit(limit)


async def _with_observations(tx: Tx, connection_id: UUID, found: Sequence[Item]) -> list[Item]:
    """Add what was last seen of each at Meta."""
    seen = await observed.read(tx, connection_id, [one.retailer_id for one in found])
    return [replace(one, observed=seen.get(one.retailer_id)) for one in found]
