"""Batches, and the verdicts on the items they carry.

`batch_id` is the guard: an item travels in one batch at a time, whichever lane sends. Every statement that touches many items
locks them in the order of their names, so that two never wait for each other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    Row,
    Table,
    Text,
    Uuid,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    update,
)

from connector.connections.model import Connection
from connector.db.schema import Instant, Json, Tx, metadata
from connector.operations.db import operations
from connector.registry.db import leaving, narrowings
from connector.registry.db.catalogue import items
from connector.registry.model import (
    MOST_SENDS,
    REFUSED_STOCK_FACTOR,
    REFUSED_STOCK_PAUSE,
    REMARKS,
    UNTOLD,
    Cargo,
    Lane,
    cleared,
    fitting,
    meta_warning,
    stored,
)
from connector.values import ConnectionId, RetailerId

batches = Table(
    "batches",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    Column("lane", Text, nullable=False),
    Column("catalog_id", Text, nullable=False),
    Column("handle", Text, comment="NULL: on its way, or its sender died"),
    Column("item_count", Integer, nullable=False),
    Column("checks", Integer, nullable=False, server_default="0"),
    Column("warned", Json, nullable=False, server_default="{}", comment="Meta's words on items in the answer itself"),
    Column("create_time", Instant, nullable=False, comment="or when its answer was lost: it rests from then on"),
    Column("upload_id", Uuid, comment="the upload whose file it is a piece of; NULL: a call of its own"),
    Index("ix_batches_connection_id_lane", "connection_id", "lane"),
    Index("ix_batches_upload_id", "upload_id", postgresql_where=text("upload_id IS NOT NULL")),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is kept while it has no verdict."""

    id: UUID
    connection_id: ConnectionId
    lane: Lane
    catalog_id: str
    handle: str | None
    item_count: int
    checks: int
    create_time: datetime
    warned: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """An item that got its verdict; `operation_id` is the operation that was waiting for it and now counts it."""

    retailer_id: str
    product_id: str
    variant_id: str
    confirmed: bool
    operation_id: UUID | None
    faults: Sequence[Mapping[str, Any]]


_PASSES = 3  # over items of cancelled operations, in one transaction


async def load(
    tx: Tx, connection: Connection, lane: Lane, *, batch_id: UUID, at: datetime
) -> tuple[Batch, list[Cargo]] | None:
    """Take as many waiting items as fit into a new batch; None when nothing waits. What another transaction holds is left to it."""
    connection_id, catalog_id = connection.id, connection.catalog_id
    most = await narrowings.most_items(tx, catalog_id)
    rows = await _pick(tx, connection_id, lane, at=at, limit=most)
    for _ in range(_PASSES):
        if not (cancelled := await _cancelled(tx, rows)):
            break
        await _hold_back(tx, connection_id, [row.retailer_id for row in rows if row.operation_id in cancelled])
        rows = await _pick(tx, connection_id, lane, at=at, limit=most)
    else:
        rows = []  # the next turn goes on
    cargo = [cargo_of(row, lane) for row in rows]
    cargo = cargo[: fitting((one.size_bytes for one in cargo), most_items=most)]
    if not cargo:
        return None
    named = {"batch": batch_id, "connection": connection_id, "names": [one.retailer_id for one in cargo], "at": at}
    await tx.execute(_LOAD[lane], named | {"lane": lane, "catalog": catalog_id, "count": len(cargo)})
    return Batch(batch_id, connection_id, lane, catalog_id, None, len(cargo), 0, at), cargo


# A stock change that Meta refused rests before it is tried again; a new wish sets `offer_tries` back, and goes at once.
_REST = f"interval '{REFUSED_STOCK_PAUSE.total_seconds()} s' * power({REFUSED_STOCK_FACTOR}, offer_tries - 1)"
_DUE: Mapping[Lane, tuple[ColumnElement[bool], ...]] = {
    Lane.CONTENT: (items.c.content_due,),
    Lane.LEAVING: (items.c.leaving.is_not(None), items.c.stands, items.c.batch_id.is_(None)),
    Lane.STOCK: (items.c.offer_due, or_(items.c.offer_tries == 0, text(f"stock_time + {_REST} <= :at"))),
}


async def _pick(tx: Tx, connection_id: UUID, lane: Lane, *, at: datetime, limit: int) -> Sequence[Row[Any]]:
    columns = (
        items.c[name] for name in ("retailer_id", "wanted", "content", "offer", "clearing", "leaving", "operation_id")
    )
    mine = select(*columns).where(items.c.connection_id == connection_id, *_DUE[lane]).order_by(items.c.retailer_id)
    return (await tx.execute(mine.limit(limit).with_for_update(skip_locked=True), {"at": at})).all()


