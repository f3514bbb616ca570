"""What is wanted of products: compared and stored in sets, never row by row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Select, select, text, update

from connector.catalog.model.merge import Kept, Wish
from connector.db.schema import Tx
from connector.registry.db.catalogue import items, products


class Known(NamedTuple):
    """What is stored of a product."""

    source_version: int
    digest: bytes | None
    deleted: bool
    refused: bool


async def known(tx: Tx, connection_id: UUID, product_ids: Sequence[str]) -> dict[str, Known]:
    """Read what is stored of these products."""
    columns = [products.c[name] for name in ("product_id", *Known._fields)]
    mine = products.c.connection_id == connection_id, products.c.product_id == text("ANY(:ids)")
    rows = await tx.execute(select(*columns).where(*mine), {"ids": list(product_ids)})
    return {row.product_id: Known(*row[1:]) for row in rows}


@dataclass(frozen=True, slots=True)
class Stored:
    """A product's row as it should be."""

    product_id: str
    source_version: int
    digest: bytes
    refused: bool
    placement: dict[str, Any] | None = None


_KEEP = text(
    """
    INSERT INTO products (connection_id, product_id, source_version, digest, refused, placement, deleted, update_time)
    SELECT :connection, product_id, source_version, decode(digest, 'hex'), refused, placement, FALSE, :at
    FROM json_to_recordset(:rows)
        AS row(product_id text, source_version bigint, digest text, refused boolean, placement jsonb) ORDER BY product_id
    ON CONFLICT (connection_id, product_id) DO UPDATE SET source_version = excluded.source_version, digest = excluded.digest,
        refused = excluded.refused, placement = excluded.placement, deleted = FALSE, update_time = excluded.update_time
    """
)


async def keep(tx: Tx, connection_id: UUID, rows: Iterable[Stored], *, at: datetime) -> None:
    """Store products; each is known from then on by its version and digest."""
    if written := as_json(rows):
        await tx.execute(_KEEP, {"connection": connection_id, "rows": written, "at": at})


_RENEW = text(
    """
    WITH newer AS (
        SELECT p.product_id, row.source_version
        FROM json_to_recordset(:rows) AS row(product_id text, source_version bigint)
        JOIN products p ON p.connection_id = :connection AND p.product_id = row.product_id
        WHERE p.source_version < row.source_version ORDER BY p.product_id FOR UPDATE OF p
    )
    UPDATE products SET source_version = newer.source_version, update_time = :at FROM newer
    WHERE products.connection_id = :connection AND products.product_id = newer.product_id
    """
)


async def renew(tx: Tx, connection_id: UUID, rows: Iterable[Stored], *, at: datetime) -> None:
    """Give products that stay as they are their newer version."""
    if written := as_json(rows):
        await tx.execute(_RENEW, {"connection": connection_id, "rows": written, "at": at})


async def still_there(tx: Tx, connection_id: UUID, product_ids: Sequence[str], *, at: datetime) -> None:
    """Note that products were spoken of just now, though nothing about them changed."""
    mine = products.c.connection_id == connection_id, products.c.product_id == text("ANY(:ids)")
    locked = select(products.c.product_id).where(*mine).order_by(products.c.product_id).with_for_update()
    ids = {"ids": list(product_ids)}
    await tx.execute(locked, ids)
    await tx.execute(update(products).where(*mine).values(update_time=at), ids)


async def overtaken(tx: Tx, connection_id: UUID, versions: Mapping[str, int]) -> set[str]:
    """Find the products with an item whose stock or price came later than these versions."""
    statement = text(
        """
        SELECT DISTINCT i.product_id FROM json_each_text(:versions) AS known(product_id, version)
        JOIN items i ON i.connection_id = :connection AND i.product_id = known.product_id
        WHERE greatest(i.stock_version, i.price_version) > known.version::bigint
        """
    )
    given = {"connection": connection_id, "versions": orjson.dumps(versions).decode()}
    return set(await tx.scalars(statement, given))


async def currency_of(tx: Tx, connection_id: UUID, *, but: Sequence[str]) -> str:
    """Tell what the store's products cost in, leaving some products aside; empty when there are no others."""
    priced = items.c.wanted, items.c.currency_code.is_not(None), items.c.product_id != text("ALL(:ids)")
    one = select(items.c.currency_code).where(items.c.connection_id == connection_id, *priced).limit(1)
    return await tx.scalar(one, {"ids": list(but)}) or ""


async def lock_items(tx: Tx, connection_id: UUID, product_ids: Iterable[str]) -> dict[str, list[Kept]]:
    """Read the items of products and keep them from changing until the transaction ends."""
    return await _kept(tx, _items(connection_id).with_for_update(), product_ids)


async def kept_items(tx: Tx, connection_id: UUID, product_ids: Iterable[str]) -> dict[str, list[Kept]]:
    """Read the items of products."""
    return await _kept(tx, _items(connection_id), product_ids)


def _items(connection_id: UUID) -> Select[Any]:
    columns = [items.c[name] for name in Kept._fields]
    mine = items.c.connection_id == connection_id, items.c.product_id == text("ANY(:ids)")
    return select(*columns).where(*mine).order_by(items.c.retailer_id)


async def _kept(tx: Tx, wanted: Select[Any], product_ids: Iterable[str]) -> dict[str, list[Kept]]:
    found: dict[str, list[Kept]] = {}
    for row in await tx.execute(wanted, {"ids": list(product_ids)}):
        found.setdefault(row.product_id, []).append(Kept(*row))
    return found


