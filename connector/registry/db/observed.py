"""What Meta showed of items when they were last read back; a row per item that was."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, func, select, text

from connector.alerts.model import MOST_SAMPLES
from connector.db.schema import Instant, Json, Tx, metadata
from connector.registry.model import Observed, Tally

item_observations = Table(
    "item_observations",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("retailer_id", Text, nullable=False),
    Column("verdict", Text, nullable=False, comment="SAME, DIFFERENT, MISSING, LEFT_OVER"),
    Column("observe_time", Instant, nullable=False),
    Column("differences", Json, nullable=False, comment="fields, with what was confirmed and what was seen"),
    Column("mends", Integer, nullable=False, comment="times in a row that it was sent again and still differed"),
    Column("review_status", Text, nullable=False),
    Column("review_rejection_reasons", Json, nullable=False),
    Column("image_fetch_status", Text, nullable=False),
    Column("faults", Json, nullable=False, comment="what Meta finds wrong with it"),
    PrimaryKeyConstraint("connection_id", "retailer_id"),
    Index("ix_item_observations_connection_id_observe_time", "connection_id", "observe_time"),
)


_FLIPPED = item_observations.c.differences.contains([{"field": "availability"}])
_SHOWN = [item_observations.c[name] for name in Observed.__slots__]


async def read(tx: Tx, connection_id: UUID, names: Sequence[str]) -> dict[str, Observed]:
    """Read what was last seen of these items."""
    mine = item_observations.c.connection_id == connection_id, item_observations.c.retailer_id == text("ANY(:names)")
    rows = await tx.execute(select(*_SHOWN).where(*mine), {"names": list(names)})
    return {row.retailer_id: Observed(*row) for row in rows}


_NOTE = text(
    """
    INSERT INTO item_observations (connection_id, retailer_id, verdict, observe_time, differences, mends, review_status,
        review_rejection_reasons, image_fetch_status, faults)
    SELECT :connection, retailer_id, verdict, observe_time, differences, mends, review_status, review_rejection_reasons,
        image_fetch_status, faults
    FROM json_to_recordset(:rows) AS row(retailer_id text, verdict text, observe_time timestamptz, differences jsonb,
        mends integer, review_status text, review_rejection_reasons jsonb, image_fetch_status text, faults jsonb)
    ORDER BY retailer_id
    ON CONFLICT (connection_id, retailer_id) DO UPDATE SET verdict = excluded.verdict, observe_time = excluded.observe_time,
        differences = excluded.differences, mends = excluded.mends, review_status = excluded.review_status,
        review_rejection_reasons = excluded.review_rejection_reasons, image_fetch_status = excluded.image_fetch_status,
        faults = excluded.faults
    """
)


async def note(tx: Tx, connection_id: UUID, seen: Sequence[Observed]) -> None:
    """Keep what was seen, in place of what was seen before."""
    if seen:
        rows = orjson.dumps(list(seen)).decode()
        await tx.execute(_NOTE, {"connection": connection_id, "rows": rows})


async def tally(tx: Tx, connection_id: UUID, *, since: datetime, most_mends: int) -> Tally:
    """Count what was seen since a moment."""
    mine = item_observations.c.connection_id == connection_id, item_observations.c.observe_time >= since
    kinds = _FLIPPED, item_observations.c.mends >= most_mends
    counted = select(func.count(), *(func.count().filter(kind) for kind in kinds)).where(*mine)
    row: Any = (await tx.execute(counted)).one()
    seen, flipped, drifted = row
    names: list[list[str]] = []
    for kind, count in zip(kinds, (flipped, drifted), strict=True):
        some = select(item_observations.c.retailer_id).where(*mine, kind).order_by(item_observations.c.retailer_id)
        names.append(list(await tx.scalars(some.limit(MOST_SAMPLES))) if count else [])
    return Tally(seen, flipped, drifted, names[0], names[1])
