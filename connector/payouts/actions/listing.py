"""Lists payouts, transactions and balances from our own memory; Meta is not asked."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from connector.connections import db as connections
from connector.orders.db import orders
from connector.orders.model.values import missing
from connector.payouts.db import balances, transactions
from connector.payouts.db.transactions import Filter, Place
from connector.payouts.model import sheets
from connector.payouts.model.balances import Balance, State
from connector.payouts.model.values import Kept, Payout
from connector.runtime import Runtime

_PIECE = 500


async def list_payouts(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    from_time: datetime | None,
    until_time: datetime | None,
    after: tuple[datetime | None, str, str] | None,
    limit: int,
) -> Sequence[Payout]:
    """List payouts, newest first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        window = {"from_time": from_time, "until_time": until_time}
        return await transactions.list_payouts(tx, connection.id, **window, after=after, limit=limit)


async def list_transactions(
    runtime: Runtime, store_id: str, connection_id: str, which: Filter, *, after: Place | None, limit: int
) -> Sequence[Kept]:
    """List transactions, newest first, behind a place.

    Raises:
        NotFound: ORDER_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        if which.order_id is not None and await orders.find(tx, store_id, which.order_id) is None:
            raise missing(str(which.order_id))
        return await transactions.list_transactions(tx, connection.id, which, after=after, limit=limit)


async def export(runtime: Runtime, store_id: str, connection_id: str, which: Filter) -> AsyncIterator[bytes]:
    """Write transactions as CSV, newest first; the first piece begins with the heads. No transaction is open meanwhile."""
    heads: bytes | None = sheets.write_heads()
    after: Place | None = None
    while True:
        found = await list_transactions(runtime, store_id, connection_id, which, after=after, limit=_PIECE)
        for piece in sheets.write_lines(found):
            yield (heads or b"") + piece
            heads = None
        if len(found) < _PIECE:
            break
        last = found[-1]
        after = last.transaction.transaction_time, last.digest, last.ordinal
    if heads:
        yield heads


async def list_balances(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    state: State | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Balance]:
    """List how orders' money compares, the last order first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await balances.list_balances(tx, connection.id, state=state, after=after, limit=limit)
