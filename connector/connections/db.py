"""Connections, logins under way, and what went wrong.

A Page belongs to one live connection per environment: a unique index says so, whatever two merchants do at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    Uuid,
    cast,
    delete,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.connections.model import LIVE, Block, CapabilityKind, Connection, Login, Offer, Problem, State
from connector.db.bell import ring
from connector.db.observations import observations
from connector.db.outbox import Taken
from connector.db.schema import Instant, Json, Tx, metadata, plain
from connector.errors import FailedPrecondition, NotFound
from connector.values import ConnectionId, Environment

CHANNEL = "connections"

connections = Table(
    "connections",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("state_time", Instant, nullable=False),
    Column("successor_id", Uuid, comment="the connection that already stood for the Page chosen here"),
    Column("page_id", Text, nullable=False, server_default=""),
    Column("page_name", Text, nullable=False, server_default=""),
    Column("page_tasks", Json, nullable=False, server_default="[]"),
    Column("business_id", Text, nullable=False, server_default=""),
    Column("catalog_id", Text, nullable=False, server_default=""),
    Column("catalog_name", Text, nullable=False, server_default=""),
    Column("catalog_product_count", BigInteger, nullable=False, server_default="0"),
    Column("catalog_attach_time", Instant),
    Column("catalog_wish", Json, comment="a catalog that Meta was asked to create: looked for before asking again"),
    Column("catalog_go_time", Instant, comment="the explicit go: nothing is sent to the catalog before"),
    Column("user_id", Text, nullable=False, server_default="", comment="app-scoped id of who logged in"),
    Column("user_token", LargeBinary, comment="sealed"),
    Column("page_token", LargeBinary, comment="sealed"),
    Column("granted_scopes", Json, nullable=False, server_default="[]"),
    Column("token_expire_time", Instant),
    Column("data_access_expire_time", Instant),
    Column("blocks", Json, nullable=False, server_default="{}", comment="what Meta took away from single capabilities"),
    Column("login_token", LargeBinary, comment="sealed; of a login whose choice is open"),
    Column("offer", Json, comment="what the last login granted"),
    Column("subscribed_fields", Json, nullable=False, server_default="[]"),
    Column("subscription_check_time", Instant),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    CheckConstraint("state NOT IN ('CONNECTED', 'NEEDS_LOGIN') OR page_id <> ''", "live_has_page"),
    CheckConstraint(
        "state <> 'CONNECTED' OR (user_token IS NOT NULL AND page_token IS NOT NULL)", "connected_has_tokens"
    ),
    Index(
        "uq_connections_environment_page_id",
        "environment",
        "page_id",
        unique=True,
        postgresql_where=text("state IN ('CONNECTED', 'NEEDS_LOGIN')"),
    ),
    Index("ix_connections_store_id", "store_id"),
)
logins = Table(
    "logins",
    metadata,
    Column("state_digest", LargeBinary, primary_key=True, comment="SHA-256 of the state handed to Meta"),
    Column("connection_id", Uuid, nullable=False),
    Column("store_id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("return_url", Text, nullable=False),
    Column("expire_time", Instant, nullable=False, index=True),
    Column("use_time", Instant, comment="set once: a state is used once"),
)
problems = Table(
    "problems",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("subcode", Integer, nullable=False),
    Column("time", Instant, nullable=False),
    Index("ix_problems_connection_id_time", "connection_id", "time"),
)
_SHOWN = [connections.c[field.name] for field in fields(Connection)]


async def require(tx: Tx, store_id: str, connection_id: str | UUID, *, lock: bool = False) -> Connection:
    """Find a store's connection; an empty id means its only live one.

    Raises:
        NotFound: CONNECTION_NOT_FOUND, also for malformed ids and another store's.
        FailedPrecondition: STORE_NOT_CONNECTED without a live one, CONNECTION_AMBIGUOUS with several.

    """
    named = _named(tx, store_id, connection_id, lock=lock) if connection_id else _live(tx, store_id, lock=lock)
    return the_one(await named, connection_id)


def the_one(found: Sequence[Connection], connection_id: str | UUID) -> Connection:
    """Tell which connection an id means, or its absence, among those found for it; raises as `require`."""
    if len(found) > 1:
        message = "The store has several live connections: name one in connection_id"
        raise FailedPrecondition("CONNECTION_AMBIGUOUS", message, connection_ids=" ".join(str(one.id) for one in found))
    if not found and not connection_id:
        raise not_connected()
    if not found:
        raise missing(str(connection_id))
    return found[0]


async def require_live(tx: Tx, store_id: str, connection_id: str | UUID, *, lock: bool = False) -> Connection:
    """Find a store's connection and make sure that it can be worked with.

    Raises:
        NotFound, FailedPrecondition: as `require`; STORE_NOT_CONNECTED or META_TOKEN_INVALID unless CONNECTED.

    """
    return require_connected(await require(tx, store_id, connection_id, lock=lock))


def require_connected(connection: Connection) -> Connection:
    """Refuse to go on with a connection that is not CONNECTED."""
    if connection.state is State.NEEDS_LOGIN:
        message = (
            "Meta refuses this connection's token; the merchant connects again: Connect.begin with this connection"
        )
        raise FailedPrecondition("META_TOKEN_INVALID", message, fix="Connect.begin", connection_id=str(connection.id))
    if connection.state is not State.CONNECTED:
        raise not_connected()
    return connection


async def of_task(tx: Tx, task: Taken) -> Connection:
    """Read the connection a task is about, as long as it can be worked with.

    Raises:
        NotFound: CONNECTION_NOT_FOUND.
        FailedPrecondition: as `require_connected`.

    """
    found = task.connection_id and await by_id(tx, task.connection_id)
    if not found:
        raise missing(str(task.connection_id))
    return require_connected(found)


def not_connected() -> FailedPrecondition:
    """Say that nothing is linked."""
    return FailedPrecondition(
        "STORE_NOT_CONNECTED", "The store is not connected to a Page: call Connect", fix="Connect.begin"
    )


def missing(connection_id: str) -> NotFound:
    """Say that a store has no such connection, alike for malformed, foreign and absent ids."""
    return NotFound("CONNECTION_NOT_FOUND", "No such connection in this store", connection_id=connection_id)


async def by_id(tx: Tx, connection_id: UUID, *, lock: bool = False) -> Connection | None:
    """Read a connection by our own id, for background work."""
    wanted = select(*_SHOWN).where(connections.c.id == connection_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _connection(row)


async def owner_of_page(tx: Tx, environment: Environment, page_id: str) -> Connection | None:
    """Find the live connection of a Page."""
    same = connections.c.environment == environment, connections.c.page_id == page_id, connections.c.state.in_(LIVE)
    row = (await tx.execute(select(*_SHOWN).where(*same))).one_or_none()
    return None if row is None else _connection(row)


async def of_page(tx: Tx, store_id: str, environment: Environment, page_id: str) -> Connection | None:
    """Find the store's own connection of a Page, live or not, under its lock: connecting again keeps it."""
    same = (
        connections.c.store_id == store_id,
        connections.c.environment == environment,
        connections.c.page_id == page_id,
    )
    oldest = select(*_SHOWN).where(*same).order_by(connections.c.create_time).limit(1).with_for_update()
    row = (await tx.execute(oldest)).one_or_none()
    return None if row is None else _connection(row)


