"""How far reading back is, and the items of ours it compares."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Column, Integer, Table, Text, Uuid, false, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata
from connector.readback.model import LOOKED_THROUGH, SETTLING, SIZES, Confirmed, Pass, Picked, Readback, due_stage
from connector.registry.db.catalogue import items
from connector.registry.db.observed import DIFFERS, item_observations
from connector.registry.model import State

PAGE_SIZE = 200
"""Unverified: the largest page Meta gives with so many fields; halved when it asks for less, doubled with every pass."""

readbacks = Table(
    "readbacks",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("sample_time", Instant, nullable=False, comment="when the last night's sample began"),
    Column("full_time", Instant, nullable=False, comment="when everything was last begun to be read"),
    Column("stage", Text, comment="the pass under way; NULL: none"),
    Column("cursor", Text, nullable=False, server_default=""),
    Column("sample_cursor", Text, nullable=False, server_default="", comment="the name at which the last sample ended"),
    Column("different_cursor", Text, nullable=False, server_default="", comment="the same of what differed before"),
    Column("left", Integer, nullable=False, server_default="0", comment="items that the pass still looks at"),
    Column("page_size", Integer, nullable=False, server_default=str(PAGE_SIZE)),
    Column("begin_time", Instant),
    Column("seen", Integer, nullable=False, server_default="0", comment="items judged that the pass came upon"),
    Column("flipped", Integer, nullable=False, server_default="0", comment="of these, with another availability"),
)


async def begin(tx: Tx, connection_id: UUID, *, at: datetime) -> Readback:
    """Begin the largest pass that is due; the first sample and the first full pass come after a day and a week."""
    new = {"connection_id": connection_id, "sample_time": at, "full_time": at}
    await tx.execute(insert(readbacks).values(**new).on_conflict_do_nothing())
    row = (
        await tx.execute(select(readbacks).where(readbacks.c.connection_id == connection_id).with_for_update())
    ).one()
    stage = due_stage(at, sample_time=row.sample_time, full_time=row.full_time)
    values: dict[str, Any] = {
        "stage": stage,
        "cursor": "" if stage is Pass.FULL else row.sample_cursor,
        "left": SIZES.get(stage, 0),
        "page_size": min(PAGE_SIZE, 2 * row.page_size),
        "begin_time": at,
    }
    times = {Pass.SAMPLE: {"sample_time": at}, Pass.FULL: {"sample_time": at, "full_time": at}}
    await move(tx, connection_id, seen=0, flipped=0, **values, **times.get(stage, {}))
    return Readback(connection_id, **values)


async def under_way(tx: Tx, connection_id: UUID) -> Readback | None:
    """Read the pass that is under way."""
    columns = [readbacks.c[name] for name in Readback.__slots__]
    mine = select(*columns).where(readbacks.c.connection_id == connection_id, readbacks.c.stage.is_not(None))
    row = (await tx.execute(mine)).one_or_none()
    return None if row is None else Readback(*(row[0], Pass(row.stage), *row[2:]))


async def move(tx: Tx, connection_id: UUID, **values: Any) -> None:
    """Note how far the pass has come."""
    await tx.execute(update(readbacks).where(readbacks.c.connection_id == connection_id).values(**values))


async def go_on_with_different(tx: Tx, connection_id: UUID) -> None:
    """Go on with what differed when it was last seen, from where that was left last time."""
    anew = {"stage": Pass.DIFFERENT, "cursor": readbacks.c.different_cursor, "left": SIZES[Pass.DIFFERENT]}
    await move(tx, connection_id, **anew)


async def pick(tx: Tx, turn: Readback, *, limit: int, at: datetime) -> Picked:
    """Name the next items to ask for: confirmed long enough ago, and not seen in this pass.

    A turn looks through so many items only, however few of them it finds.
    """
    looked = _looked_through(turn)
    rests = [State.CONFIRMED, State.REMOVED] if turn.stage is Pass.DIFFERENT else [State.CONFIRMED]
    known_since = turn.begin_time if turn.stage is Pass.MISSING else at
    seen = item_observations.c.observe_time >= turn.begin_time
    this = (
        item_observations.c.connection_id == turn.connection_id,
        item_observations.c.retailer_id == looked.c.retailer_id,
    )
    # A value, not EXISTS: looked up for each of the few, where a join would go through every observation there is.
    mine = [~func.coalesce(select(seen).where(*this).scalar_subquery(), false())]
    mine += [looked.c.state.in_(rests), looked.c.confirm_time < known_since - SETTLING]
    wanted = select(looked.c.retailer_id).where(*mine).order_by(looked.c.retailer_id).limit(limit)
    names = list(await tx.scalars(wanted))
    if len(names) == limit:
        return Picked(names, names[-1])
    count, last = (await tx.execute(select(func.count(), func.max(looked.c.retailer_id)))).one()
    return Picked(names, last if count == LOOKED_THROUGH else "")


def _looked_through(turn: Readback) -> CTE:
    """Take the next items behind the cursor."""
    known = item_observations if turn.stage is Pass.DIFFERENT else items
    some = select(items.c.retailer_id, items.c.state, items.c.confirm_time)
    mine = [known.c.connection_id == turn.connection_id, known.c.retailer_id > turn.cursor]
    if turn.stage is Pass.DIFFERENT:
        same = [items.c[name] == item_observations.c[name] for name in ("connection_id", "retailer_id")]
        mine += [DIFFERS, *same]
    return some.where(*mine).order_by(known.c.retailer_id).limit(LOOKED_THROUGH).cte("looked")


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
