"""Products by their categories, and the items that are written anew when the tree changes."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text

from connector.catalog.db.products import as_json
from connector.catalog.model.placing import Placement, read_placement
from connector.db.schema import Tx
from connector.registry.db.catalogue import items


class Placed(NamedTuple):
    """An item with what it is written of."""

    retailer_id: str
    product_id: str
    content: str


class Rewritten(NamedTuple):
    """An item with its new fields."""

    retailer_id: str
    content: str
    content_hash: bytes


_CONCERNED = text(
    """
    WITH ahead AS MATERIALIZED (
        SELECT product_id, placement FROM products WHERE connection_id = :connection AND product_id > :after
        ORDER BY product_id LIMIT :limit
    ), looked AS (
        SELECT * FROM ahead WHERE cast(:upto AS text) IS NULL OR product_id <= :upto
    ), concerned AS (
        SELECT looked.product_id FROM looked
        CROSS JOIN LATERAL jsonb_array_elements_text(looked.placement -> 'category_ids') AS one(category_id)
        JOIN unnest(cast(:changed AS text[])) AS changed(category_id) USING (category_id)
    )
    SELECT product_id, placement FROM looked WHERE product_id IN (SELECT product_id FROM concerned)
    UNION ALL SELECT max(product_id), NULL FROM looked
    """
)


async def concerned(
    tx: Tx, connection_id: UUID, category_ids: Collection[str], *, after: str, upto: str | None, limit: int
) -> tuple[dict[str, Placement], str | None]:
    """Look at the products that follow one, up to another, at most `limit`.

    Tells those in these categories, and the last looked at; None at the end.
    """
    given = {"connection": connection_id, "changed": list(category_ids), "after": after, "upto": upto, "limit": limit}
    *found, end = await tx.execute(_CONCERNED, given)
    return {row.product_id: read_placement(row.placement) for row in found}, end.product_id


async def written(tx: Tx, connection_id: UUID, product_ids: Collection[str], *, limit: int) -> list[Placed]:
    """Read the items of products in the order of the products, at most `limit`; whoever calls keeps others from writing them."""
    mine = items.c.connection_id == connection_id, items.c.product_id == text("ANY(:ids)")
    rows = await tx.execute(
        select(*(items.c[name] for name in Placed._fields))
        .where(*mine, items.c.wanted, items.c.content.is_not(None))
        .order_by(items.c.product_id, items.c.retailer_id)
        .limit(limit),
        {"ids": list(product_ids)},
    )
    return [Placed(*row) for row in rows]


_REWRITE = text(
    """
    UPDATE items SET content = row.content, content_hash = decode(row.content_hash, 'hex'), desire_time = :at,
        refused_by = CASE WHEN refused_by = 'META' THEN NULL ELSE refused_by END, meta_faults = '[]', sends = 0,
        sent_content = CASE WHEN refused_by = 'META' AND batch_id IS NULL THEN NULL ELSE sent_content END
    FROM json_to_recordset(:rows) AS row(retailer_id text, content text, content_hash text)
    WHERE items.connection_id = :connection AND items.retailer_id = row.retailer_id
    """
)


async def rewrite(tx: Tx, connection_id: UUID, rewritten: Sequence[Rewritten], *, at: datetime) -> None:
    """Store items' new fields, which gives those that Meta refused another chance."""
    rows: Iterable[dict[str, object]] = [one._asdict() for one in rewritten]
    if given := as_json(rows):
        names = {"names": [one.retailer_id for one in rewritten]}
        mine = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
        locked = select(items.c.retailer_id).where(*mine).order_by(items.c.retailer_id).with_for_update()
        await tx.execute(locked, names)  # in the order in which everybody locks items
        await tx.execute(_REWRITE, {"connection": connection_id, "rows": given, "at": at})