async def create(
    tx: Tx, connection_id: ConnectionId, store_id: str, environment: Environment, *, at: datetime
) -> Connection:
    """Keep a new connection, AWAITING_LOGIN."""
    values = {"state": State.AWAITING_LOGIN, "state_time": at, "create_time": at, "update_time": at}
    wish = insert(connections).values(id=connection_id, store_id=store_id, environment=environment, **values)
    return _connection((await tx.execute(wish.returning(*_SHOWN))).one())


async def change(tx: Tx, connection_id: UUID, *, at: datetime, **values: Any) -> Connection:
    """Change columns of a connection and wake its watchers; a new `state` also sets `state_time`."""
    if "state" in values:
        values["state_time"] = at
    changed = update(connections).where(connections.c.id == connection_id).values(update_time=at, **values)
    row = (await tx.execute(changed.returning(*_SHOWN))).one()
    await ring(tx, CHANNEL, str(connection_id))
    return _connection(row)


async def block(tx: Tx, connection: Connection, kind: CapabilityKind, reason: str, *, at: datetime) -> Connection:
    """Note what Meta took away from one capability."""
    blocks = {**connection.blocks, kind: Block(reason, at)}
    stored = {
        name.value: {"reason": entry.reason, "since_time": entry.since_time.isoformat()}
        for name, entry in blocks.items()
    }
    return await change(tx, connection.id, at=at, blocks=stored)


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


async def unchecked(tx: Tx, *, before: datetime) -> list[ConnectionId]:
    """List working connections whose webhook subscription was last looked at before a time."""
    stale = or_(connections.c.subscription_check_time.is_(None), connections.c.subscription_check_time < before)
    rows = await tx.execute(select(connections.c.id).where(connections.c.state == State.CONNECTED, stale))
    return [ConnectionId(row.id) for row in rows]


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
    return Login(**values | {"environment": Environment(row.environment)}, used=row.use_time is not None)


