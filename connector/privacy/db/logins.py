"""Which connections a merchant, as Meta's app-scoped user, made."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select

from connector.alerts.db import alerts
from connector.connections.db import connections
from connector.connections.model import LIVE, State
from connector.db.schema import Tx
from connector.privacy.model.classes import DataClass
from connector.privacy.model.data_map import columns_of
from connector.tokens.db import retired
from connector.values import Environment


async def of_user(tx: Tx, environment: Environment, user_id: str, *, before: datetime) -> list[UUID]:
    """List the connections with tokens that a person made, but for those they linked, or are about to link, after a time."""
    mine = connections.c.environment == environment, connections.c.user_id == user_id
    sealed = or_(*(connections.c[name].is_not(None) for name in columns_of("connections", DataClass.SEALED)))
    fresh = func.greatest(connections.c.token_time, connections.c.state_time) > before
    linked = connections.c.state.in_([State.CONNECTED, State.AWAITING_CHOICE])
    wanted = select(connections.c.id).where(*mine, sealed, ~and_(linked, fresh))
    return list(await tx.scalars(wanted.order_by(connections.c.id)))


async def forget_retired(tx: Tx, connection_id: UUID) -> None:
    """Forget tokens of a connection that were on their way out."""
    await tx.execute(delete(retired).where(retired.c.connection_id == connection_id))


async def stores_of_user(tx: Tx, environment: Environment, user_id: str) -> tuple[tuple[str, ...], tuple[UUID, ...]]:
    """Tell a person's stores and connections."""
    mine = connections.c.environment == environment, connections.c.user_id == user_id
    rows = (await tx.execute(select(connections.c.store_id, connections.c.id).where(*mine))).all()
    return tuple(sorted({row.store_id for row in rows})), tuple(row.id for row in rows)


async def of_store(tx: Tx, store_id: str) -> list[tuple[UUID, str, str, str]]:
    """List a store's connections as (id, environment, Page, user), the linked ones first."""
    shown = connections.c.id, connections.c.environment, connections.c.page_id, connections.c.user_id
    mine = select(*shown).where(connections.c.store_id == store_id)
    linked = connections.c.state.in_(LIVE).desc()
    return [tuple(row) for row in await tx.execute(mine.order_by(linked, connections.c.create_time))]


async def accounts_of_store(tx: Tx, store_id: str) -> list[tuple[str, str]]:
    """List the Instagram accounts of a store's connections, with their environments: webhooks name these, not the Page."""
    mine = connections.c.store_id == store_id, connections.c.instagram_id != ""
    rows = await tx.execute(select(connections.c.environment, connections.c.instagram_id).where(*mine))
    return [(row.environment, row.instagram_id) for row in rows]


async def lock(tx: Tx, digest: bytes) -> None:
    """Let nobody else decide about the same person until the transaction ends."""
    await tx.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))


async def with_alert(tx: Tx, reason: str) -> list[tuple[UUID, str]]:
    """List the connections, with their stores, that have an alert open."""
    wanted = select(connections.c.id, connections.c.store_id).join(alerts, alerts.c.connection_id == connections.c.id)
    return [(row.id, row.store_id) for row in await tx.execute(wanted.where(alerts.c.reason == reason))]
