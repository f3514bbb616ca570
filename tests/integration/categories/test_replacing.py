"""Products written anew after a change of the tree: in pieces, from where they stand, all of them."""

from uuid import UUID

from connector.catalog.db.placing import concerned
from connector.categories.db import tree as db
from connector.db.schema import Tx
from tests.integration.catalog.shop import Shop, product
from tests.integration.categories.tree import Tree, category

NAMES = "abcdef"


async def _go_on(tx: Tx, connection_id: UUID, *, limit: int) -> str:
    """Look at the next products; tells which were looked at with what categories, empty at the end of a round."""
    under_way = await db.replacing(tx, connection_id)
    assert under_way is not None
    changed, after, upto = under_way.category_ids, under_way.after, under_way.upto
    found, last = await concerned(tx, connection_id, changed, after=after, upto=upto, limit=limit)
    await db.go_on_replacing(tx, connection_id, last)
    return "".join(sorted(found))


async def test_a_tree_that_keeps_changing_starves_no_product(tree: Tree, shop: Shop, connected: str) -> None:
    """A change joins the round under way, which goes on to the end and then round to where it stood: each product comes once."""
    await tree.set(category("men"), category("women"))
    await shop.upsert(*(product(name, category_ids=["men" if name in "ace" else "women"]) for name in NAMES))
    await shop.turn()
    connection_id = UUID(connected)
    async with shop.runtime.db.begin() as tx:
        await db.begin_replacing(tx, connection_id, ["men"])
        seen = [await _go_on(tx, connection_id, limit=3)]
        for _ in range(2):  # changes come faster than a round takes
            await db.begin_replacing(tx, connection_id, ["women"])
            seen.append(await _go_on(tx, connection_id, limit=2))
        while await db.replacing(tx, connection_id):
            seen.append(await _go_on(tx, connection_id, limit=2))
    assert ["ac", "de", "f", "", "ab", "cd", "e", ""] == seen