async def _cancelled(tx: Tx, rows: Sequence[Row[Any]]) -> set[UUID]:
    """Find the operations of these items that were cancelled."""
    named = {row.operation_id for row in rows if row.operation_id}
    ended = operations.c.id.in_(named), operations.c.state == "CANCELLED"
    return set(await tx.scalars(select(operations.c.id).where(*ended))) if named else set()


async def _hold_back(tx: Tx, connection_id: UUID, names: Sequence[str]) -> None:
    """Keep back what waits for a cancelled operation, until somebody wants it anew."""
    named = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
    await tx.execute(update(items).where(*named).values(held=True, operation_id=None), {"names": list(names)})


def cargo_of(row: Any, lane: Lane) -> Cargo:
    """Read what a batch of a lane carries of an item."""
    if lane is Lane.LEAVING and row.wanted and row.leaving == "HIDE":
        return Cargo(RetailerId(row.retailer_id), leaving.HIDDEN, None)
    if not row.wanted or lane is Lane.LEAVING:
        return Cargo(RetailerId(row.retailer_id), None, None)
    content = (cleared(row.content, row.offer) if row.clearing else row.content) if lane is Lane.CONTENT else None
    return Cargo(RetailerId(row.retailer_id), content, row.offer)


LOADING = {
    Lane.LEAVING: leaving.LOADING,
    Lane.CONTENT: text(
        """
        UPDATE items SET batch_id = :batch, send_time = :at, stands = TRUE,
            sent_content = CASE WHEN wanted THEN content_hash END, sent_offer = CASE WHEN wanted THEN offer_hash END,
            sent_quantity = CASE WHEN wanted THEN offered END
        WHERE connection_id = :connection AND retailer_id = ANY(:names)
        """
    ),
    Lane.STOCK: text(
        """
        UPDATE items SET batch_id = :batch, send_time = :at, sent_offer = offer_hash,
            sent_quantity = offered
        WHERE connection_id = :connection AND retailer_id = ANY(:names)
        """
    ),
}
_LOAD = {
    lane: text(
        f"""
        WITH batch AS (INSERT INTO batches (id, connection_id, lane, catalog_id, item_count, create_time)
                       VALUES (:batch, :connection, :lane, :catalog, :count, :at))
        {LOADING[lane].text}
        """  # noqa: S608 – built of constants
    )
    for lane in Lane
}


async def next_due(tx: Tx, connection_id: UUID, lane: Lane, *, at: datetime) -> datetime | None:
    """Tell when the next thing that waits may be sent; None when nothing waits."""
    mine = items.c.connection_id == connection_id
    # In the order of an index: whether any exists PostgreSQL may well look up in the table itself, past all that was sent.
    waiting = select(literal(at, Instant)).where(mine, *_DUE[lane])
    first = waiting.order_by(items.c.retailer_id).limit(1).scalar_subquery()
    rested: ColumnElement[datetime] = literal_column(f"min(stock_time + {_REST})", Instant)
    resting = select(rested).where(mine, items.c.offer_due, items.c.offer_tries > 0).scalar_subquery()
    wanted = func.coalesce(first, resting) if lane is Lane.STOCK else first
    return await tx.scalar(select(wanted), {"at": at})


async def open_batches(tx: Tx, connection_id: UUID, lane: Lane) -> list[Batch]:
    """List the batches of a lane that have no verdict yet; pieces of files are none of them."""
    mine = batches.c.connection_id == connection_id, batches.c.lane == lane, batches.c.upload_id.is_(None)
    return [read_batch(row) for row in await tx.execute(select(batches).where(*mine))]


async def find_batch(tx: Tx, batch_id: UUID) -> Batch | None:
    """Read a batch that has no verdict yet."""
    row = (await tx.execute(select(batches).where(batches.c.id == batch_id))).one_or_none()
    return None if row is None else read_batch(row)


async def keep_handle(tx: Tx, batch_id: UUID, handle: str, warned: Mapping[str, str]) -> None:
    """Keep the ticket to a batch's verdict, and what Meta remarked on already."""
    await tx.execute(update(batches).where(batches.c.id == batch_id).values(handle=handle, warned=warned))


async def note_loss(tx: Tx, batch_id: UUID, *, at: datetime) -> None:
    """Note that the answer to a batch was lost: Meta may be at work on it from now on."""
    await tx.execute(update(batches).where(batches.c.id == batch_id).values(create_time=at))


