"""Items that others put into a catalog become ours, or make room for ours. In bounded pieces, each locked in the order of names."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import func, select, text

from connector.adoption.db.scans import scanned_items
from connector.adoption.model import Counts, Plan
from connector.db.schema import Tx
from connector.registry.db.catalogue import items


class Takeover(NamedTuple):
    """What is planned for one scanned item, and whether it is still possible."""

    retailer_id: str
    own: str
    product_id: str
    variant_id: str
    title: str
    plan: str
    possible: bool


# Ours may take another's name only while it never had one at Meta; theirs may leave only as long as ours is to stand instead.
# No name ever means two things: not another item of ours, nor what another was called before.
_POSSIBLE = """
    i.wanted AND NOT EXISTS (
        SELECT FROM items t WHERE t.connection_id = :connection AND t.retailer_id = s.retailer_id AND t.retailer_id <> s.own
        AND (t.product_id <> '' OR t.stands OR t.batch_id IS NOT NULL)
    ) AND NOT EXISTS (
        SELECT FROM aliases a WHERE a.connection_id = :connection AND a.alias = s.retailer_id AND a.retailer_id <> s.own
    ) AND CASE s.plan
        WHEN 'ADOPT' THEN NOT i.stands AND i.send_time IS NULL AND NOT EXISTS (
            SELECT FROM scanned_items o WHERE o.connection_id = :connection AND o.own = s.own AND o.plan = 'ADOPT' AND o.retailer_id <> s.retailer_id)
        ELSE s.retailer_id <> s.own END
"""
# Each is judged once, beside its own item: the planner would judge twice, and read all items for every piece.
_COUNT = text(
    f"""
    WITH piece AS (
        SELECT * FROM scanned_items WHERE connection_id = :connection AND plan <> 'LEAVE' AND retailer_id > :after
        ORDER BY retailer_id LIMIT :limit
    ), judged AS MATERIALIZED (
        SELECT s.retailer_id, s.plan, coalesce({_POSSIBLE}, FALSE) AS possible FROM piece s LEFT JOIN LATERAL (
            SELECT wanted, stands, send_time FROM items WHERE connection_id = :connection AND retailer_id = s.own LIMIT 1
        ) i ON TRUE
    )
    SELECT count(*) FILTER (WHERE plan = 'ADOPT' AND possible), count(*) FILTER (WHERE plan = 'REPLACE' AND possible),
        count(*) FILTER (WHERE NOT possible), max(retailer_id) AS last FROM judged
    """  # noqa: S608 – built of constants
)
_PIECE = 5_000


async def count(tx: Tx, connection_id: UUID) -> Counts:
    """Count what applying the plan would do, and all that stands in the catalog: theirs and ours."""
    mine, found = items.c.connection_id == connection_id, scanned_items.c.connection_id == connection_id
    ours = await tx.scalar(select(func.count()).where(mine, items.c.wanted, items.c.stands)) or 0
    scanned = await tx.scalar(select(func.count()).where(found)) or 0
    adopt = replace = impossible = 0
    after: str | None = ""
    while after is not None:
        row = (await tx.execute(_COUNT, {"connection": connection_id, "after": after, "limit": _PIECE})).one()
        adopt, replace, impossible, after = adopt + row[0], replace + row[1], impossible + row[2], row.last
    return Counts(adopt, replace, scanned - adopt - replace - impossible, impossible, ours + scanned)


_PICK = text(
    f"""
    SELECT s.retailer_id, s.own, coalesce(i.product_id, '') AS product_id, coalesce(i.variant_id, '') AS variant_id, s.title, s.plan,
        coalesce({_POSSIBLE}, FALSE) AS possible
    FROM scanned_items s LEFT JOIN items i ON i.connection_id = :connection AND i.retailer_id = s.own
    WHERE s.connection_id = :connection AND s.retailer_id = ANY(:names) ORDER BY s.retailer_id
    """  # noqa: S608 – built of constants
)


async def pick(tx: Tx, connection_id: UUID, *, after: str, limit: int) -> list[Takeover]:
    """List the next scanned items that are to be adopted or replaced, and keep the items of ours they mean from changing."""
    planned = scanned_items.c.connection_id == connection_id, scanned_items.c.plan != Plan.LEAVE
    behind = select(scanned_items.c.retailer_id, scanned_items.c.own).where(
        *planned, scanned_items.c.retailer_id > after
    )
    rows = (await tx.execute(behind.order_by(scanned_items.c.retailer_id).limit(limit))).all()
    mine = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:owns)")
    locked = select(items.c.retailer_id).where(*mine).order_by(items.c.retailer_id).with_for_update()
    await tx.execute(locked, {"owns": [row.own for row in rows]})
    return await judge(tx, connection_id, [row.retailer_id for row in rows])


async def judge(tx: Tx, connection_id: UUID, names: Sequence[str]) -> list[Takeover]:
    """Tell what is planned for scanned items and whether it is possible, in the order of their ids."""
    return [Takeover(*row) for row in await tx.execute(_PICK, {"connection": connection_id, "names": list(names)})]


_TAKEN = """
    WITH taken AS (SELECT * FROM json_to_recordset(:rows) AS row(retailer_id text, own text, title text)),
         renamed AS (SELECT * FROM taken WHERE retailer_id <> own)
