"""What Meta showed of items when they were last read back; a row per item that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    exists,
    select,
    text,
)

from connector.alerts.model import MOST_SAMPLES
from connector.db.schema import Instant, Json, Tx, metadata
from connector.registry.db.catalogue import items
from connector.registry.model import Observed, State

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
    Index("ix_item_observations_differs", "connection_id", "retailer_id", postgresql_where=text("verdict <> 'SAME'")),
)
DIFFERS = item_observations.c.verdict != text("'SAME'")
"""Written out, for its index."""

_MOST_COUNTED = 10_000
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


@dataclass(frozen=True, slots=True)
class Found:
    """How many items there are of a kind, counted as far as 10,000, and some of their names."""

    count: int
    names: Sequence[str]


async def flipped(tx: Tx, connection_id: UUID) -> Found:
    """Find the items that showed another availability when they were last seen."""
    return await _find(tx, connection_id, _FLIPPED)


async def drifted(tx: Tx, connection_id: UUID, *, most_mends: int) -> Found:
    """Find the items that still differ after so many mends."""
    return await _find(tx, connection_id, item_observations.c.mends >= most_mends)


async def _find(tx: Tx, connection_id: UUID, kind: ColumnElement[bool]) -> Found:
    """Find items that differ and rest at Meta: the others are being sent, or Meta refuses them, which is told elsewhere."""
    item = items.c.connection_id == connection_id, items.c.retailer_id == item_observations.c.retailer_id
    rests = exists().where(*item, items.c.state.in_((State.CONFIRMED, State.REMOVED)))
    mine = item_observations.c.connection_id == connection_id, DIFFERS, kind, rests
    some = select(item_observations.c.retailer_id).where(*mine).order_by(item_observations.c.retailer_id)
    names = list(await tx.scalars(some.limit(_MOST_COUNTED)))
    return Found(len(names), names[:MOST_SAMPLES])