async def count_check(tx: Tx, batch_id: UUID) -> None:
    """Note that Meta was asked once more."""
    await tx.execute(update(batches).where(batches.c.id == batch_id).values(checks=batches.c.checks + 1))


_ARRIVED = "(CASE WHEN wanted THEN content_hash = sent_content ELSE sent_content IS NULL END)"
_CONTENT_STANDS = "(wanted AND refused_by IS NULL AND content_hash = sent_content AND content_hash = confirmed_content)"
_SAME = "(CASE WHEN wanted THEN content_hash = sent_content AND offer_hash = sent_offer ELSE sent_content IS NULL END)"
_STILL_UNCONFIRMED = "unconfirmed_time = CASE WHEN sent_offer IS DISTINCT FROM offer_hash THEN send_time END"
_LAST_TRY = f"offer_tries + 1 >= {MOST_SENDS}"
_TOLD = "RETURNING retailer_id, product_id, variant_id, operation_id, meta_faults, refused_by IS NOT NULL AS final"
_CONFIRM = {
    Lane.LEAVING: leaving.CONFIRM,
    Lane.CONTENT: text(
        f"""
        UPDATE items SET batch_id = NULL, sends = 0, stands = sent_content IS NOT NULL, confirm_time = :at,
            meta_faults = coalesce(cast(:warned AS jsonb) -> retailer_id, '[]'),
            refused_by = CASE WHEN refused_by = 'CHECKS' THEN 'CHECKS' END, offer_tries = 0, stock_error = NULL,
            confirmed_content = sent_content, confirmed_offer = sent_offer, confirmed_quantity = sent_quantity,
            {_STILL_UNCONFIRMED},
            clearing = clearing AND {_ARRIVED} IS NOT TRUE,
            operation_id = CASE WHEN {_ARRIVED} THEN NULL ELSE operation_id END
        WHERE batch_id = :batch {_TOLD}
        """  # noqa: S608 – built of constants
    ),
    Lane.STOCK: text(
        f"""
        UPDATE items SET batch_id = NULL, sends = 0, confirm_time = :at, stock_time = :at, stock_error = NULL, offer_tries = 0,
            confirmed_offer = sent_offer, confirmed_quantity = sent_quantity, {_STILL_UNCONFIRMED},
            meta_faults = jsonb_path_query_array(meta_faults, '$[*] ? (@.message != "{REMARKS[Lane.STOCK]}")')
                || coalesce(cast(:warned AS jsonb) -> retailer_id, '[]'),
            operation_id = CASE WHEN {_CONTENT_STANDS} THEN NULL ELSE operation_id END
        WHERE batch_id = :batch {_TOLD}
        """  # noqa: S608 – built of constants
    ),
}
_REFUSE = {
    Lane.LEAVING: leaving.REFUSE,
    Lane.CONTENT: text(
        f"""
        UPDATE items SET batch_id = NULL, sends = 0, meta_faults = jsonb_build_array(cast(:faults AS jsonb) -> retailer_id),
            refused_by = CASE WHEN refused_by = 'CHECKS' THEN 'CHECKS' WHEN {_SAME} THEN 'META' END,
            sent_content = CASE WHEN {_SAME} THEN sent_content END, sent_offer = confirmed_offer,
            operation_id = CASE WHEN {_SAME} THEN NULL ELSE operation_id END
        WHERE batch_id = :batch AND retailer_id = ANY(:names) {_TOLD}
        """  # noqa: S608 – built of constants
    ),
    Lane.STOCK: text(
        f"""
        UPDATE items SET batch_id = NULL, sends = 0, stock_time = :at, sent_offer = NULL, offer_tries = offer_tries + 1,
            stock_error = cast(:faults AS jsonb) -> retailer_id ->> 'meta_message',
            refused_by = CASE WHEN refused_by IS NULL AND {_LAST_TRY} THEN 'STOCK' ELSE refused_by END,
            operation_id = CASE WHEN refused_by IS NULL AND {_LAST_TRY} THEN NULL ELSE operation_id END,
            meta_faults = CASE WHEN {_LAST_TRY} THEN jsonb_build_array(cast(:faults AS jsonb) -> retailer_id) ELSE meta_faults END
        WHERE batch_id = :batch AND retailer_id = ANY(:names) {_TOLD}
        """  # noqa: S608 – built of constants
    ),
}


async def _lock(tx: Tx, batch: Batch) -> dict[str, UUID | None]:
    """Keep a batch's items from changing, in the order of their names; tells the operation each belongs to."""
    mine = select(items.c.retailer_id, items.c.operation_id).where(items.c.batch_id == batch.id)
    rows = await tx.execute(mine.order_by(items.c.retailer_id).with_for_update())
    return {row.retailer_id: row.operation_id for row in rows}


