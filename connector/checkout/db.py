"""What a checkout link is read against, in one statement; and where each connection's checkout page is."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Column, Table, Text, Uuid, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from connector.checkout.model.building import Sample
from connector.checkout.model.lines import Found, Known
from connector.db.schema import Instant, Tx, metadata

checkout_urls = Table(
    "checkout_urls",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("update_time", Instant, nullable=False),
)


class Shelf(NamedTuple):
    """A connection's catalog as far as a link asks for it."""

    connection_id: UUID
    checkout_url: str
    found: Found


_ITEM = """
    i.retailer_id, i.product_id, i.variant_id, i.whole, i.wanted, i.discontinued, i.title,
    coalesce(i.content::json ->> 'link', '') AS link, coalesce(i.content::json ->> 'image_link', '') AS image_link,
    i.currency_code, i.price, i.compare_at_price, i.sale_start_time, i.sale_end_time, i.track_inventory, i.quantity, i.reserved,
    i.offered
"""
LOOK_UP = f"""
    WITH own AS (
        SELECT c.id, c.create_time, c.state, coalesce(u.url, '') AS url FROM connections c
        LEFT JOIN checkout_urls u ON u.connection_id = c.id
        WHERE c.store_id = :store AND (CAST(:connection AS uuid) IS NULL OR c.id = :connection)
    ), named AS MATERIALIZED (
        SELECT own.*, asked.name, coalesce(
            (SELECT a.retailer_id FROM aliases a WHERE a.connection_id = own.id AND a.alias = asked.name), asked.name) AS today
        FROM own LEFT JOIN unnest(CAST(:names AS text[])) AS asked(name) ON true
    )
    SELECT named.id, named.url, named.name, {_ITEM} FROM named
    LEFT JOIN LATERAL (
        SELECT * FROM items WHERE items.connection_id = named.id AND items.retailer_id = named.today AND items.product_id <> ''
        LIMIT 1  -- one by one through the index, however few items the planner expects
    ) AS i ON true
    ORDER BY array_position(CAST('{{CONNECTED,NEEDS_LOGIN,DISCONNECTING}}' AS text[]), named.state), named.create_time DESC
    """  # noqa: S608 – built of our own column names
"""What a link of names is read against: the store's connections, each with the items so named.

Names are made out first: behind the wall PostgreSQL takes only plain columns to an index, and else goes through the whole catalog.
"""
_LOOK_UP = text(LOOK_UP)


async def look_up(tx: Tx, store_id: str, connection_id: UUID | None, names: Sequence[str]) -> list[Shelf]:
    """Find the items so named, in one connection or in each of the store's, the live ones first."""
    given = {"store": store_id, "connection": connection_id, "names": list(names)}
    shelves: dict[UUID, Shelf] = {}
    for row in await tx.execute(_LOOK_UP, given):
        shelf = shelves.setdefault(row[0], Shelf(row[0], row[1], {}))
        if row[2] is not None and row[3] is not None:
            shelf.found[row[2]] = Known._make(row[3:])  # type: ignore[index] # being filled
    return list(shelves.values())


_FAMILIES = text(
    f"""
    SELECT {_ITEM} FROM items i WHERE i.connection_id = :connection AND i.product_id = ANY(CAST(:products AS text[])) AND i.wanted
    ORDER BY i.product_id, i.retailer_id
    """  # noqa: S608 – built of our own column names
)


async def families(tx: Tx, connection_id: UUID, product_ids: Sequence[str]) -> dict[str, list[Known]]:
    """Find what is sold of products."""
    found: dict[str, list[Known]] = {}
    for row in await tx.execute(_FAMILIES, {"connection": connection_id, "products": list(product_ids)}):
        found.setdefault(row.product_id, []).append(Known._make(row))
    return found


_SAMPLE = text(
    """
    (SELECT i.retailer_id, i.track_inventory, a.alias FROM aliases a
     JOIN items i ON i.connection_id = a.connection_id AND i.retailer_id = a.retailer_id AND i.wanted AND NOT i.discontinued
     WHERE a.connection_id = :connection ORDER BY a.alias LIMIT 1)
    UNION ALL
    (SELECT i.retailer_id, i.track_inventory, NULL FROM items i
     WHERE i.connection_id = :connection AND i.wanted AND NOT i.discontinued AND i.product_id <> '' ORDER BY i.retailer_id LIMIT :limit)
    """
)


async def sample(tx: Tx, connection_id: UUID, *, limit: int) -> list[Sample]:
    """Take some items to try links with: one with a former name, if there is any, and the first ones."""
    rows = await tx.execute(_SAMPLE, {"connection": connection_id, "limit": limit})
    found: dict[str, Sample] = {}
    for row in rows:
        found.setdefault(row.retailer_id, Sample(*row))
    return list(found.values())


async def read_url(tx: Tx, connection_id: UUID) -> str:
    """Tell where a connection's checkout page is; empty when that is not known."""
    wanted = select(checkout_urls.c.url).where(checkout_urls.c.connection_id == connection_id)
    return (await tx.scalar(wanted)) or ""


async def write_url(tx: Tx, connection_id: UUID, url: str, *, at: datetime) -> None:
    """Keep where a connection's checkout page is; an empty URL forgets it."""
    if not url:
        await tx.execute(delete(checkout_urls).where(checkout_urls.c.connection_id == connection_id))
        return
    wish = insert(checkout_urls).values(connection_id=connection_id, url=url, update_time=at)
    kept = {"url": url, "update_time": at}
    await tx.execute(wish.on_conflict_do_update(index_elements=[checkout_urls.c.connection_id], set_=kept))
