"""How far reading back is, and the items of ours it compares."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Table, Text, Uuid, and_, exists, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata
from connector.readback.model import SETTLING, SIZES, Confirmed, Pass, Readback, due_stage
from connector.registry.db.catalogue import items
from connector.registry.db.observed import item_observations
from connector.registry.model import State

PAGE_SIZE = 200
"""Unverified: the largest page Meta gives with so many fields; halved when it asks for less."""

readbacks = Table(
    "readbacks",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("sample_time", Instant, nullable=False, comment="when the last night's sample began"),
    Column("full_time", Instant, nullable=False, comment="when everything was last begun to be read"),
    Column("stage", Text, comment="the pass under way; NULL: none"),
    Column("cursor", Text, nullable=False, server_default=""),
    Column("sample_cursor", Text, nullable=False, server_default="", comment="the name at which the last sample ended"),
    Column("left", Integer, nullable=False, server_default="0", comment="items that the pass still looks at"),
    Column("page_size", Integer, nullable=False, server_default=str(PAGE_SIZE)),
    Column("begin_time", Instant),
)


async def begin(tx: Tx, connection_id: UUID, *, at: datetime) -> Readback:
    """Begin the largest pass that is due; the first sample and the first full pass come after a day and a week."""
    new = {"connection_id": connection_id, "sample_time": at, "full_time": at}
    await tx.execute(insert(readbacks).values(**new).on_conflict_do_nothing())
    row = (
        await tx.execute(select(readbacks).where(readbacks.c.connection_id == connection_id).with_for_update())
    ).one()
    stage = due_stage(at, sample_time=row.sample_time, full_time=row.full_time)
    values: dict[str, Any] = {"stage": stage, "begin_time": at, "left": SIZES.get(stage, 0)}
    values["cursor"] = "" if stage is Pass.FULL else row.sample_cursor
    if stage is not Pass.WATCH:
        values["sample_time"] = at
    if stage is Pass.FULL:
        values["full_time"] = at
    await move(tx, connection_id, **values)
    return Readback(connection_id, stage, values["cursor"], values["left"], row.page_size, at)


async def under_way(tx: Tx, connection_id: UUID) -> Readback | None:
    """Read the pass that is under way."""
    columns = [readbacks.c[name] for name in Readback.__slots__]
    mine = select(*columns).where(readbacks.c.connection_id == connection_id, readbacks.c.stage.is_not(None))
    row = (await tx.execute(mine)).one_or_none()
    return None if row is None else Readback(*(row[0], Pass(row.stage), *row[2:]))


async def move(tx: Tx, connection_id: UUID, **values: Any) -> None:
    """Note how far the pass has come."""
    await tx.execute(update(readbacks).where(readbacks.c.connection_id == connection_id).values(**values))


async def pick(tx: Tx, turn: Readback, *, limit: int, at: datetime) -> list[str]:
    """Name the next items to ask for: confirmed long enough ago; in a MISSING pass, those that the full pass did not see."""
    mine = [items.c.connection_id == turn.connection_id, items.c.state == State.CONFIRMED]
    mine += [items.c.retailer_id > turn.cursor, items.c.confirm_time < at - SETTLING]
    if turn.stage is Pass.MISSING:
        seen = item_observations.c.connection_id == items.c.connection_id
        seen = and_(seen, item_observations.c.retailer_id == items.c.retailer_id)
        mine += [items.c.confirm_time < turn.begin_time - SETTLING]
        mine += [~exists().where(seen, item_observations.c.observe_time >= turn.begin_time)]
    wanted = select(items.c.retailer_id).where(*mine).order_by(items.c.retailer_id).limit(limit)
    return list(await tx.scalars(wanted))


async def lock_confirmed(tx: Tx, connection_id: UUID, names: Sequence[str], *, at: datetime) -> list[Confirmed]:
    """Read those of these items that rest as Meta confirmed them, and keep them from changing.

    Those without a product were another tool's: gone once, they are nothing of ours, whoever puts them there again.
    """
    ours = items.c.connection_id == connection_id, items.c.product_id != ""
    mine = *ours, items.c.retailer_id == text("ANY(:names)")
    rests = items.c.state.in_((State.CONFIRMED, State.REMOVED)), items.c.batch_id.is_(None)
    columns = [items.c[name] for name in Confirmed.__slots__]
    rows = select(*columns).where(*mine, *rests, items.c.confirm_time < at - SETTLING).order_by(items.c.retailer_id)
    return [Confirmed(*row) for row in await tx.execute(rows.with_for_update(), {"names": list(names)})]


async def send_again(tx: Tx, connection_id: UUID, names: Sequence[str]) -> None:
    """Let items be sent as if they never had been; what is not wanted and still stands is removed once more."""
    mine = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
    anew = {"sent_content": None, "sent_offer": None, "stands": True}
    await tx.execute(update(items).where(*mine).values(**anew), {"names": list(names)})


async def forget(tx: Tx, connection_id: UUID) -> None:
    """End the pass."""
    await move(tx, connection_id, stage=None, cursor="", left=0)
