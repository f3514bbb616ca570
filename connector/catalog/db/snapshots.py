"""Snapshots: the complete list of a store's products, gathered in pieces before anything happens.

A piece that is as the store's product is kept without its items: an unchanged catalog costs ids and digests only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Select,
    Table,
    Text,
    Uuid,
    delete,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from connector.catalog.db.products import as_json
from connector.db.schema import Instant, Tx, metadata
from connector.errors import NotFound
from connector.operations.db import operations
from connector.operations.model import OPEN
from connector.registry.db.catalogue import products
from connector.registry.model import HIDDEN_MARK
from connector.values import ConnectionId

RANGE = 5_000
"""How many products one statement looks at."""

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("request_id", Text),
    Column("state", Text, nullable=False, comment="OPEN, COMMITTED, CLOSED"),
    Column("currency_code", Text, comment="what its products cost in, as its first one says"),
    Column("operation_id", Uuid, comment="of its commit"),
    Column("create_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False, index=True),
    Index("ix_snapshots_connection_id", "connection_id", postgresql_where=text("state <> 'CLOSED'")),
    Index(
        "uq_snapshots_store_id_request_id", "store_id", "request_id", unique=True,
        postgresql_where=text("request_id IS NOT NULL"),
    ),
)  # fmt: skip
snapshot_products = Table(
    "snapshot_products",
    metadata,
    Column("snapshot_id", Uuid, nullable=False, comment="who puts holds its row: no foreign key looks for it again"),
    Column("product_id", Text, nullable=False),
    Column("source_version", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("variant_ids", ARRAY(Text), comment="NULL: as the store's product when it was put"),
    Column("drafts", Text, comment="its items, checked and written; NULL likewise"),
    Column("hidden", Boolean, nullable=False, server_default="false", comment="an item of it shall not be shown"),
    PrimaryKeyConstraint("snapshot_id", "product_id"),
)
_SHOWN = (
    "id",
    "store_id",
    "connection_id",
    "state",
    "currency_code",
    "operation_id",
    "create_time",
    "expire_time",
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as it is kept."""

    id: UUID
    store_id: str
    connection_id: ConnectionId
    state: str
    currency_code: str | None
    operation_id: UUID | None
    create_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """A product of a snapshot; without `drafts` it is as the store's product."""

    product_id: str
    source_version: int
    digest: bytes
    variant_ids: Sequence[str] | None
    drafts: str | None
    hidden: bool = False


async def begin(tx: Tx, values: dict[str, Any]) -> Snapshot:
    """Keep a new snapshot; the one of the same `request_id` if there is one."""
    once = insert(snapshots).values(state="OPEN", **values)
    same = {"store_id": snapshots.c.store_id}
    joined = once.on_conflict_do_update(
        index_elements=["store_id", "request_id"], index_where=text("request_id IS NOT NULL"), set_=same
    )
    return Snapshot(*(await tx.execute(joined.returning(*(snapshots.c[name] for name in _SHOWN)))).one())


def _find(store_id: str, snapshot_id: UUID) -> Select[Any]:
    mine = snapshots.c.store_id == store_id, snapshots.c.id == snapshot_id
    return select(*(snapshots.c[name] for name in _SHOWN)).where(*mine)


