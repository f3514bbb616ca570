"""Balances of orders: weighed piece by piece after each reading, so that lists need not add up anything."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text, tuple_

from connector.connections.model import Connection
from connector.db import sets
from connector.db.schema import Tx
from connector.orders.db.tables import orders
from connector.payouts.db.tables import order_balances
from connector.payouts.model.balances import WRONG, Balance, Facts, State, compare

_FACTS = text(
    """
    WITH piece AS (
        SELECT id, store_id, external_order_id, currency_code, order_time, tax_remitted FROM orders
        WHERE connection_id = :connection_id AND id > :after AND currency_code <> '' ORDER BY id LIMIT :limit)
    SELECT piece.id, piece.order_time,
        coalesce(charge.amount, 0) AS charged, coalesce(refund.amount, 0) AS refunded,
        coalesce(brought.net + brought.fees, 0) AS received, coalesce(brought.fees, 0) AS fees,
        coalesce(brought.foreign_ones, 0) > 0 AS foreign, charge.first_time AS charge_time,
        greatest(charge.last_time, refund.last_time) AS change_time, brought.open_time,
        coalesce(brought.paid_ones, 0) > 0 AS paid
    FROM piece
    LEFT JOIN LATERAL (
        SELECT sum(total - CASE WHEN piece.tax_remitted THEN tax ELSE 0 END)::bigint AS amount,
            min(create_time) AS first_time, max(create_time) AS last_time
        FROM order_payments WHERE order_id = piece.id AND captured) AS charge ON true
    LEFT JOIN LATERAL (
        SELECT sum(total - CASE WHEN piece.tax_remitted THEN tax ELSE 0 END)::bigint AS amount, max(create_time) AS last_time
        FROM order_refunds WHERE order_id = piece.id) AS refund ON true
    LEFT JOIN LATERAL (
        SELECT sum(one.net_amount) FILTER (WHERE one.currency_code = piece.currency_code)::bigint AS net,
            sum(one.processing_fee) FILTER (WHERE one.currency_code = piece.currency_code)::bigint AS fees,
            count(*) FILTER (WHERE one.currency_code <> piece.currency_code) AS foreign_ones,
            count(*) FILTER (WHERE one.payout_reference_id <> '') AS paid_ones,
            min(one.transaction_time) FILTER (WHERE one.payout_reference_id = '' OR payout.state = 'FAILED') AS open_time
        FROM payout_transactions AS one
        LEFT JOIN payouts AS payout ON payout.connection_id = one.connection_id AND payout.name = one.payout_reference_id
            AND payout.currency_code = one.currency_code
        WHERE one.store_id = piece.store_id AND one.external_order_id = piece.external_order_id) AS brought ON true
    ORDER BY piece.id
    """
)


async def weigh(tx: Tx, connection: Connection, *, after: UUID | None, at: datetime, limit: int) -> UUID | None:
    """Weigh a piece of a connection's orders by the reading of `at`; tells behind which to go on, None at the end."""
    given = {"connection_id": connection.id, "after": after or UUID(int=0), "limit": limit}
    found = (await tx.execute(_FACTS, given)).all()
    if found:
        rows = [_weighed(connection, row, at=at) for row in found]
        wish = sets.insertion(order_balances, tuple(rows[0]))
        newest = {name: wish.excluded[name] for name in ("state", "expected", "received", "fees", "weigh_time")}
        await tx.execute(wish.on_conflict_do_update(index_elements=["order_id"], set_=newest), sets.sent(rows))
    return found[-1].id if len(found) == limit else None


def _weighed(connection: Connection, row: Any, *, at: datetime) -> dict[str, Any]:
    facts = Facts(*(getattr(row, name) for name in Facts._fields))
    return {
        "order_id": row.id,
        "connection_id": connection.id,
        "store_id": connection.store_id,
        "state": compare(facts, at=at),
        "expected": facts.expected,
        "received": facts.received,
        "fees": facts.fees,
        "order_time": row.order_time,
        "weigh_time": at,
    }


class Wrong(NamedTuple):
    """Orders whose money is not as it should be: how many, since when they were placed, and some of them."""

    number: int
    samples: list[str]


async def wrong(tx: Tx, connection_id: UUID, *, samples: int) -> Wrong:
    """Tell which orders of a connection somebody should look at."""
    table = order_balances.c
    bad = table.connection_id == connection_id, table.state.in_(WRONG)
    number = await tx.scalar(select(func.count()).where(*bad))
    joined = order_balances.join(orders, orders.c.id == table.order_id)
    first = select(orders.c.external_order_id).select_from(joined).where(*bad)
    some = (await tx.execute(first.order_by(table.order_time.desc(), table.order_id.desc()).limit(samples))).scalars()
    return Wrong(number or 0, list(some))


async def list_balances(
    tx: Tx, connection_id: UUID, *, state: State | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Balance]:
    """List how orders' money compares, the last order first, behind a place."""
    table = order_balances.c
    named = orders.c.external_order_id, orders.c.local_order_id, orders.c.currency_code
    shown = [*named, *(table[name] for name in ("order_id", "state", "expected", "received", "fees", "order_time"))]
    wanted = select(*shown).select_from(order_balances.join(orders, orders.c.id == table.order_id))
    wanted = wanted.where(table.connection_id == connection_id)
    if state is not None:
        wanted = wanted.where(table.state == state)
    if after is not None:
        wanted = wanted.where(tuple_(table.order_time, table.order_id) < after)
    ordered = wanted.order_by(table.order_time.desc(), table.order_id.desc()).limit(limit)
    return [_read(row) for row in await tx.execute(ordered)]


def _read(row: Any) -> Balance:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Balance(**values | {"state": State(values["state"])})
