"""Signals that were set aside, as they came: what nobody acts on, and what nobody could act on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Text, cast, func, select, text

from connector.connections.model import Connection
from connector.db.schema import Tx, plain
from connector.webhooks.db.tables import QUARANTINED, signals
from connector.webhooks.model import Aside, Delivery, Signal, SignalState, digest

# Of one that is kept already only what was replayed, or fails now, is told anew: what somebody dismissed stays dismissed.
_SET_ASIDE = text("""
    INSERT INTO signals (store_id, connection_id, environment, page_id, kind, state, reason, tries, raw, digest, receive_time)
    VALUES (:store_id, :connection_id, :environment, :page_id, :kind, :state, :reason, :tries, :raw, :digest, :receive_time)
    ON CONFLICT (environment, page_id, digest) DO UPDATE SET state = excluded.state, reason = excluded.reason,
        tries = signals.tries + excluded.tries
    WHERE signals.state = 'REPLAYED' OR (signals.state = 'KEPT' AND excluded.state = 'QUARANTINED')
    RETURNING store_id, connection_id
""")


@dataclass(frozen=True, slots=True)
class SetAside:
    """Why a signal is set aside, under which name of its kind, after how many tries."""

    state: SignalState
    kind: str
    reason: str
    tries: int = 1


async def set_aside(
    tx: Tx, delivery: Delivery, signal: Signal, aside: SetAside, *, owner: Connection | None
) -> tuple[str, UUID] | None:
    """Keep a signal as it came; the same one is kept once, for whose Page it is. Tells whose, unless it was kept before."""
    values = {
        "store_id": owner and owner.store_id,
        "connection_id": owner and owner.id,
        "environment": delivery.environment,
        "page_id": plain(signal.page_id),
        "kind": plain(aside.kind),
        "state": aside.state,
        "reason": plain(aside.reason),
        "tries": aside.tries,
        "raw": signal.raw,
        "digest": digest(signal.raw),
        "receive_time": delivery.receive_time,
    }
    row = (await tx.execute(_SET_ASIDE, values)).one_or_none()
    return None if row is None or row.store_id is None else (row.store_id, row.connection_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which signals of a store are meant; what is empty does not narrow them."""

    store_id: str
    states: tuple[SignalState, ...] = ()
    kind: str = ""
    page_id: str = ""
    connection_id: str = ""
    begin_time: datetime | None = None
    end_time: datetime | None = None


_COLUMNS = [signals.c[name] for name in Aside.__slots__]


async def list_page(tx: Tx, wanted: Wanted, *, before: int | None, limit: int) -> list[Aside]:
    """Read signals, the newest first."""
    conditions = [signals.c.store_id == wanted.store_id]
    if wanted.states:
        conditions.append(signals.c.state.in_(wanted.states))
    named = ((signals.c.kind, wanted.kind), (signals.c.page_id, wanted.page_id))
    conditions += [column == given for column, given in named if given]
    if wanted.connection_id:
        conditions.append(cast(signals.c.connection_id, Text) == wanted.connection_id)
    if wanted.begin_time:
        conditions.append(signals.c.receive_time >= wanted.begin_time)
    if wanted.end_time:
        conditions.append(signals.c.receive_time < wanted.end_time)
    if before is not None:
        conditions.append(signals.c.id < before)
    chosen = select(*_COLUMNS).where(*conditions).order_by(signals.c.id.desc()).limit(limit)
    return [_aside(row) for row in await tx.execute(chosen)]


async def get(tx: Tx, store_id: str, signal_ids: Sequence[int]) -> list[Aside]:
    """Read signals of a store by their ids, and lock them."""
    mine = signals.c.store_id == store_id, signals.c.id.in_(signal_ids)
    chosen = select(*_COLUMNS).where(*mine).order_by(signals.c.id).with_for_update()
    return [_aside(row) for row in await tx.execute(chosen)]


async def raw_of(tx: Tx, store_id: str, signal_id: int) -> bytes | None:
    """Read a signal as it came."""
    mine = signals.c.store_id == store_id, signals.c.id == signal_id
    return (await tx.execute(select(signals.c.raw).where(*mine))).scalar_one_or_none()


_REPLAY = text("""
    WITH chosen AS (
        UPDATE signals SET state = 'REPLAYED' WHERE store_id = :store_id AND id = ANY (:ids)
        RETURNING id, environment, raw, digest
    )
    INSERT INTO deliveries (environment, body, digest, signature, receive_time, state)
    SELECT environment, raw, digest, '', :at, 'WAITING' FROM chosen ORDER BY id
""")


async def replay(tx: Tx, store_id: str, signal_ids: Sequence[int], *, at: datetime) -> None:
    """Let signals wait to be worked off, each as a delivery of its own."""
    await tx.execute(_REPLAY, {"store_id": store_id, "ids": [*signal_ids], "at": at})


_DISMISS = text("UPDATE signals SET state = 'DISMISSED' WHERE store_id = :store_id AND id = ANY (:ids)")


async def dismiss(tx: Tx, store_id: str, signal_ids: Sequence[int]) -> None:
    """Note that nobody wants these any more."""
    await tx.execute(_DISMISS, {"store_id": store_id, "ids": [*signal_ids]})


async def quarantined(tx: Tx, connection_id: UUID) -> int:
    """Count a connection's signals in quarantine."""
    mine = select(func.count()).where(signals.c.connection_id == connection_id, QUARANTINED)
    return int(await tx.scalar(mine) or 0)


_SETTLED = text("""
    SELECT connection_id FROM alerts WHERE reason = :reason
        AND NOT EXISTS (SELECT FROM signals WHERE signals.connection_id = alerts.connection_id AND state = 'QUARANTINED')
""")


async def without_quarantined(tx: Tx, reason: str) -> list[UUID]:
    """Find the connections with an open alert for this reason, and nothing in quarantine."""
    return [*await tx.scalars(_SETTLED, {"reason": reason})]


def _aside(row: Row[tuple[object, ...]]) -> Aside:
    return Aside(**row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
