"""What the last scan of a catalog found, and by which marks it was recognised. Everything moves in sets, in bounded pieces."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    Uuid,
    and_,
    func,
    select,
    text,
)

from connector.adoption.model import RULES, Decision, Finding, Own, Plan, Rule, Scanned, Seen, own_marks, seen_marks
from connector.connections.model import LIVE
from connector.db.schema import Instant, Tx, metadata, plain
from connector.registry.db.catalogue import items
from connector.registry.model import OURS

scanned_items = Table(
    "scanned_items",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("retailer_id", Text, nullable=False, comment="its id in the catalog; somebody else gave it"),
    Column("scan_id", Uuid, nullable=False, comment="the operation that saw it last"),
    Column("item_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("gtin", Text, nullable=False),
    Column("mpn", Text, nullable=False),
    Column("item_group_id", Text, nullable=False),
    Column("product_type", Text, nullable=False),
    Column("rule", Text, comment="by what it was recognised; NULL: it was not"),
    Column("own", Text, comment="the name of our item it was recognised as; NULL: none, or several"),
    Column("duplicate", Boolean, nullable=False, server_default="false"),
    Column("plan", Text, nullable=False, server_default="LEAVE"),
    Column("decided", Boolean, nullable=False, server_default="false", comment="a caller said so"),
    Column("scan_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "retailer_id"),
    CheckConstraint("plan IN ('ADOPT', 'REPLACE', 'LEAVE') AND (plan = 'LEAVE' OR own IS NOT NULL)", "plan"),
    Index("ix_scanned_items_own", "connection_id", "own", postgresql_where=text("own IS NOT NULL")),
    Index("ix_scanned_items_planned", "connection_id", "retailer_id", postgresql_where=text("plan <> 'LEAVE'")),
)
item_marks = Table(
    "item_marks",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("retailer_id", Text, nullable=False),
    PrimaryKeyConstraint("connection_id", "kind", "digest", "retailer_id"),
    comment="what our items are recognised by; there only while a scan is at work",
)


async def forget_marks(tx: Tx, connection_id: UUID, *, limit: int) -> bool:
    """Forget a piece of the marks; tells whether there were any."""
    statement = text(
        """
        DELETE FROM item_marks WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM item_marks WHERE connection_id = :connection LIMIT :limit))
        """
    )
    return bool((await tx.execute(statement, {"connection": connection_id, "limit": limit})).rowcount)


_OWN = text(
    """
    SELECT i.retailer_id, i.product_id, i.variant_id, i.sku, coalesce(i.content::json ->> 'gtin', '') AS gtin,
        coalesce(i.content::json ->> 'link', '') AS link,
        ARRAY(SELECT alias FROM aliases a WHERE a.connection_id = :connection AND a.retailer_id = i.retailer_id) AS aliases
    FROM items i WHERE i.connection_id = :connection AND i.retailer_id > :after AND i.wanted ORDER BY i.retailer_id LIMIT :limit
    """
)
_MARK = text(
    """
    INSERT INTO item_marks (connection_id, kind, digest, retailer_id)
    SELECT DISTINCT cast(:connection AS uuid), kind, digest, retailer_id
    FROM unnest(cast(:kinds AS text[]), cast(:digests AS bytea[]), cast(:names AS text[])) AS mark (kind, digest, retailer_id)
    ON CONFLICT DO NOTHING
    """
)


async def mark_items(tx: Tx, connection_id: UUID, *, after: str, limit: int) -> str | None:
    """Write the marks of the next of our items that are wanted; tells the last of them, None at the end."""
    rows = await tx.execute(_OWN, {"connection": connection_id, "after": after, "limit": limit})
    own = [Own(*row) for row in rows]
    marks = [(mark.kind, mark.digest, item.retailer_id) for item in own for mark in own_marks(item)]
    if not own:
        return None
    kinds, digests, names = (list(column) for column in zip(*marks, strict=True))
    await tx.execute(_MARK, {"connection": connection_id, "kinds": kinds, "digests": digests, "names": names})
    return own[-1].retailer_id


# An item is ours when it was ever sent under its name, or adopted; what we only would name so is not, nor what we let go for others.
_KEEP = text(
    f"""
    WITH seen AS (
        SELECT * FROM json_to_recordset(:rows) AS seen ({", ".join(f"{name} text" for name in Seen._fields)})
        WHERE NOT EXISTS (
            SELECT FROM items i WHERE i.connection_id = :connection AND i.retailer_id = seen.retailer_id
            AND (i.stands OR (i.send_time IS NOT NULL AND i.product_id <> ''))
        )
    ), hits AS (
        SELECT mark.retailer_id, mark.rank, own.retailer_id AS own
        FROM unnest(cast(:names AS text[]), cast(:ranks AS int[]), cast(:kinds AS text[]), cast(:digests AS bytea[]))
            AS mark (retailer_id, rank, kind, digest)
        JOIN LATERAL (
            SELECT m.retailer_id FROM item_marks m
            WHERE m.connection_id = :connection AND m.kind = mark.kind AND m.digest = mark.digest LIMIT 2
        ) own ON TRUE
    ), found AS (
        SELECT retailer_id, rank, CASE count(DISTINCT own) WHEN 1 THEN min(own) END AS own
        FROM hits WHERE (retailer_id, rank) IN (SELECT retailer_id, min(rank) FROM hits GROUP BY retailer_id)
        GROUP BY retailer_id, rank
    )
    INSERT INTO scanned_items AS old (connection_id, scan_id, scan_time, {", ".join(Seen._fields)}, rule, own)
    SELECT :connection, :scan, :at, {", ".join(f"seen.{name}" for name in Seen._fields)},
        (cast(:rules AS text[]))[found.rank + 1], found.own
    FROM seen LEFT JOIN found USING (retailer_id) ORDER BY seen.retailer_id
    ON CONFLICT (connection_id, retailer_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in Seen._fields[1:])}, scan_id = excluded.scan_id, scan_time = excluded.scan_time,
        rule = CASE WHEN old.rule = 'CALLER' THEN old.rule ELSE excluded.rule END,
        own = CASE WHEN old.rule = 'CALLER' THEN old.own ELSE excluded.own END,
        decided = old.decided AND (old.rule = 'CALLER' OR old.own IS NOT DISTINCT FROM excluded.own),
        plan = CASE WHEN old.decided AND (old.rule = 'CALLER' OR old.own IS NOT DISTINCT FROM excluded.own) THEN old.plan ELSE 'LEAVE' END
    WHERE old.scan_id <> excluded.scan_id
    RETURNING retailer_id
    """  # noqa: S608 – built of our own field names
)


async def keep(tx: Tx, connection_id: UUID, scan_id: UUID, seen: Sequence[Seen], *, at: datetime) -> int:
    """Keep those of a page that are not ours, with what they are recognised as; tells how many this scan had not seen before."""
    once = {item.retailer_id: item for item in (Seen(*map(plain, item)) for item in seen)}
    marks = [(name, *mark) for name, item in once.items() for mark in seen_marks(item)]
    if not once:
        return 0
    names, ranks, kinds, digests = (list(column) for column in zip(*marks, strict=True))
    given = {"names": names, "ranks": ranks, "kinds": kinds, "digests": digests, "rules": list(RULES)}
    rows = orjson.dumps([item._asdict() for item in once.values()]).decode()
    kept = await tx.execute(_KEEP, {"connection": connection_id, "scan": scan_id, "rows": rows, "at": at} | given)
    return len(kept.all())


# Names of our kind belong to their own products, of this store or of another that shares the catalog: left alone unless told otherwise.
_JUDGE = text(
    """
    WITH piece AS (
        SELECT retailer_id FROM scanned_items WHERE connection_id = :connection AND retailer_id > :after
        ORDER BY retailer_id LIMIT :limit
    ), gone AS (
        DELETE FROM scanned_items s USING piece
        WHERE s.connection_id = :connection AND s.retailer_id = piece.retailer_id AND s.scan_id <> :scan
    ), judged AS (
        SELECT s.retailer_id, i.wanted AS known, i.stands OR i.send_time IS NOT NULL AS sent, EXISTS (
            SELECT FROM scanned_items t WHERE t.connection_id = :connection AND t.own = s.own AND t.scan_id = :scan
            AND t.retailer_id <> s.retailer_id
        ) AS twin, s.retailer_id = s.own OR NOT s.retailer_id ^@ ANY(cast(:ours AS text[])) AS free
        FROM piece JOIN scanned_items s ON s.connection_id = :connection AND s.retailer_id = piece.retailer_id AND s.scan_id = :scan
        LEFT JOIN items i ON i.connection_id = :connection AND i.retailer_id = s.own
    ), done AS (
        UPDATE scanned_items s SET duplicate = judged.twin OR coalesce(judged.sent, FALSE), plan = CASE
            WHEN s.decided THEN s.plan
            WHEN judged.known IS NOT TRUE OR judged.twin OR NOT judged.free THEN 'LEAVE'
            WHEN judged.sent THEN 'REPLACE' ELSE 'ADOPT' END
        FROM judged WHERE s.connection_id = :connection AND s.retailer_id = judged.retailer_id
    )
    SELECT max(retailer_id) FROM piece
    """
)


async def judge(tx: Tx, connection_id: UUID, scan_id: UUID, *, after: str, limit: int) -> str | None:
    """Plan for the next of what the scan found, and forget what it did not see any more; tells the last of them, None at the end."""
    given = {"connection": connection_id, "scan": scan_id, "after": after, "limit": limit, "ours": list(OURS)}
    last: str | None = await tx.scalar(_JUDGE, given)
    return last


_AMBIGUOUS = and_(scanned_items.c.rule.is_not(None), scanned_items.c.own.is_(None))
_FINDINGS: dict[Finding, ColumnElement[bool]] = {
    Finding.RECOGNISED: scanned_items.c.own.is_not(None),
    Finding.UNKNOWN: scanned_items.c.rule.is_(None),
    Finding.AMBIGUOUS: _AMBIGUOUS,
    Finding.DUPLICATE: scanned_items.c.duplicate,
}
_SEEN = [scanned_items.c[name] for name in Seen._fields]
_SHOWN = (
    *_SEEN, scanned_items.c.rule, func.coalesce(items.c.product_id, "").label("product_id"),
    func.coalesce(items.c.variant_id, "").label("variant_id"), func.coalesce(scanned_items.c.own, "").label("own_retailer_id"),
    _AMBIGUOUS.label("ambiguous"), scanned_items.c.duplicate, scanned_items.c.plan, scanned_items.c.decided, scanned_items.c.scan_time,
)  # fmt: skip
_WITH_OWN = scanned_items.outerjoin(
    items, and_(items.c.connection_id == scanned_items.c.connection_id, items.c.retailer_id == scanned_items.c.own)
)


async def page(
    tx: Tx, connection_id: UUID, *, after: str, limit: int, plan: Plan | None, finding: Finding | None
) -> list[Scanned]:
    """List what the last scan found, in the order of the ids, behind `after`."""
    wanted = [scanned_items.c.connection_id == connection_id, scanned_items.c.retailer_id > after]
    wanted += [scanned_items.c.plan == plan] if plan else []
    wanted += [_FINDINGS[finding]] if finding else []
    listed = select(*_SHOWN).select_from(_WITH_OWN).where(*wanted).order_by(scanned_items.c.retailer_id).limit(limit)
    return [_scanned(row) for row in await tx.execute(listed)]


async def named(tx: Tx, connection_id: UUID, names: Sequence[str]) -> dict[str, Scanned]:
    """Find scanned items by their ids."""
    mine = scanned_items.c.connection_id == connection_id, scanned_items.c.retailer_id == text("ANY(:names)")
    rows = await tx.execute(select(*_SHOWN).select_from(_WITH_OWN).where(*mine), {"names": list(names)})
    return {row.retailer_id: _scanned(row) for row in rows}


def _scanned(row: Row[Any]) -> Scanned:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Scanned(**values | {"rule": row.rule and Rule(row.rule), "plan": Plan(row.plan)})


_DECIDE = text(
    """
    UPDATE scanned_items s SET plan = wish.plan, decided = TRUE, own = coalesce(wish.own, s.own),
        rule = CASE WHEN wish.own <> coalesce(s.own, '') THEN 'CALLER' ELSE s.rule END
    FROM json_to_recordset(:rows) AS wish (retailer_id text, plan text, own text)
    WHERE s.connection_id = :connection AND s.retailer_id = wish.retailer_id
    """
)


async def decide(tx: Tx, connection_id: UUID, decisions: Sequence[tuple[Decision, str | None]]) -> None:
    """Store decisions, each with the name of the item of ours that was named, if one was."""
    rows = orjson.dumps([asdict(decision) | {"own": own} for decision, own in decisions]).decode()
    await tx.execute(_DECIDE, {"connection": connection_id, "rows": rows})


# Connection by connection: the planner would look through all that is kept, each time.
_SWEEP = """
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT s.ctid FROM connections c CROSS JOIN LATERAL (
            SELECT t.ctid FROM {table} t WHERE t.connection_id = c.id LIMIT :limit
        ) s WHERE c.state <> ALL(:live) AND c.state_time < :before LIMIT :limit))
"""


async def sweep(tx: Tx, *, disconnected_before: datetime, limit: int) -> bool:
    """Forget some of what was scanned for connections that ended before a time; tells whether there was any."""
    given = {"live": [str(state) for state in LIVE], "before": disconnected_before, "limit": limit}
    gone = [await tx.execute(text(_SWEEP.format(table=one.name)), given) for one in (scanned_items, item_marks)]
    return any(result.rowcount for result in gone)
