"""Installations: one for each store and environment, with the name it has at Meta for ever, and what Meta showed last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Row,
    Table,
    Text,
    Uuid,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.business_extension.model import Assets, Installation, State
from connector.connections.db import connections
from connector.connections.model import LIVE
from connector.connections.model import State as ConnectionState
from connector.connections.model.needs import Asset
from connector.db.schema import Instant, Json, Tx, metadata, plain
from connector.values import ConnectionId, Environment

installations = Table(
    "installations",
    metadata,
    Column("store_id", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    Column("external_business_id", Text, nullable=False, unique=True, comment="our name of the shop at Meta, for ever"),
    Column("connection_id", Uuid, comment="the connection it serves; empty until the first install"),
    Column("candidate_id", Uuid, comment="the connection of the last install, until it is linked"),
    Column("state", Text, nullable=False),
    Column("assets", Json, nullable=False, server_default="{}", comment="what Meta showed last"),
    Column("missing", Json, nullable=False, server_default="[]", comment="assets of the connection it names no more"),
    Column("by_system_user", Boolean, nullable=False, server_default="false"),
    Column("domain", Text, nullable=False),
    Column("admin_url", Text, nullable=False, server_default=""),
    Column("look_time", Instant, comment="when Meta was last asked in the background"),
    Column("read_time", Instant, comment="when Meta last showed it"),
    Column("install_time", Instant),
    Column("uninstall_time", Instant),
    Column("notice_time", Instant, comment="when Meta told of its end, or we asked for it: to be looked at"),
    Column("absence_time", Instant, comment="when Meta first showed nothing"),
    CheckConstraint(
        "state <> 'INSTALLED' OR (connection_id IS NOT NULL AND read_time IS NOT NULL)", "installed_is_known"
    ),
    Index("ix_installations_connection_id", "connection_id"),
)
_SHOWN = [installations.c[name] for name in Installation.__slots__]


async def begin(
    tx: Tx, store_id: str, environment: Environment, external_business_id: str, *, domain: str, admin_url: str
) -> Installation:
    """Keep that an installation begins. One that was begun before keeps its name; one that stands stays installed."""
    told = {"domain": plain(domain), "admin_url": plain(admin_url)}
    wish = insert(installations).values(
        store_id=store_id,
        environment=environment,
        external_business_id=external_business_id,
        state=State.BEGUN,
        **told,
    )
    kept = wish.on_conflict_do_update(index_elements=["store_id", "environment"], set_=told)
    return _read((await tx.execute(kept.returning(*_SHOWN))).one())


async def of_store(tx: Tx, store_id: str, environment: Environment, *, lock: bool = False) -> Installation | None:
    """Find a store's installation."""
    mine = installations.c.store_id == store_id, installations.c.environment == environment
    wanted = select(*_SHOWN).where(*mine)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _read(row)


