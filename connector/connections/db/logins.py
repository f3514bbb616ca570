"""Logins under way: begun, used once, given back or withdrawn; and those whose choice is open."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, insert, select, update

from connector.connections.db.tables import connections, logins
from connector.connections.model import Login, Offer, Waiting, Way
from connector.db.schema import Tx
from connector.values import Environment

_KEPT = [field.name for field in fields(Login) if field.name not in {"digest", "used", "withdrawn"}]
NOTHING_WAITS = {"login_token": None, "login_offer": None, "login_expire_time": None}
"""The columns of a connection without a login whose choice is open."""


async def begin_login(tx: Tx, digest: bytes, login: Login) -> None:
    """Keep a login under way."""
    values = {name: getattr(login, name) for name in _KEPT}
    await tx.execute(insert(logins).values(state_digest=digest, **values))


async def use_login(
    tx: Tx, digest: bytes, *, store_id: str | None, connection_id: str, at: datetime, actor: str | None = None
) -> Login | None:
    """Use a login's state up; None when there is none, or not for this store, connection or caller (when they are known).

    `used` tells that it was used before.
    """
    wanted = select(logins).where(logins.c.state_digest == digest)
    if store_id is not None:
        wanted = wanted.where(logins.c.store_id == store_id)
    if connection_id:
        wanted = wanted.where(cast(logins.c.connection_id, Text) == connection_id.lower())
    if actor is not None:
        wanted = wanted.where(logins.c.actor == actor)
    row = (await tx.execute(wanted.with_for_update())).one_or_none()
    if row is None:
        return None
    if row.use_time is None:
        await tx.execute(update(logins).where(logins.c.state_digest == digest).values(use_time=at))
    values = {name: getattr(row, name) for name in _KEPT}
    words = {"environment": Environment(row.environment), "way": Way(row.way)}
    told = {"digest": digest, "used": row.use_time is not None, "withdrawn": row.withdraw_time is not None}
    return Login(**values | words | told)


async def return_login(tx: Tx, digest: bytes) -> None:
    """Give a login's state back after a failure that was Meta's for the moment: the merchant may try again."""
    await tx.execute(update(logins).where(logins.c.state_digest == digest).values(use_time=None))


async def keep_exchanged(tx: Tx, digest: bytes, token: bytes) -> None:
    """Keep what a login's code was exchanged for: a code works once, and Meta may fail before the rest is done."""
    standing = logins.c.state_digest == digest, logins.c.withdraw_time.is_(None)
    await tx.execute(update(logins).where(*standing).values(token=token))


async def forget_exchanged(tx: Tx, digest: bytes) -> None:
    """Wipe what a login's code was exchanged for: the login has ended."""
    await tx.execute(update(logins).where(logins.c.state_digest == digest).values(token=None))


async def withdraw_logins(tx: Tx, connection_id: UUID, *, at: datetime) -> None:
    """Let nothing that was begun before link the connection any more; under the connection's lock."""
    open_ones = logins.c.connection_id == connection_id, logins.c.withdraw_time.is_(None)
    await tx.execute(update(logins).where(*open_ones).values(withdraw_time=at, token=None))


async def login_stands(tx: Tx, digest: bytes) -> bool:
    """Tell whether a login has not been withdrawn; under the connection's lock."""
    stands = select(logins.c.connection_id).where(logins.c.state_digest == digest, logins.c.withdraw_time.is_(None))
    return await tx.scalar(stands) is not None


async def read_waiting(tx: Tx, connection_id: UUID) -> Waiting | None:
    """Read the login whose choice is open; None when none is, though one may be overdue."""
    row = (
        await tx.execute(
            select(connections.c.login_token, connections.c.login_offer, connections.c.login_expire_time).where(
                connections.c.id == connection_id, connections.c.login_token.is_not(None)
            )
        )
    ).one_or_none()
    return row and Waiting(row.login_token, Offer.of(row.login_offer), row.login_expire_time)


async def read_offer(tx: Tx, connection_id: UUID) -> Offer:
    """Read what the login granted that the connection is linked with; nothing before the first."""
    document = await tx.scalar(select(connections.c.offer).where(connections.c.id == connection_id))
    return Offer.of(document) if document else Offer()


async def read_catalog_wish(tx: Tx, connection_id: UUID) -> dict[str, Any]:
    """Read which catalog Meta was asked to create and may have created; empty when none was."""
    return await tx.scalar(select(connections.c.catalog_wish).where(connections.c.id == connection_id)) or {}
