"""Takes a store's categories, refuses trees there cannot be, and asks for what follows from a change."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from connector.categories.actions.sets import plan
from connector.categories.db import sets, tree
from connector.categories.model.sets import wish
from connector.categories.model.tree import (
    MOST,
    Category,
    Outcome,
    Resolved,
    Result,
    below,
    check,
    fault,
    misplaced,
)
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.registry.db import catalogue
from connector.registry.model import ItemFault
from connector.runtime import Runtime
from connector.taxonomy import Kind, Taxonomy


async def set_categories(
    runtime: Runtime, store_id: str, connection_id: str, wanted: Sequence[Category], *, allow_live: bool
) -> list[Result]:
    """Store categories and ask that products and sets follow; answers in the order given.

    One transaction. Repeating it changes nothing but that Meta is asked again for a set it refused: what is the same is
    UNCHANGED, what is older STALE.
    """
    at = runtime.now()
    # To look for what comes close to hundreds of wrong mappings takes seconds, which nobody else shall wait for.
    checked = await asyncio.to_thread(_check, wanted, runtime.taxonomies)
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        known = await tree.read(tx, connection.id, list(checked))
        parents = await tree.parents(tx, connection.id)
        outcomes = {one.category_id: _outcome(one, known.get(one.category_id), checked) for one in wanted}
        fresh = [one for one in wanted if outcomes[one.category_id] is Outcome.ACCEPTED]
        refused = _refused(parents, fresh)
        fresh = [one for one in fresh if one.category_id not in refused]
        same = [one for one in wanted if outcomes[one.category_id] is Outcome.UNCHANGED]
        await tree.write(tx, connection.id, [*fresh, *(one for one in same if one != known[one.category_id])], at=at)
        await sets.want(tx, connection.id, [wish(one) for one in (*fresh, *same) if one.product_set])
        await sets.let_go(tx, connection.id, _without_set([*fresh, *same]), allow_live=allow_live)
        await _move(tx, connection, fresh, known, parents, at=at)
        await plan(tx, connection, at=at)
    faults: Mapping[str, Sequence[ItemFault]] = checked | {one: (found,) for one, found in refused.items()}
    return [_result(one.category_id, outcomes[one.category_id], faults) for one in wanted]


def _check(wanted: Sequence[Category], taxonomies: Mapping[Kind, Taxonomy]) -> dict[str, tuple[ItemFault, ...]]:
    return {one.category_id: check(one, taxonomies) for one in wanted}


def _outcome(wanted: Category, known: Category | None, checked: Mapping[str, Sequence[ItemFault]]) -> Outcome:
    if known and wanted.source_version < known.source_version:
        return Outcome.STALE
    if checked[wanted.category_id]:
        return Outcome.REJECTED
    return Outcome.UNCHANGED if known and not wanted.differs(known) else Outcome.ACCEPTED


def _refused(parents: Mapping[str, str], fresh: Sequence[Category]) -> dict[str, ItemFault]:
    """Find the categories that cannot lie where they are wanted, or for which there is no room."""
    room = MOST - len(parents)
    new = [one.category_id for one in fresh if one.category_id not in parents]
    message = f"a store may have {MOST} categories"
    crowded = {one: fault("category_id", "FIELD_TOO_LARGE", message) for one in new[max(room, 0) :]}
    kept = {one.category_id: one.parent_id for one in fresh if one.category_id not in crowded}
    return crowded | misplaced(parents, kept)


def _result(category_id: str, outcome: Outcome, faults: Mapping[str, Sequence[ItemFault]]) -> Result:
    if outcome is Outcome.STALE or not faults[category_id]:
        return Result(category_id, outcome)
    return Result(category_id, Outcome.REJECTED, tuple(faults[category_id]))


def _without_set(categories: Iterable[Category]) -> list[str]:
    return [one.category_id for one in categories if not one.product_set]


async def _move(
    tx: Tx,
    connection: Connection,
    fresh: Sequence[Category],
    known: Mapping[str, Category],
    parents: Mapping[str, str],
    *,
    at: datetime,
) -> None:
    """Ask that the products be written anew that changed categories write otherwise."""
    moved = [
        one.category_id for one in fresh if one.category_id not in known or one.moves_products(known[one.category_id])
    ]
    if moved:
        now = {**parents, **{one.category_id: one.parent_id for one in fresh}}
        await replace(tx, connection.id, below(now, moved), at=at)


async def replace(tx: Tx, connection_id: UUID, category_ids: Iterable[str], *, at: datetime) -> None:
    """Ask that the products of these categories be written anew."""
    await tree.begin_replacing(tx, connection_id, category_ids)
    key = f"{Task.REPLACE_CATEGORIES}:{connection_id}"
    await outbox.add(tx, Task.REPLACE_CATEGORIES, due=at, connection_id=connection_id, key=key)


async def delete_categories(
    runtime: Runtime, store_id: str, connection_id: str, category_ids: Sequence[str], *, allow_live: bool
) -> list[Result]:
    """Forget categories and let go of their sets; answers in the order given. Repeating it changes nothing."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        parents = await tree.parents(tx, connection.id)
        gone = await tree.forget(tx, connection.id, category_ids)
        await sets.let_go(tx, connection.id, category_ids, allow_live=allow_live)
        if gone:
            await replace(tx, connection.id, below(parents, gone), at=at)
        await plan(tx, connection, at=at)
    return [Result(one, Outcome.ACCEPTED if one in gone else Outcome.UNKNOWN) for one in category_ids]


async def list_categories(
    runtime: Runtime, store_id: str, connection_id: str, *, after: str, limit: int
) -> list[tuple[Category, datetime, Resolved]]:
    """List categories by id, each with when it last changed and what it comes to."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        found = await tree.page(tx, connection.id, after=after, limit=limit)
        resolved = await tree.resolved(tx, connection.id, [one.category_id for one, _ in found])
    return [(one, time, resolved[one.category_id]) for one, time in found]
