"""Payouts and transactions: kept as Meta tells them, each once, however often it is told."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from connector.connections.model import Connection
from connector.db import sets
from connector.db.schema import Tx, plain
from connector.orders.db.tables import orders
from connector.payouts.db.tables import LAST, payout_pulls, payout_transactions, payouts
from connector.payouts.model.values import Kept, Payout, State, Transaction

LOCATED_FOR = timedelta(days=400)
"""How long the postal code an order went to is kept, for the taxes of a year."""

_PAYOUT = [payouts.c[name] for name in Payout.__slots__]
_TRANSACTION = [payout_transactions.c[name] for name in Transaction.__slots__]
_OURS = (
    (orders.c.store_id == payout_transactions.c.store_id)
    & (orders.c.external_order_id == payout_transactions.c.external_order_id)
)  # fmt: skip


class Pull(NamedTuple):
    """The last complete reading."""

    begin_time: datetime
    finish_time: datetime


async def last_pull(tx: Tx, connection_id: UUID) -> Pull | None:
    """Tell the last complete reading of a connection; None before the first."""
    found = select(payout_pulls.c.begin_time, payout_pulls.c.finish_time)
    row = (await tx.execute(found.where(payout_pulls.c.connection_id == connection_id))).one_or_none()
    return Pull(*row) if row and row.begin_time else None


async def under_way(tx: Tx, connection_id: UUID) -> Mapping[str, Any]:
    """Tell where the reading under way stands; empty when none is."""
    wanted = select(payout_pulls.c.round).where(payout_pulls.c.connection_id == connection_id)
    return await tx.scalar(wanted) or {}


async def keep_round(tx: Tx, connection: Connection, round_: Mapping[str, Any] | None, **pull: datetime) -> None:
    """Keep where a reading stands; None ends it, and `pull` says of when it was."""
    values = {"round": round_, **pull}
    wish = insert(payout_pulls).values(connection_id=connection.id, store_id=connection.store_id, **values)
    await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id"], set_=values))


async def oldest_open(tx: Tx, connection_id: UUID) -> datetime | None:
    """Tell of when the oldest transaction is that is still in the balance."""
    mine = payout_transactions.c.connection_id == connection_id, payout_transactions.c.payout_reference_id == ""
    found: datetime | None = await tx.scalar(select(func.min(payout_transactions.c.transaction_time)).where(*mine))
    return found


async def keep_payouts(tx: Tx, connection: Connection, told: Collection[Payout], *, at: datetime) -> None:
    """Keep payouts as a reading tells them; of two with one name the last counts."""
    owner = {"connection_id": connection.id, "store_id": connection.store_id, "seen_time": at}
    rows = {
        (one.name, one.currency_code): {
            **owner,
            "name": plain(one.name),
            **_written(one),
        }
        for one in told
    }
    if not rows:
        return
    wish = sets.insertion(payouts, tuple(next(iter(rows.values()))))
    newest = {name: wish.excluded[name] for name in ("payout_reference_id", "transfer_id", "amount", "state", "payout_time", "seen_time")}  # fmt: skip
    known = ["connection_id", "name", "currency_code"]
    await tx.execute(wish.on_conflict_do_update(index_elements=known, set_=newest), sets.sent([*rows.values()]))


async def seen(tx: Tx, connection_id: UUID, digests: Collection[bytes], *, at: datetime) -> Mapping[bytes, int]:
    """Count the transactions alike that the reading of `at` has told already."""
    table = payout_transactions.c
    mine = table.connection_id == connection_id, table.digest.in_(digests), table.seen_time == at
    found = await tx.execute(select(table.digest, func.count()).where(*mine).group_by(table.digest))
    return {bytes(digest): count for digest, count in found}


async def keep_transactions(
    tx: Tx, connection: Connection, told: Sequence[tuple[bytes, int, Transaction]], *, at: datetime
) -> None:
    """Keep transactions as a reading tells them; what is known learns of its payout."""
    if not told:
        return
    owner = {"connection_id": connection.id, "store_id": connection.store_id, "seen_time": at}
    rows = [
        {**owner, "digest": sets.octets(digest), "ordinal": ordinal, **_written(one)} for digest, ordinal, one in told
    ]
    wish = sets.insertion(payout_transactions, tuple(rows[0]))
    names = "tax_rate", "region", "payout_reference_id", "transfer_id", "order_time", "seen_time"
    newest = {name: wish.excluded[name] for name in names}  # a postal code that was forgotten does not come back
    known = ["connection_id", "digest", "ordinal"]
    await tx.execute(wish.on_conflict_do_update(index_elements=known, set_=newest), sets.sent(rows))


async def forget_unseen(tx: Tx, connection_id: UUID, *, since: datetime, at: datetime) -> None:
    """Drop what a complete reading of `at` would have told and did not: what is still in the balance Meta rewrites.

    What was paid out stays, but for what only looked like a second one, when a list shifted between two pages.
    """
    gone = payouts.c.payout_time.is_(None), payouts.c.seen_time < at
    await tx.execute(delete(payouts).where(payouts.c.connection_id == connection_id, *gone))
    table = payout_transactions.c
    unseen = table.connection_id == connection_id, table.transaction_time >= since, table.seen_time < at
    passing = (table.payout_reference_id == "") | (table.ordinal > 0)
    await tx.execute(delete(payout_transactions).where(*unseen, passing))


def _written(one: Payout | Transaction) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in one.__slots__}
    return {name: plain(value) if isinstance(value, str) else value for name, value in values.items()}


async def list_payouts(
    tx: Tx,
    connection_id: UUID,
    *,
    from_time: datetime | None,
    until_time: datetime | None,
    after: tuple[datetime | None, str, str] | None,
    limit: int,
) -> list[Payout]:
    """List payouts, newest first, what is in the balance before all; behind a place."""
    wanted = select(*_PAYOUT).where(payouts.c.connection_id == connection_id)
    if from_time is not None:
        wanted = wanted.where(payouts.c.payout_time >= from_time)
    if until_time is not None:
        wanted = wanted.where(payouts.c.payout_time < until_time)
    if after is not None:
        time = after[0] if after[0] is not None else text("'infinity'::timestamptz")
        wanted = wanted.where(tuple_(LAST, payouts.c.name, payouts.c.currency_code) < tuple_(time, *after[1:]))
    ordered = wanted.order_by(LAST.desc(), payouts.c.name.desc(), payouts.c.currency_code.desc()).limit(limit)
    return [_read_payout(row) for row in await tx.execute(ordered)]


def _read_payout(row: Any) -> Payout:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Payout(**values | {"state": State(values["state"])})


class Filter(NamedTuple):
    """Which transactions to list."""

    payout_reference_id: str = ""
    order_id: UUID | None = None
    from_time: datetime | None = None
    until_time: datetime | None = None


Place = tuple[datetime, bytes, int]
"""Where a transaction stands in lists: its time, its digest, its ordinal."""


async def list_transactions(
    tx: Tx, connection_id: UUID, which: Filter, *, after: Place | None, limit: int
) -> list[Kept]:
    """List transactions, newest first, behind a place."""
    table = payout_transactions.c
    joined = payout_transactions.outerjoin(orders, _OURS)
    extra = table.digest, table.ordinal, orders.c.id, orders.c.local_order_id
    wanted = select(*_TRANSACTION, *extra).select_from(joined).where(table.connection_id == connection_id)
    if which.payout_reference_id:
        wanted = wanted.where(table.payout_reference_id == which.payout_reference_id)
    if which.order_id is not None:
        wanted = wanted.where(orders.c.id == which.order_id)
    if which.from_time is not None:
        wanted = wanted.where(table.transaction_time >= which.from_time)
    if which.until_time is not None:
        wanted = wanted.where(table.transaction_time < which.until_time)
    if after is not None:
        wanted = wanted.where(tuple_(table.transaction_time, table.digest, table.ordinal) < after)
    ordered = wanted.order_by(table.transaction_time.desc(), table.digest.desc(), table.ordinal.desc()).limit(limit)
    return [_read(tuple(row)) for row in await tx.execute(ordered)]


def _read(row: tuple[Any, ...]) -> Kept:
    *values, digest, ordinal, order_id, local_order_id = row
    return Kept(Transaction(*values), bytes(digest), ordinal, order_id, local_order_id or "")


async def forget_places(tx: Tx, *, at: datetime, limit: int = 5_000) -> bool:
    """Forget where old orders went; tells whether there may be more."""
    table = payout_transactions.c
    key = tuple_(table.connection_id, table.digest, table.ordinal)
    old = select(table.connection_id, table.digest, table.ordinal)
    due = old.where(table.postal_code != "", table.transaction_time < at - LOCATED_FOR).limit(limit)
    return (await tx.execute(update(payout_transactions).where(key.in_(due)).values(postal_code=""))).rowcount == limit