class Stood(NamedTuple):
    """What an item is called, and what it stands and has stood for."""

    retailer_id: str
    variant_id: str
    wanted: bool
    whole: bool
    heir: str


async def stood(tx: Tx, connection_id: UUID, product_ids: Iterable[str]) -> dict[str, dict[str, Stood]]:
    """Read by product, and there by variant, what items are called and stand for."""
    columns = [items.c[name] for name in Stood._fields]
    mine = items.c.connection_id == connection_id, items.c.product_id == text("ANY(:ids)")
    found: dict[str, dict[str, Stood]] = {}
    for row in await tx.execute(select(items.c.product_id, *columns).where(*mine), {"ids": list(product_ids)}):
        found.setdefault(row.product_id, {})[row.variant_id] = Stood(*row[1:])
    return found


_TYPES = {
    "wanted": "boolean", "price": "bigint", "compare_at_price": "bigint", "sale_start_time": "timestamptz",
    "sale_end_time": "timestamptz", "track_inventory": "boolean", "quantity": "integer", "discontinued": "boolean",
    "counted": "boolean", "price_version": "bigint", "stock_version": "bigint", "faults": "jsonb", "changed": "boolean",
    "whole": "boolean", "usual": "boolean", "clearing": "boolean",
}  # fmt: skip
_HASHES = ("content_hash", "offer_hash")
_WRITTEN = [name for name in Wish._fields if name != "changed"]
_MENDED = [name for name in _WRITTEN if name not in {"retailer_id", "product_id", "refused_by"}]
_SENDABLE = "wish.wanted AND wish.refused_by IS NULL"
_WRITE = text(
    f"""
    WITH wish AS (
        SELECT * FROM json_to_recordset(:rows) AS row({", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in Wish._fields)})
    ), new AS (
        INSERT INTO items (connection_id, desire_time, operation_id, {", ".join(_WRITTEN)})
        SELECT :connection, :at, CASE WHEN {_SENDABLE} THEN CAST(:operation AS uuid) END,
            {", ".join(f"decode({name}, 'hex')" if name in _HASHES else name for name in _WRITTEN)}
        FROM wish ORDER BY retailer_id ON CONFLICT DO NOTHING RETURNING operation_id
    ), old AS (
    UPDATE items SET {", ".join(f"{n} = decode(wish.{n}, 'hex')" if n in _HASHES else f"{n} = wish.{n}" for n in _MENDED)},
        refused_by = CASE WHEN wish.changed THEN wish.refused_by ELSE items.refused_by END,
        meta_faults = CASE WHEN wish.changed THEN '[]' ELSE items.meta_faults END,
        held = items.held AND NOT wish.changed, sends = CASE WHEN wish.changed THEN 0 ELSE items.sends END,
        offer_tries = CASE WHEN wish.changed THEN 0 ELSE items.offer_tries END,
        desire_time = CASE WHEN wish.changed THEN :at ELSE items.desire_time END,
        unconfirmed_time = CASE WHEN items.unconfirmed THEN items.unconfirmed_time ELSE :at END,
        operation_id = CASE WHEN NOT wish.changed THEN items.operation_id
            WHEN {_SENDABLE} AND CAST(:operation AS uuid) IS NOT NULL THEN :operation
            WHEN NOT EXISTS (SELECT FROM operations WHERE operations.id = items.operation_id AND operations.state = 'CANCELLED')
            THEN items.operation_id END,
        sent_content = CASE WHEN wish.changed AND items.refused_by = 'META' AND items.batch_id IS NULL THEN NULL ELSE items.sent_content END
    FROM wish WHERE items.connection_id = :connection AND items.retailer_id = wish.retailer_id RETURNING items.operation_id
    )
    SELECT count(*) FROM (SELECT operation_id FROM new UNION ALL SELECT operation_id FROM old) AS written WHERE operation_id = :operation
    """  # noqa: S608 – built of our own field names
)


async def write_items(
    tx: Tx, connection_id: UUID, wishes: Iterable[Wish], *, at: datetime, operation_id: UUID | None = None
) -> int:
    """Store items as wished. A change gives an item that Meta refused another chance, and one whose sync was cancelled.

    What changes and can be sent is given to the operation, if there is one; tells how many items it has of these.
    """
    written = as_json(wish._asdict() for wish in wishes)
    given = {"connection": connection_id, "rows": written, "at": at, "operation": operation_id}
    return int(await tx.scalar(_WRITE, given) or 0) if written else 0


async def delete_products(tx: Tx, connection_id: UUID, product_ids: Sequence[str], *, at: datetime) -> list[str]:
    """Note that products are no longer wanted, and let go of their items; tells the items' names."""
    ids = {"ids": list(product_ids)}
    gone = products.c.connection_id == connection_id, products.c.product_id == text("ANY(:ids)")
    left = items.c.connection_id == connection_id, items.c.product_id == text("ANY(:ids)"), items.c.wanted
    await tx.execute(update(products).where(*gone).values(deleted=True, digest=None, update_time=at), ids)
    locked = select(items.c.retailer_id).where(*left).order_by(items.c.retailer_id).with_for_update()
    names = list(await tx.scalars(locked, ids))
    values: dict[str, Any] = {
        "wanted": False,
        "held": False,
        "refused_by": None,
        "faults": [],
        "meta_faults": [],
        "desire_time": at,
    }
    await tx.execute(update(items).where(*left).values(**values), ids)
    return names


def as_json(rows: Iterable[Any]) -> str:
    """Write rows as one JSON list, bytes in hex; empty when there are none."""
    written = orjson.dumps(list(rows), default=bytes.hex).decode()
    return "" if written == "[]" else written
