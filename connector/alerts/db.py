"""Open alerts. Opening and closing one each append an event, once, in the caller's transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Row, Table, Text, Uuid, delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from connector.alerts.model import MOST_SAMPLES, Alert
from connector.db.schema import Instant, Json, Tx, metadata, plain
from connector.events import db as events
from connector.events.model import Draft

alerts = Table(
    "alerts",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("fix_rpc", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("item_count", BigInteger, nullable=False),
    Column("sample_retailer_ids", Json, nullable=False),
    Column("since_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "reason"),
)
_SHOWN = [alerts.c[name] for name in (*Alert.__slots__, "since_time")]


async def open_alert(tx: Tx, store_id: str, connection_id: UUID, alert: Alert, *, at: datetime) -> bool:
    """Open an alert and tell StormCom; one that is open already is only brought up to date. Tells whether it is new."""
    values: dict[str, Any] = {name: getattr(alert, name) for name in Alert.__slots__} | {"update_time": at}
    values |= {"body": plain(alert.body), "sample_retailer_ids": list(alert.sample_retailer_ids[:MOST_SAMPLES])}
    wish = insert(alerts).values(connection_id=connection_id, since_time=at, **values)
    known = [alerts.c.connection_id, alerts.c.reason]
    stored = wish.on_conflict_do_update(index_elements=known, set_=values)
    new = bool(await tx.scalar(stored.returning(literal_column("xmax = 0"))))  # no older version: it was inserted
    if new:
        await _tell(tx, store_id, connection_id, alert.document(since_time=at), resolved=False, at=at)
    return new


async def remind(tx: Tx, store_id: str, connection_id: UUID, reason: str, *, at: datetime) -> None:
    """Tell StormCom once more of an alert that is open: it has become more urgent."""
    mine = alerts.c.connection_id == connection_id, alerts.c.reason == reason
    row = (await tx.execute(select(*_SHOWN).where(*mine))).one_or_none()
    if row is not None:
        await _tell(tx, store_id, connection_id, _document(row), resolved=False, at=at)


async def close_alert(tx: Tx, store_id: str, connection_id: UUID, reason: str, *, at: datetime) -> bool:
    """Close an alert and tell StormCom; nothing happens when none is open. Tells whether one was."""
    mine = alerts.c.connection_id == connection_id, alerts.c.reason == reason
    row = (await tx.execute(delete(alerts).where(*mine).returning(*_SHOWN))).one_or_none()
    if row is not None:
        await _tell(tx, store_id, connection_id, _document(row), resolved=True, at=at)
    return row is not None


async def close_all(tx: Tx, store_id: str, connection_id: UUID, *, at: datetime) -> None:
    """Close every alert of a connection that nobody works on any more, and tell StormCom."""
    for document in await opened(tx, connection_id):
        await close_alert(tx, store_id, connection_id, document["reason"], at=at)


async def opened(tx: Tx, connection_id: UUID) -> list[dict[str, Any]]:
    """List a connection's open alerts with the contract's field names, the oldest first."""
    mine = select(*_SHOWN).where(alerts.c.connection_id == connection_id).order_by(alerts.c.since_time, alerts.c.reason)
    return [_document(row) for row in await tx.execute(mine)]


async def _tell(
    tx: Tx, store_id: str, connection_id: UUID, document: dict[str, Any], *, resolved: bool, at: datetime
) -> None:
    body = {"alert": document, "resolved": resolved}
    key = f"alert:{connection_id}:{document['reason']}"
    await events.append(tx, Draft(store_id, connection_id, key, "alert_raised", body), at=at)


def _document(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*Alert.__slots__, "since_time")}
