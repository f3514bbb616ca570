"""Puts what the category tree says into items: when their product is stored, and when the tree changes.

Whoever changes the tree, a product, or what follows from both holds the connection's lock: nothing is written of an older tree.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from connector.catalog.db import placing as db
from connector.catalog.db.placing import Placed, Rewritten
from connector.catalog.model.placing import Placement, put
from connector.catalog.model.values import Draft, Listing
from connector.categories import db as categories
from connector.categories.model.placing import Place, place
from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.registry import actions as registry
from connector.registry.db import catalogue
from connector.registry.model import digest
from connector.runtime import Runtime

_LOOKED_AT, _WRITTEN = 5_000, 2_000
"""So many products a transaction looks at, and so many items it writes, at most: whoever stores products waits for it."""


async def place_listings(tx: Tx, connection_id: UUID, listings: Sequence[Listing]) -> list[Listing]:
    """Put into products what their categories say; a product without categories stays as it is, at no cost."""
    placements = {draft.placement for one in listings for draft in one.drafts if draft.placement}
    places = await _places(tx, connection_id, list(placements))
    return [
        one._replace(drafts=tuple(_placed(draft, places) for draft in one.drafts)) if places else one
        for one in listings
    ]


def _placed(draft: Draft, places: dict[Placement, Place]) -> Draft:
    if draft.content is None or draft.placement is None:
        return draft
    return draft._replace(content=put(draft.content, draft.placement, places[draft.placement]))


async def _places(tx: Tx, connection_id: UUID, placements: Sequence[Placement]) -> dict[Placement, Place]:
    named = {one for placement in placements for one in placement.category_ids}
    resolved = await categories.resolved(tx, connection_id, named)
    return {one: place(one.category_ids, resolved) for one in placements}


async def replace_categories(runtime: Runtime, task: Taken) -> None:
    """Write the products of changed categories anew, a piece after the other; what comes out the same is not touched.

    A change of the tree meanwhile joins it, and sends it round once more. Like whoever stores products, it takes the task's row last.
    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = task.connection_id and await connections.by_id(tx, task.connection_id)
        if not connection:
            raise connections.missing(str(task.connection_id))
        await catalogue.lock_connection(tx, connection.id)
        more = await _replace_piece(tx, connection.id, at=at)
        await registry.plan(tx, connection, at=at, stock=False)
        await (outbox.again(tx, task, at) if more else outbox.done(tx, task, at=at))


async def _replace_piece(tx: Tx, connection_id: UUID, *, at: datetime) -> bool:
    """Do the next piece; tells whether there may be more."""
    if not (under_way := await categories.tree.replacing(tx, connection_id)):
        return False
    changed, after, upto = under_way.category_ids, under_way.after, under_way.upto
    concerned, last = await db.concerned(tx, connection_id, changed, after=after, upto=upto, limit=_LOOKED_AT)
    found = await db.written(tx, connection_id, concerned, limit=_WRITTEN) if concerned else []
    if len(found) == _WRITTEN:  # the last product may have more items: it begins the next piece
        cut = found[-1].product_id
        found = [one for one in found if one.product_id != cut] or found
        last = found[-1].product_id
    places = await _places(tx, connection_id, list({concerned[one.product_id] for one in found}))
    await db.rewrite(tx, connection_id, _rewritten(found, concerned, places), at=at)
    return await categories.tree.go_on_replacing(tx, connection_id, last)


def _rewritten(
    found: Sequence[Placed], placements: dict[str, Placement], places: dict[Placement, Place]
) -> list[Rewritten]:
    changed = []
    for one in found:
        placement = placements[one.product_id]
        content = put(one.content, placement, places[placement])
        if content != one.content:
            changed.append(Rewritten(one.retailer_id, content, digest(content.encode())))
    return changed