async def confirm(tx: Tx, batch: Batch, warned: Mapping[str, str], *, at: datetime) -> list[Settled]:
    """Give every item still in the batch Meta's yes, for what was sent, with its remarks. What changed since is sent again."""
    before = await _lock(tx, batch)
    words = {name: _joined(batch.warned.get(name), warned.get(name)) for name in {*batch.warned, *warned}}
    remarks = orjson.dumps({name: [meta_warning(told, batch.lane)] for name, told in words.items()}).decode()
    rows = await tx.execute(_CONFIRM[batch.lane], {"batch": batch.id, "at": at, "warned": remarks})
    return [_settled(row, before, confirmed=True) for row in rows]


def _joined(*words: str | None) -> str:
    return "; ".join(dict.fromkeys(filter(None, words)))


async def refuse(tx: Tx, batch: Batch, faults: Mapping[str, Mapping[str, Any]], *, at: datetime) -> list[Settled]:
    """Give these items of the batch Meta's no, each with its fault; lists those for which that is the end.

    What changed since is sent again as it is now, and a stock change is tried a few times.
    """
    if not faults:
        return []
    before = await _lock(tx, batch)
    given = {"batch": batch.id, "names": list(faults), "faults": orjson.dumps(faults).decode(), "at": at}
    rows = await tx.execute(_REFUSE[batch.lane], given)
    return [_settled(row, before, confirmed=False) for row in rows if row.final]


def _settled(row: Row[Any], before: Mapping[str, UUID | None], *, confirmed: bool) -> Settled:
    operation_id = None if row.operation_id else before[row.retailer_id]
    return Settled(row.retailer_id, row.product_id, row.variant_id, confirmed, operation_id, row.meta_faults)


async def release(tx: Tx, batch: Batch, *, uncertain: bool, blamed: bool = False) -> list[Settled]:
    """Put the items still in a batch back in the queue, and forget the batch; lists those our checks refuse meanwhile.

    `uncertain`: Meta may have taken some of them, so what was carried no longer counts as confirmed. `blamed`: it counts as a
    send without a verdict.
    """
    carried = ["offer"] if batch.lane is Lane.STOCK else ["content", "offer"]
    values: dict[str, Any] = {"batch_id": None} | {f"sent_{part}": None for part in carried}
    if uncertain:
        values |= {f"confirmed_{part}": None for part in carried}
    if blamed:
        values["sends"] = items.c.sends + 1
    carried_names = list(await _lock(tx, batch))
    await tx.execute(update(items).where(items.c.batch_id == batch.id).values(**values))
    await forget(tx, batch)
    return await at_rest(tx, batch.connection_id, carried_names)


async def at_rest(tx: Tx, connection_id: UUID, names: Sequence[str]) -> list[Settled]:
    """Take from their operations the items for which no verdict will come: refused by our checks, gone, or as they stand."""
    over = items.c.batch_id.is_(None), items.c.state.in_(("REJECTED", "REMOVED", "CONFIRMED"))
    named = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
    columns = items.c.retailer_id, items.c.product_id, items.c.variant_id, items.c.state != "REJECTED"
    faults = items.c.faults.concat(items.c.meta_faults)
    mine = select(*columns, items.c.operation_id, faults).where(*named, *over, items.c.operation_id.is_not(None))
    rows = (await tx.execute(mine.order_by(items.c.retailer_id).with_for_update(), {"names": list(names)})).all()
    if rows:
        await tx.execute(update(items).where(*named, *over).values(operation_id=None), {"names": list(names)})
    return [Settled(*row) for row in rows]


async def overdrawn(tx: Tx, batch: Batch) -> list[str]:
    """List the items of a batch that were sent as often as we try without ever getting a verdict, counting this send."""
    spent = items.c.batch_id == batch.id, items.c.sends + 1 >= MOST_SENDS
    return list(await tx.scalars(select(items.c.retailer_id).where(*spent)))


def untold(names: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Say of items that Meta never told what became of them."""
    return dict.fromkeys(names, stored([UNTOLD])[0])


async def forget(tx: Tx, batch: Batch) -> None:
    """Forget a batch that carries nothing any more."""
    await tx.execute(delete(batches).where(batches.c.id == batch.id))


def read_batch(row: Row[Any]) -> Batch:
    """Read a batch from its row."""
    return Batch(**{name: getattr(row, name) for name in Batch.__slots__} | {"lane": Lane(row.lane)})