async def return_login(tx: Tx, digest: bytes) -> None:
    """Give a login's state back after a failure that was Meta's for the moment: the merchant may try again."""
    await tx.execute(update(logins).where(logins.c.state_digest == digest).values(use_time=None))


async def note_problem(tx: Tx, connection_id: UUID, problem: Problem) -> None:
    """Keep what went wrong, for the status."""
    facts = {
        "reason": problem.reason,
        "message": plain(problem.message),
        "code": problem.code,
        "subcode": problem.subcode,
    }
    await tx.execute(insert(problems).values(connection_id=connection_id, time=problem.time, **facts))
    await ring(tx, CHANNEL, str(connection_id))


async def note_receipt(tx: Tx, environment: Environment, page_id: str, time: datetime) -> None:
    """Note when Meta told something about a connected Page; to the second: a flood of news is no flood of writes.

    In a row of its own: whoever works on the connection for long does not hold up what comes in.
    """
    name = literal("last_receive:").concat(cast(connections.c.id, Text))
    same = connections.c.environment == environment, connections.c.page_id == plain(page_id)
    heard = select(name, literal(""), literal(time, Instant)).where(*same, connections.c.state.in_(LIVE))
    wish = upsert(observations).from_select(["name", "value", "time"], heard)
    older = observations.c.time < time - timedelta(seconds=1)
    await tx.execute(wish.on_conflict_do_update(index_elements=[observations.c.name], set_={"time": time}, where=older))


async def wipe(tx: Tx, *, disconnected_before: datetime) -> None:
    """Wipe the Page tokens of connections that were disconnected before a time: nothing can use them any more."""
    gone = connections.c.state.not_in(LIVE), connections.c.state_time < disconnected_before
    await tx.execute(update(connections).where(*gone, connections.c.page_token.is_not(None)).values(page_token=None))


async def sweep(tx: Tx, *, logins_before: datetime, problems_before: datetime, at: datetime) -> None:
    """Forget old logins and problems (never a connection's last one); end connections whose first login ran out."""
    await tx.execute(delete(logins).where(logins.c.expire_time < logins_before))
    newer = problems.alias()
    has_newer = (
        select(newer.c.id)
        .where(newer.c.connection_id == problems.c.connection_id, newer.c.time > problems.c.time)
        .exists()
    )
    await tx.execute(delete(problems).where(problems.c.time < problems_before, has_newer))
    open_login = (
        select(logins.c.connection_id)
        .where(logins.c.connection_id == connections.c.id, logins.c.expire_time > at)
        .exists()
    )
    ended = {"state": State.DISCONNECTED, "reason": "LOGIN_EXPIRED", "state_time": at, "update_time": at}
    await tx.execute(
        update(connections).where(connections.c.state == State.AWAITING_LOGIN, ~open_login).values(**ended)
    )


async def _named(tx: Tx, store_id: str, connection_id: str | UUID, *, lock: bool) -> list[Connection]:
    try:
        wanted = connection_id if isinstance(connection_id, UUID) else UUID(connection_id)
    except ValueError:
        return []
    return await _select(tx, lock, connections.c.store_id == store_id, connections.c.id == wanted)


async def _live(tx: Tx, store_id: str, *, lock: bool) -> list[Connection]:
    return await _select(tx, lock, connections.c.store_id == store_id, connections.c.state.in_(LIVE))


async def _select(tx: Tx, lock: bool, *conditions: Any) -> list[Connection]:  # noqa: FBT001 – private
    wanted = select(*_SHOWN).where(*conditions).order_by(connections.c.create_time)
    return [_connection(row) for row in await tx.execute(wanted.with_for_update() if lock else wanted)]


def _connection(row: Row[Any]) -> Connection:
    return read_connection(dict(row._mapping))  # noqa: SLF001 – SQLAlchemy's documented way to a mapping


def read_connection(columns: Mapping[str, Any]) -> Connection:
    """Read a connection from its row."""
    values = {field.name: columns[field.name] for field in fields(Connection)}
    blocks = {
        CapabilityKind(kind): Block(entry["reason"], datetime.fromisoformat(entry["since_time"]))
        for kind, entry in values["blocks"].items()
    }
    lists = {name: tuple(values[name]) for name in ("page_tasks", "granted_scopes", "subscribed_fields")}
    words = {"environment": Environment(values["environment"]), "state": State(values["state"])}
    return Connection(**values | lists | words | {"blocks": blocks})
