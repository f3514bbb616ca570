"""What items are called, now and before: aliases lead to the name an item has today.

An alias leads to one item of its connection, and is never at the same time the name of another.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text, Uuid, select, text

from connector.db.schema import Instant, Tx, metadata
from connector.registry.db.catalogue import items

aliases = Table(
    "aliases",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("alias", Text, nullable=False, comment="a name the item had before, or would have had"),
    Column("retailer_id", Text, nullable=False, comment="the item's name today"),
    Column("create_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "alias"),
    CheckConstraint("alias <> retailer_id", "another"),
    Index("ix_aliases_connection_id_retailer_id", "connection_id", "retailer_id"),
)


class Name(NamedTuple):
    """An item as a caller names it: by `retailer_id`, or else by product and variant."""

    retailer_id: str
    product_id: str
    variant_id: str


class Resolved(NamedTuple):
    """An item by all its names; `wanted` tells whether it should stand in the catalog."""

    retailer_id: str
    product_id: str
    variant_id: str
    wanted: bool
    aliases: Sequence[str]


_LOOK_UP = text(
    """
    WITH asked AS (
        SELECT * FROM unnest(cast(:names AS text[]), cast(:products AS text[]), cast(:variants AS text[]))
            WITH ORDINALITY AS asked (retailer_id, product_id, variant_id, place)
    ), found AS (
        SELECT place, i.retailer_id FROM asked
        JOIN items i ON i.connection_id = :connection AND i.retailer_id = asked.retailer_id AND i.product_id <> ''
        UNION ALL
        SELECT place, a.retailer_id FROM asked JOIN aliases a ON a.connection_id = :connection AND a.alias = asked.retailer_id
        UNION ALL
        SELECT place, i.retailer_id FROM asked
        JOIN items i ON i.connection_id = :connection AND i.product_id = asked.product_id AND i.variant_id = asked.variant_id
        WHERE asked.retailer_id = '' AND asked.product_id <> ''
    )
    SELECT place, i.retailer_id, i.product_id, i.variant_id, i.wanted, ARRAY(
        SELECT alias FROM aliases a WHERE a.connection_id = :connection AND a.retailer_id = i.retailer_id ORDER BY alias
    ) AS aliases
    FROM found JOIN items i ON i.connection_id = :connection AND i.retailer_id = found.retailer_id
    """
)


async def look_up(tx: Tx, connection_id: UUID, asked: Sequence[Name]) -> list[Resolved | None]:
    """Find items by any of their names, in the order asked; None for what is unknown."""
    if not asked:
        return []
    names, products, variants = (list(column) for column in zip(*asked, strict=True))
    given = {"connection": connection_id, "names": names, "products": products, "variants": variants}
    found = {row.place: Resolved(*row[1:]) for row in await tx.execute(_LOOK_UP, given)}
    return [found.get(place) for place in range(1, len(asked) + 1)]


Unusual = dict[tuple[str, str], str]
"""By product and variant, the names of items that are called otherwise than they would be called today."""


async def unusual(tx: Tx, connection_id: UUID, product_ids: Sequence[str]) -> Unusual:
    """Find the items of products that are not called as usual: those that were adopted, or changed their variant."""
    odd = items.c.connection_id == connection_id, ~items.c.usual, items.c.product_id == text("ANY(:ids)")
    columns = items.c.product_id, items.c.variant_id, items.c.retailer_id
    rows = await tx.execute(select(*columns).where(*odd), {"ids": list(product_ids)})
    return {(row.product_id, row.variant_id): row.retailer_id for row in rows}