async def find(tx: Tx, store_id: str, snapshot_id: UUID, *, lock: bool = False) -> Snapshot:
    """Read a snapshot of a store.

    Raises:
        NotFound: SNAPSHOT_NOT_FOUND, also for another store's.

    """
    wanted = _find(store_id, snapshot_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    if row is None:
        raise missing(str(snapshot_id))
    return Snapshot(*row)


async def share(tx: Tx, store_id: str, snapshot_id: UUID) -> Snapshot | None:
    """Read a snapshot whose currency is known, and keep it from changing beside others who do; None when there is none."""
    priced = _find(store_id, snapshot_id).where(snapshots.c.currency_code.is_not(None))
    row = (await tx.execute(priced.with_for_update(read=True))).one_or_none()
    return None if row is None else Snapshot(*row)


async def of_operation(tx: Tx, operation_id: UUID) -> Snapshot:
    """Find the snapshot whose commit an operation is."""
    wanted = select(*(snapshots.c[name] for name in _SHOWN)).where(snapshots.c.operation_id == operation_id)
    return Snapshot(*(await tx.execute(wanted)).one())


async def under_way(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether a snapshot is being gathered or applied."""
    mine = snapshots.c.connection_id == connection_id, snapshots.c.state != "CLOSED"
    return bool(await tx.scalar(select(exists().where(*mine))))


def missing(snapshot_id: str) -> NotFound:
    """Say that a store has no such snapshot, alike for malformed, foreign and absent ids."""
    return NotFound("SNAPSHOT_NOT_FOUND", "No such snapshot in this store", snapshot_id=snapshot_id)


async def change(tx: Tx, snapshot_id: UUID, **values: Any) -> None:
    """Change columns of a snapshot."""
    await tx.execute(update(snapshots).where(snapshots.c.id == snapshot_id).values(**values))


async def put(tx: Tx, snapshot_id: UUID, pieces: Iterable[Piece]) -> None:
    """Keep pieces; of two of the same product the newer one, of two as old the later one."""
    statement = text(
        """
        INSERT INTO snapshot_products (snapshot_id, product_id, source_version, digest, variant_ids, drafts, hidden)
        SELECT :snapshot, product_id, source_version, decode(digest, 'hex'), variant_ids, drafts, hidden
        FROM json_to_recordset(:rows) AS row(product_id text, source_version bigint, digest text, variant_ids text[], drafts text,
            hidden boolean)
        ORDER BY product_id
        ON CONFLICT (snapshot_id, product_id) DO UPDATE SET source_version = excluded.source_version, digest = excluded.digest,
            variant_ids = excluded.variant_ids, drafts = excluded.drafts, hidden = excluded.hidden
        WHERE excluded.source_version >= snapshot_products.source_version
        """
    )
    if written := as_json(pieces):
        await tx.execute(statement, {"snapshot": snapshot_id, "rows": written})


async def survey(tx: Tx) -> None:
    """Have PostgreSQL look how many products of snapshots there are, as `catalogue.survey` does."""
    await tx.execute(text("SET LOCAL default_statistics_target = 10"))
    await tx.execute(text("ANALYZE (SKIP_LOCKED) snapshot_products"))


async def summary(tx: Tx, snapshot_id: UUID) -> tuple[int, str]:
    """Count the products of a snapshot and hash their ids in byte order, each followed by a line feed."""
    statement = text(
        r"""
        SELECT count(*), encode(sha256(coalesce(string_agg(convert_to(product_id || E'\n', 'UTF8'), ''::bytea
                                                           ORDER BY product_id COLLATE "C"), ''::bytea)), 'hex')
        FROM snapshot_products WHERE snapshot_id = :snapshot
        """
    )
    row = (await tx.execute(statement, {"snapshot": snapshot_id})).one()
    return row[0], row[1]


# Before the go only what stands at Meta can be lost; from then on also what is on its way there, and what a cancelled
# operation holds back and this one would remove. Products upserted after the snapshot began may be newer than it: they stay.
# Of a product that stays as it is nothing is lost but what is held back, which has an index: its items are not looked at.
_COUNT_LOSS = text(
    """
    WITH told AS (
        SELECT p.product_id, s.product_id IS NULL AS absent, s.variant_ids, s.hidden
        FROM products p LEFT JOIN snapshot_products s
            ON s.snapshot_id = :snapshot AND s.product_id = p.product_id AND s.product_id > :after AND s.product_id <= :upto
        WHERE p.connection_id = :connection AND p.product_id > :after AND p.product_id <= :upto
          AND CASE WHEN s.product_id IS NULL THEN p.update_time <= :begun
                   ELSE s.drafts IS NOT NULL AND (p.source_version <= s.source_version OR p.deleted) END
    ), shown AS (
        SELECT count(*) FROM told JOIN items i ON i.connection_id = :connection AND i.product_id = told.product_id
        WHERE i.wanted AND (i.stands OR :gone)
          AND (told.absent OR NOT i.variant_id = ANY(coalesce(told.variant_ids, '{}')) OR told.hidden AND strpos(i.content, :mark) = 0)
    ), leaving AS (
        SELECT count(*) FROM items i WHERE i.connection_id = :connection AND i.held AND NOT i.wanted AND i.stands
          AND (i.product_id > :after OR :after = '') AND i.product_id <= :upto
          AND NOT EXISTS (SELECT FROM told WHERE told.product_id = i.product_id AND i.variant_id = ANY(told.variant_ids))
    )
    SELECT shown.count + leaving.count FROM shown, leaving
    """
)


async def loss(tx: Tx, snapshot: Snapshot, *, gone: bool, after: str) -> tuple[int, str | None]:
    """Count the items of the store's next products that would leave the catalog or be hidden in it.

    `gone` tells whether the go was given. Tells also the last of these products, None when there are no more.
    """
    mine = products.c.connection_id == snapshot.connection_id, products.c.product_id > after
    piece = select(products.c.product_id).where(*mine).order_by(products.c.product_id).limit(RANGE).subquery()
    upto, count = (await tx.execute(select(func.max(piece.c.product_id), func.count()).select_from(piece))).one()
    if upto is None:
        return 0, None
    told = _given(snapshot) | {"gone": gone, "mark": HIDDEN_MARK, "after": after, "upto": upto}
    return int(await tx.scalar(_COUNT_LOSS, told)), upto if count == RANGE else None


def _given(snapshot: Snapshot) -> dict[str, Any]:
    return {"connection": snapshot.connection_id, "snapshot": snapshot.id, "begun": snapshot.create_time}


async def end_of_range(tx: Tx, snapshot: Snapshot, after: str) -> str | None:
    """Tell the last of the next `RANGE` products of the list; None at its end."""
    mine = snapshot_products.c.snapshot_id == snapshot.id, snapshot_products.c.product_id > after
    return await _last(tx, select(snapshot_products.c.product_id).where(*mine))


async def end_of_known(tx: Tx, snapshot: Snapshot, after: str) -> str | None:
    """Tell the last of the next `RANGE` products of the store; None at their end."""
    mine = products.c.connection_id == snapshot.connection_id, products.c.product_id > after
    return await _last(tx, select(products.c.product_id).where(*mine))


async def _last(tx: Tx, ids: Select[tuple[str]]) -> str | None:
    piece = ids.order_by(ids.selected_columns[0]).limit(RANGE).subquery()
    last: str | None = await tx.scalar(select(func.max(piece.c.product_id)))
    return last


async def written(tx: Tx, snapshot: Snapshot, *, after: str, upto: str, limit: int) -> list[Piece]:
    """List the first pieces of a range that were not as the store's product, in the order of their ids."""
    columns = (snapshot_products.c[name] for name in Piece.__slots__)
    product_id = snapshot_products.c.product_id
    mine = snapshot_products.c.snapshot_id == snapshot.id, product_id > after, product_id <= upto
    wanted = select(*columns).where(*mine, snapshot_products.c.drafts.is_not(None))
    return [Piece(*row) for row in await tx.execute(wanted.order_by(product_id).limit(limit))]


_RENEW = text(
    """
    WITH newer AS (
        SELECT p.product_id, s.source_version FROM snapshot_products s
        JOIN products p ON p.connection_id = :connection AND p.product_id = s.product_id
        WHERE s.snapshot_id = :snapshot AND s.product_id > :after AND s.product_id <= :upto
          AND s.drafts IS NULL AND p.digest = s.digest AND p.source_version < s.source_version
          AND NOT EXISTS (SELECT 1 FROM items i WHERE i.connection_id = :connection AND i.product_id = p.product_id
                          AND greatest(i.stock_version, i.price_version) > p.source_version)
        ORDER BY p.product_id FOR UPDATE OF p
    )
    UPDATE products SET source_version = newer.source_version, update_time = :at FROM newer
    WHERE products.connection_id = :connection AND products.product_id = newer.product_id
    """
)


async def renew(tx: Tx, snapshot: Snapshot, *, after: str, upto: str, at: datetime) -> None:
    """Give products of a range that stay as they are the list's newer version, unless their stock came later than their old one."""
    await tx.execute(_RENEW, _given(snapshot) | {"after": after, "upto": upto, "at": at})


# Products upserted after the snapshot began may be newer than what it was gathered from: it lets go of older ones only.
_LEFT_OUT = text(
    """
    SELECT p.product_id FROM products p
    WHERE p.connection_id = :connection AND p.product_id > :after AND p.product_id <= :upto AND NOT p.deleted AND p.update_time <= :begun
    AND NOT EXISTS (SELECT 1 FROM snapshot_products s WHERE s.snapshot_id = :snapshot AND s.product_id = p.product_id)
    ORDER BY p.product_id LIMIT :limit
    """
)


async def left_out(tx: Tx, snapshot: Snapshot, *, after: str, upto: str, limit: int) -> list[str]:
    """List the first products of a range that the snapshot lets go of."""
    return list(await tx.scalars(_LEFT_OUT, _given(snapshot) | {"after": after, "upto": upto, "limit": limit}))


async def close(tx: Tx, snapshot_id: UUID) -> None:
    """Close a snapshot for good; its products can be forgotten."""
    await change(tx, snapshot_id, state="CLOSED")


async def forget(tx: Tx, snapshot_id: UUID, *, after: str = "") -> str | None:
    """Forget the next `RANGE` products of a snapshot; tells the last of them, None when there was none."""
    mine = snapshot_products.c.snapshot_id == snapshot_id, snapshot_products.c.product_id > after
    if last := await _last(tx, select(snapshot_products.c.product_id).where(*mine)):
        await tx.execute(delete(snapshot_products).where(*mine, snapshot_products.c.product_id <= last))
    return last


async def sweep(tx: Tx, *, at: datetime) -> bool:
    """Forget a piece of the snapshots past their time, but for those whose operation has still to apply them; tells whether any was."""
    still = select(operations.c.id).where(operations.c.id == snapshots.c.operation_id, operations.c.state.in_(OPEN))
    over = select(snapshots.c.id).where(snapshots.c.expire_time < at, ~still.exists()).limit(1)
    snapshot_id: UUID | None = await tx.scalar(over)
    if snapshot_id and not await forget(tx, snapshot_id):
        await tx.execute(delete(snapshots).where(snapshots.c.id == snapshot_id))
    return snapshot_id is not None