async def of_connection(tx: Tx, connection_id: UUID, *, lock: bool = False) -> Installation | None:
    """Find the installation that serves a connection."""
    wanted = select(*_SHOWN).where(installations.c.connection_id == connection_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _read(row)


async def of_name(tx: Tx, environment: Environment, external_business_id: str) -> Installation | None:
    """Find the installation that Meta calls by our name."""
    named = installations.c.external_business_id == plain(external_business_id)
    row = (await tx.execute(select(*_SHOWN).where(named, installations.c.environment == environment))).one_or_none()
    return None if row is None else _read(row)


async def install(
    tx: Tx, installation: Installation, connection_id: UUID, assets: Assets, *, by_system_user: bool, at: datetime
) -> None:
    """Keep what Meta shows of a new install. The connection it served before is served until the new one is linked."""
    values = {
        "connection_id": installation.connection_id or connection_id,
        "candidate_id": connection_id,
        "state": State.INSTALLED,
        "by_system_user": by_system_user,
        "install_time": at,
        "uninstall_time": None,
    }
    await _change(tx, installation, values | _seen(assets, frozenset(), at))


async def note_seen(
    tx: Tx,
    installation: Installation,
    assets: Assets,
    missing: frozenset[Asset],
    *,
    notice_time: datetime | None,
    at: datetime,
) -> Installation:
    """Keep what Meta shows now; a notice that came after Meta was asked stays."""
    return await _change(tx, installation, _seen(assets, missing, at) | {"notice_time": notice_time})


def _seen(assets: Assets, missing: frozenset[Asset], at: datetime) -> dict[str, Any]:
    shown = {"assets": assets.document(), "missing": sorted(missing), "read_time": at}
    return {**shown, "notice_time": None, "absence_time": None}


async def note_absence(tx: Tx, installation: Installation, *, at: datetime) -> None:
    """Keep since when Meta shows nothing."""
    await _change(tx, installation, {"absence_time": installation.absence_time or at})


async def note_notice(tx: Tx, installation: Installation, *, at: datetime) -> Installation:
    """Keep that it may have ended: Meta told so, or we are about to ask for it."""
    return await _change(tx, installation, {"notice_time": at})


async def take_notice_back(tx: Tx, wished: Installation, *, before: datetime | None) -> None:
    """Let a wish of ours be as if it had not been; what Meta told since stays."""
    ours = *_is(wished), installations.c.notice_time == wished.notice_time
    await tx.execute(update(installations).where(*ours).values(notice_time=before))


async def end(tx: Tx, installation: Installation, *, at: datetime) -> Installation:
    """Keep that it is uninstalled."""
    return await _change(
        tx, installation, {"state": State.UNINSTALLED, "uninstall_time": at, "notice_time": None, "absence_time": None}
    )


async def adopt(tx: Tx, *, store_id: str | None = None) -> None:
    """Let installations, one store's or all, serve the connections of their last installs, if these are linked by now.

    A connection that the store had for the Page before may have taken over.
    """
    begun, linked = connections.alias("begun"), connections.alias("linked")
    joined = (
        installations.c.candidate_id == begun.c.id,
        linked.c.id == func.coalesce(begun.c.successor_id, begun.c.id),
        linked.c.state.in_(LIVE),
    )
    wish = update(installations).where(*joined).values(connection_id=linked.c.id, candidate_id=None)
    await tx.execute(wish if store_id is None else wish.where(installations.c.store_id == store_id))


async def look(tx: Tx, installation: Installation, *, at: datetime) -> None:
    """Keep when Meta was last asked."""
    await _change(tx, installation, {"look_time": at})


async def stale(tx: Tx, *, before: datetime, limit: int) -> list[ConnectionId]:
    """List working connections whose installation nobody has looked at since a time, and any whose end was told; the longest ago first."""
    joined = installations.join(connections, connections.c.id == installations.c.connection_id)
    looked = func.greatest(installations.c.read_time, installations.c.look_time)
    old = and_(connections.c.state == ConnectionState.CONNECTED, looked < before)
    due = or_(old, installations.c.notice_time.is_not(None))
    listed = select(connections.c.id).select_from(joined).where(installations.c.state == State.INSTALLED, due)
    rows = await tx.execute(listed.order_by(looked).limit(limit))
    return [ConnectionId(row.id) for row in rows]


async def _change(tx: Tx, installation: Installation, values: Mapping[str, Any]) -> Installation:
    changed = update(installations).where(*_is(installation)).values(**values)
    return _read((await tx.execute(changed.returning(*_SHOWN))).one())


def _is(installation: Installation) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    same = installations.c.environment == installation.environment
    return installations.c.store_id == installation.store_id, same


def _read(row: Row[Any]) -> Installation:
    values = {name: getattr(row, name) for name in Installation.__slots__}
    words = {
        "environment": Environment(row.environment),
        "state": State(row.state),
        "assets": Assets.of(row.assets),
        "missing": frozenset(map(Asset, row.missing)),
    }
    return Installation(**values | words)
