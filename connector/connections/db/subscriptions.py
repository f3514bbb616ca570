"""What is remembered of each Page's webhook subscription. Whoever changes it holds the lock of its connection."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Table, Uuid, select
from sqlalchemy.dialects.postgresql import insert

from connector.connections.model import Subscription
from connector.db.schema import Instant, Json, Tx, metadata

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("drop_times", Json, nullable=False, server_default="[]", comment="when Meta dropped it lately"),
    Column("repair_count", Integer, nullable=False, server_default="0"),
    Column("refused", Json, nullable=False, server_default="[]", comment="fields that Meta does not let us have"),
    Column("refuse_time", Instant),
)


async def read_subscription(tx: Tx, connection_id: UUID) -> Subscription:
    """Read what is remembered; nothing at first."""
    row = (await tx.execute(select(subscriptions).where(subscriptions.c.connection_id == connection_id))).one_or_none()
    if row is None:
        return Subscription()
    times = tuple(datetime.fromisoformat(time) for time in row.drop_times)
    return Subscription(times, row.repair_count, tuple(row.refused), row.refuse_time)


async def keep_subscription(tx: Tx, connection_id: UUID, subscription: Subscription) -> None:
    """Keep it."""
    values: dict[str, Any] = {
        "drop_times": [time.isoformat() for time in subscription.drop_times],
        "repair_count": subscription.repair_count,
        "refused": list(subscription.refused),
        "refuse_time": subscription.refuse_time,
    }
    wish = insert(subscriptions).values(connection_id=connection_id, **values)
    await tx.execute(wish.on_conflict_do_update(index_elements=[subscriptions.c.connection_id], set_=values))
