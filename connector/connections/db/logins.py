"""Logins under way: begun, used once, given back, and what the last one granted."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, insert, select, update

from connector.connections.db.tables import connections, logins
from connector.connections.model import Login, Offer, Way
from connector.db.schema import Tx
from connector.values import Environment


async def begin_login(tx: Tx, digest: bytes, login: Login) -> None:
    """Keep a login under way."""
    values = {field.name: getattr(login, field.name) for field in fields(Login) if field.name != "used"}
    await tx.execute(insert(logins).values(state_digest=digest, **values))


async def use_login(tx: Tx, digest: bytes, *, store_id: str | None, connection_id: str, at: datetime) -> Login | None:
    """Use a login's state up; None when there is none, or not for this store or connection (when they are known).

    `used` tells that it was used before.
    """
    wanted = select(logins).where(logins.c.state_digest == digest)
    if store_id is not None:
        wanted = wanted.where(logins.c.store_id == store_id)
    if connection_id:
        wanted = wanted.where(cast(logins.c.connection_id, Text) == connection_id.lower())
    row = (await tx.execute(wanted.with_for_update())).one_or_none()
    if row is None:
        return None
    if row.use_time is None:
        await tx.execute(update(logins).where(logins.c.state_digest == digest).values(use_time=at))
    values = {field.name: getattr(row, field.name) for field in fields(Login) if field.name != "used"}
    words = {"environment": Environment(row.environment), "way": Way(row.way)}
    return Login(**values | words, used=row.use_time is not None)


async def return_login(tx: Tx, digest: bytes) -> None:
    """Give a login's state back after a failure that was Meta's for the moment: the merchant may try again."""
    await tx.execute(update(logins).where(logins.c.state_digest == digest).values(use_time=None))


async def read_offer(tx: Tx, connection_id: UUID) -> Offer:
    """Read what the last login granted; nothing before the first."""
    document = await tx.scalar(select(connections.c.offer).where(connections.c.id == connection_id))
    return Offer.of(document) if document else Offer()


async def read_catalog_wish(tx: Tx, connection_id: UUID) -> dict[str, Any]:
    """Read which catalog Meta was asked to create and may have created; empty when none was."""
    return await tx.scalar(select(connections.c.catalog_wish).where(connections.c.id == connection_id)) or {}


async def read_login_token(tx: Tx, connection_id: UUID) -> bytes | None:
    """Read the sealed token of a login whose choice is open."""
    token: bytes | None = await tx.scalar(select(connections.c.login_token).where(connections.c.id == connection_id))
    return token
