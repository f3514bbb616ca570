"""Stock and price of items: read under lock, written in one statement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text

from connector.db.schema import Tx
from connector.inventory.model.stock import Key, Restock, Shelf

_LOCK_PRODUCTS = text(
    """
    SELECT product_id, source_version FROM products WHERE connection_id = :connection AND product_id = ANY(CAST(:products AS text[]))
    ORDER BY product_id FOR SHARE
    """
)
_KEPT = ", ".join(name for name in Shelf._fields if name != "product_version")
_LOCK = text(
    f"""
    SELECT {_KEPT} FROM items WHERE connection_id = :connection AND wanted
    AND product_id = ANY(CAST(:products AS text[])) AND variant_id = ANY(CAST(:variants AS text[])) ORDER BY retailer_id FOR UPDATE
    """  # noqa: S608 – built of our own field names
)


async def lock(tx: Tx, connection_id: UUID, named: Collection[Key]) -> dict[Key, Shelf]:
    """Read the items so named by product and variant, and keep them and their products from changing.

    Products first, then items, each in the order of their names: as everybody who changes both does.
    """
    products, variants = (_array({name[place] for name in named}) for place in (0, 1))
    given = {"connection": connection_id, "products": products, "variants": variants}
    versions = {row[0]: row[1] for row in (await tx.execute(_LOCK_PRODUCTS, given)).all()}
    shelves = (Shelf._make((*row, versions[row[0]])) for row in (await tx.execute(_LOCK, given)).all())
    return {(shelf.product_id, shelf.variant_id): shelf for shelf in shelves}


_LOCK_NAMED = text(
    f"""
    SELECT {_KEPT} FROM items WHERE connection_id = :connection AND retailer_id = ANY(CAST(:names AS text[]))
    ORDER BY retailer_id FOR UPDATE
    """  # noqa: S608 – built of our own field names
)


async def lock_named(tx: Tx, connection_id: UUID, names: Iterable[str]) -> list[Shelf]:
    """Read items by their names and keep them from changing; also those that are no longer wanted."""
    given = {"connection": connection_id, "names": _array(names)}
    return [Shelf(*row) for row in (await tx.execute(_LOCK_NAMED, given)).all()]


_LOCK_COUNTED = text(
    f"""
    SELECT {_KEPT} FROM items WHERE connection_id = :connection AND retailer_id > :after AND wanted AND track_inventory
    ORDER BY retailer_id LIMIT :limit FOR UPDATE
    """  # noqa: S608 – built of our own field names
)


async def lock_counted(tx: Tx, connection_id: UUID, *, after: str, limit: int) -> list[Shelf]:
    """Read the next items whose stock is counted, in the order of their names, and keep them from changing."""
    given = {"connection": connection_id, "after": after, "limit": limit}
    return [Shelf(*row) for row in (await tx.execute(_LOCK_COUNTED, given)).all()]


def _array(values: Iterable[object]) -> str:
    """Write values that need no escapes, such as ids, as PostgreSQL reads an array: psycopg would take ten times as long."""
    return "{" + ",".join(["NULL" if one is None else f'"{one}"' for one in values]) + "}"


_FEW = 100
_TYPES = {  # of what is written beside the name, in the order of `Restock`
    "offer": "text",
    "offer_hash": "bytea",
    "currency_code": "text",
    "price": "bigint",
    "compare_at_price": "bigint",
    "track_inventory": "boolean",
    "quantity": "integer",
    "counted": "boolean",
    "price_version": "bigint",
    "stock_version": "bigint",
}
# Arrays and not documents: PostgreSQL reads them in a quarter of the time.
_WRITE = text(
    f"""
    UPDATE items SET {", ".join(f"{name} = row.{name}" for name in _TYPES)}, offer_tries = 0, desire_time = :at,
        unconfirmed_time = CASE WHEN items.unconfirmed THEN items.unconfirmed_time ELSE :at END,
        refused_by = CASE WHEN items.refused_by = 'CHECKS' OR items.refused_by = 'META' AND items.price = row.price
                          THEN items.refused_by END,
        sent_content = CASE WHEN items.refused_by = 'META' AND items.price <> row.price AND items.batch_id IS NULL
                            THEN NULL ELSE items.sent_content END
    FROM unnest(CAST(:retailer_id AS text[]), {", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _TYPES.items())})
        AS row(retailer_id, {", ".join(_TYPES)})
    WHERE items.connection_id = :connection AND items.retailer_id = row.retailer_id
    AND items.retailer_id = ANY(CAST(:retailer_id AS text[]))
    """  # noqa: S608 – built of our own field names
)


async def write(tx: Tx, connection_id: UUID, restocks: Sequence[Restock], *, at: datetime) -> None:
    """Store new stock and prices. A new price gives an item that Meta refused another chance."""
    # The planner knows nothing about the arrays: without this it may read the whole catalog, with a loop each name for each.
    if len(restocks) > _FEW:
        await tx.execute(text("SET LOCAL enable_nestloop = off"))
    columns = dict(zip(Restock._fields, zip(*restocks, strict=True), strict=True))
    columns["offer"] = tuple([one and one.replace("\\", r"\\").replace('"', r"\"") for one in columns["offer"]])
    columns["offer_hash"] = tuple([one and rf"\\x{one.hex()}" for one in columns["offer_hash"]])
    given = {name: _array(values) for name, values in columns.items()}
    await tx.execute(_WRITE, {"connection": connection_id, "at": at, **given})


_RESERVE = text(
    """
    UPDATE items SET reserved = items.reserved + CAST(given.pieces AS integer)
    FROM json_each_text(:pieces) AS given(retailer_id, pieces)
    WHERE items.connection_id = :connection AND items.retailer_id = given.retailer_id
    AND items.retailer_id = ANY(CAST(:names AS text[]))
    """
)


async def reserve(tx: Tx, connection_id: UUID, pieces: Mapping[str, int]) -> None:
    """Keep so many more pieces of these locked items aside; fewer, where the number is negative."""
    given = {"connection": connection_id, "names": _array(pieces), "pieces": orjson.dumps(pieces).decode()}
    await tx.execute(_RESERVE, given)