"""
_ADOPT = (
    # What was replaced under this name once has left the catalog: its row makes room.
    "DELETE FROM items i USING taken WHERE i.connection_id = :connection AND i.retailer_id = taken.retailer_id AND i.product_id = ''",
    "DELETE FROM aliases a USING taken WHERE a.connection_id = :connection AND a.alias = taken.retailer_id",
    "UPDATE aliases a SET retailer_id = renamed.retailer_id FROM renamed WHERE a.connection_id = :connection AND a.retailer_id = renamed.own",
    """
    UPDATE items i SET retailer_id = taken.retailer_id, stands = TRUE, clearing = TRUE, held = FALSE, operation_id = :operation,
        usual = usual AND taken.retailer_id = taken.own
    FROM taken WHERE i.connection_id = :connection AND i.retailer_id = taken.own
    """,
    """
    INSERT INTO aliases (connection_id, alias, retailer_id, create_time)
    SELECT :connection, own, retailer_id, :at FROM renamed ORDER BY own ON CONFLICT DO NOTHING
    """,
    """
    UPDATE hold_lines l SET retailer_id = renamed.retailer_id FROM renamed, holds h
    WHERE h.id = l.hold_id AND h.connection_id = :connection AND l.retailer_id = renamed.own
    """,
    "DELETE FROM scanned_items s USING taken WHERE s.connection_id = :connection AND s.retailer_id = taken.retailer_id",
    "UPDATE scanned_items s SET own = renamed.retailer_id FROM renamed WHERE s.connection_id = :connection AND s.own = renamed.own",
)
_REPLACE = (
    """
    INSERT INTO items AS old (connection_id, retailer_id, product_id, variant_id, whole, heir, usual, wanted, stands, title,
        operation_id, desire_time)
    SELECT :connection, retailer_id, '', retailer_id, FALSE, retailer_id, TRUE, FALSE, TRUE, title, :operation, :at
    FROM taken ORDER BY retailer_id
    ON CONFLICT (connection_id, retailer_id) DO UPDATE SET stands = TRUE, held = FALSE, refused_by = NULL, meta_faults = '[]',
        operation_id = excluded.operation_id, desire_time = excluded.desire_time WHERE old.product_id = ''
    """,
    """
    INSERT INTO aliases (connection_id, alias, retailer_id, create_time)
    SELECT :connection, retailer_id, own, :at FROM taken ORDER BY retailer_id ON CONFLICT DO NOTHING
    """,
    "DELETE FROM scanned_items s USING taken WHERE s.connection_id = :connection AND s.retailer_id = taken.retailer_id",
)


async def adopt(
    tx: Tx, connection_id: UUID, operation_id: UUID, taken: Sequence[Takeover], *, at: datetime
) -> list[str]:
    """Let our items go on under the names of scanned ones, for an operation; ours still in the making become aliases. Tells the names."""
    await _execute(tx, _ADOPT, connection_id, operation_id, taken, at=at)
    return [one.retailer_id for one in taken]


async def replace(tx: Tx, connection_id: UUID, operation_id: UUID, taken: Sequence[Takeover], *, at: datetime) -> None:
    """Let scanned items leave the catalog, for an operation: rows without a product, to be removed. Their names lead to ours."""
    await _execute(tx, _REPLACE, connection_id, operation_id, taken, at=at)


async def leave(tx: Tx, connection_id: UUID, names: Sequence[str]) -> None:
    """Leave scanned items alone for which the plan is no longer possible."""
    statement = "UPDATE scanned_items SET plan = 'LEAVE', decided = FALSE WHERE connection_id = :connection AND retailer_id = ANY(:names)"
    await tx.execute(text(statement), {"connection": connection_id, "names": list(names)})


async def _execute(
    tx: Tx,
    statements: Sequence[str],
    connection_id: UUID,
    operation_id: UUID,
    taken: Sequence[Takeover],
    *,
    at: datetime,
) -> None:
    rows = [{"retailer_id": one.retailer_id, "own": one.own, "title": one.title} for one in taken]
    given = {"connection": connection_id, "operation": operation_id, "at": at, "rows": orjson.dumps(rows).decode()}
    for statement in statements if taken else ():
        needed = {name: value for name, value in given.items() if f":{name}" in _TAKEN + statement}
        await tx.execute(text(_TAKEN + statement), needed)
