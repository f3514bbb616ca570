"""Which order of StormCom's stands for which order of a channel's: written once, unique both ways, whatever road an order came by."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, UniqueConstraint, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata

order_mappings = Table(
    "order_mappings",
    metadata,
    Column("store_id", Text, nullable=False),
    Column("channel", Text, nullable=False, comment="FACEBOOK, INSTAGRAM, MESSENGER or WEBSITE"),
    Column("external_order_id", Text, nullable=False, comment="the order's name on the channel"),
    Column("local_order_id", Text, nullable=False, comment="StormCom's id of the order"),
    Column("create_time", Instant, nullable=False),
    PrimaryKeyConstraint("store_id", "channel", "external_order_id"),
    UniqueConstraint("store_id", "local_order_id"),
)


class OrderMapping(NamedTuple):
    """An order by both its names."""

    store_id: str
    channel: str
    external_order_id: str
    local_order_id: str


async def lock_order(tx: Tx, store_id: str, local_order_id: str) -> None:
    """Let one transaction at a time record an order of StormCom's; a hash, so that two may rarely wait for one another."""
    name = f"order:{store_id}:{local_order_id}"
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def map_order(tx: Tx, mapping: OrderMapping, *, at: datetime) -> OrderMapping:
    """Write down what an order stands for; tells what is written: another mapping when either name is taken."""
    wish = insert(order_mappings).values(**mapping._asdict(), create_time=at).on_conflict_do_nothing()
    if (await tx.execute(wish.returning(order_mappings.c.store_id))).one_or_none() is not None:
        return mapping
    shown = [order_mappings.c[name] for name in OrderMapping._fields]
    same_name = (order_mappings.c.channel == mapping.channel) & (
        order_mappings.c.external_order_id == mapping.external_order_id
    )
    either = or_(same_name, order_mappings.c.local_order_id == mapping.local_order_id)
    taken = select(*shown).where(order_mappings.c.store_id == mapping.store_id, either)
    # Two names may be taken by two orders: the one that differs is what the caller has to know.
    found = [OrderMapping(*row) for row in await tx.execute(taken)]
    return next((one for one in found if one != mapping), mapping)


async def mapping_of(tx: Tx, store_id: str, channel: str, external_order_id: str) -> OrderMapping | None:
    """Find which order of StormCom's stands for an order of a channel's."""
    key = order_mappings.c.store_id == store_id, order_mappings.c.channel == channel
    shown = [order_mappings.c[name] for name in OrderMapping._fields]
    wanted = select(*shown).where(*key, order_mappings.c.external_order_id == external_order_id)
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else OrderMapping(*row)
