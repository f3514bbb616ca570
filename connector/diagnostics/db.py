"""What Meta found wrong, as it was last told, and what our checks and its verdicts say, as it stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, Uuid, delete, select, text

from connector.db.schema import Instant, Json, Tx, metadata, plain
from connector.diagnostics.model.values import ItemTrouble, Severity, Source, Trouble

catalog_diagnostics = Table(
    "catalog_diagnostics",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("type", Text, nullable=False, comment="Meta's"),
    Column("severity", Text, nullable=False),
    Column("told", Json, nullable=False, comment="title, count and channels, as Meta last told them"),
    Column("first_time", Instant, nullable=False),
    Column("last_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "type", "severity"),
)
item_errors = Table(
    "item_errors",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("error_type", Text, nullable=False, comment="Meta's"),
    Column("retailer_id", Text, nullable=False),
    Column("priority", Text, nullable=False, comment="HIGH, MEDIUM, LOW"),
    Column("words", Text, nullable=False, comment="Meta's"),
    Column("first_time", Instant, nullable=False),
    Column("last_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "error_type", "retailer_id"),
    Index("ix_item_errors_connection_id_retailer_id", "connection_id", "retailer_id"),
)

_KEEP_CATALOG = text(
    """
    INSERT INTO catalog_diagnostics (connection_id, type, severity, told, first_time, last_time)
    SELECT :connection, type, severity, told, :at, :at
    FROM json_to_recordset(:rows) AS row(type text, severity text, told jsonb) ORDER BY type, severity
    ON CONFLICT (connection_id, type, severity) DO UPDATE SET told = excluded.told, last_time = excluded.last_time
    """
)


async def keep_catalog(tx: Tx, connection_id: UUID, found: Sequence[Trouble], *, at: datetime) -> None:
    """Keep what Meta says of the catalog; what it no longer says is forgotten."""
    rows = {(one.reason, one.severity): {"title": plain(one.title), "item_count": one.item_count,
                                         "affected_channels": list(one.affected_channels)} for one in found}  # fmt: skip
    told = [{"type": reason, "severity": severity, "told": words} for (reason, severity), words in rows.items()]
    if told:
        await tx.execute(_KEEP_CATALOG, {"connection": connection_id, "rows": orjson.dumps(told).decode(), "at": at})
    gone = catalog_diagnostics.c.connection_id == connection_id, catalog_diagnostics.c.last_time < at
    await tx.execute(delete(catalog_diagnostics).where(*gone))


_KEEP_ITEMS = text(
    r"""
    INSERT INTO item_errors (connection_id, error_type, retailer_id, priority, words, first_time, last_time)
    SELECT :connection, error_type, retailer_id, priority, words, :at, :at
    FROM json_to_recordset(:rows) AS row(error_type text, retailer_id text, priority text, words text)
    WHERE EXISTS (SELECT FROM items WHERE items.connection_id = :connection AND items.retailer_id = row.retailer_id)
    ORDER BY error_type, retailer_id
    ON CONFLICT (connection_id, error_type, retailer_id)
    DO UPDATE SET priority = excluded.priority, words = excluded.words, last_time = excluded.last_time
    """
)


async def keep_items(tx: Tx, connection_id: UUID, found: Sequence[ItemTrouble], *, at: datetime) -> None:
    """Keep what Meta says of items of ours."""
    rows = {
        (error["error_type"], one.retailer_id): {
            "error_type": plain(error["error_type"]),
            "retailer_id": plain(one.retailer_id),
            "priority": error["error_priority"],
            "words": plain(_words(error)),
        }
        for one in found
        for error in one.errors
    }
    if rows:
        given = {"connection": connection_id, "rows": orjson.dumps(list(rows.values())).decode(), "at": at}
        await tx.execute(_KEEP_ITEMS, given)


def _words(error: Mapping[str, str]) -> str:
    return " ".join(error[name] for name in ("title", "description", "call_to_action") if error[name])


async def forget_items(tx: Tx, connection_id: UUID, *, before: datetime, limit: int) -> int:
    """Forget what Meta no longer says of items; tells how many, at most `limit`."""
    statement = text(
        """
        DELETE FROM item_errors WHERE (connection_id, error_type, retailer_id) IN (
            SELECT connection_id, error_type, retailer_id FROM item_errors
            WHERE connection_id = :connection AND last_time < :before LIMIT :limit) RETURNING 1
        """
    )
    return len((await tx.execute(statement, {"connection": connection_id, "before": before, "limit": limit})).all())


# Items with the same faults are counted together first: a remark on every one of very many items is read as one.
_LOCAL = text(
    r"""
    SELECT told.*, ARRAY(
        SELECT name FROM jsonb_array_elements(told.groups) AS names, jsonb_array_elements_text(names) AS name ORDER BY name LIMIT 10
    ) AS samples
    FROM (
        SELECT kinds.source, kinds.reason, kinds.severity, CAST(sum(alike.count) AS bigint) AS item_count,
            min(alike.first_time) AS first_time, max(alike.last_time) AS last_time, jsonb_agg(alike.names) AS groups
        FROM (
            SELECT faults, meta_faults, count(*) AS count, to_jsonb((array_agg(retailer_id))[1\:10]) AS names,
                min(desire_time) AS first_time, max(desire_time) AS last_time
            FROM items WHERE connection_id = :connection AND wanted AND reasons <> '[]' GROUP BY faults, meta_faults
        ) AS alike
        CROSS JOIN LATERAL (
            SELECT DISTINCT told.source, fault ->> 'reason' AS reason,
                CASE WHEN fault ->> 'severity' = 'SEVERITY_ERROR' THEN 'MUST_FIX' ELSE 'OPPORTUNITY' END AS severity
            FROM (VALUES ('CHECKS', alike.faults), ('VERDICT', alike.meta_faults)) AS told (source, faults)
            CROSS JOIN LATERAL jsonb_array_elements(told.faults) AS fault
        ) AS kinds GROUP BY 1, 2, 3
    ) AS told
    """
)
_ITEMS = text(
    r"""
    SELECT error_type AS reason, CASE WHEN priority = 'HIGH' THEN 'MUST_FIX' ELSE 'OPPORTUNITY' END AS severity, min(words) AS title,
        count(*) AS item_count, (array_agg(retailer_id ORDER BY retailer_id))[1\:10] AS samples, min(first_time) AS first_time,
        max(last_time) AS last_time
    FROM item_errors WHERE connection_id = :connection GROUP BY 1, 2
    """
)


async def found(tx: Tx, connection_id: UUID) -> list[Trouble]:
    """List everything that is wrong with a connection's catalog."""
    given = {"connection": connection_id}
    local = [
        Trouble(Source(row.source), row.reason, Severity(row.severity), "", row.item_count, row.samples, (), row.first_time, row.last_time)
        for row in await tx.execute(_LOCAL, given)
    ]  # fmt: skip
    items = [
        Trouble(Source.ITEM, row.reason, Severity(row.severity), row.title, row.item_count, row.samples, (), row.first_time, row.last_time)
        for row in await tx.execute(_ITEMS, given)
    ]  # fmt: skip
    mine = select(catalog_diagnostics).where(catalog_diagnostics.c.connection_id == connection_id)
    return [*local, *items, *map(_of_catalog, await tx.execute(mine))]


def _of_catalog(row: Any) -> Trouble:
    told = row.told
    return Trouble(
        Source.CATALOG, row.type, Severity(row.severity), told["title"], told["item_count"], (), told["affected_channels"],
        row.first_time, row.last_time,
    )  # fmt: skip
