"""Finds connections: by what a caller names, by their Page, by the task at hand; or says why there is none to work with."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, and_, func, literal, select

from connector.connections.db.tables import SHOWN, connections, shown
from connector.connections.model import LIVE, Connection, State
from connector.db.outbox import Taken
from connector.db.schema import Tx, plain
from connector.errors import FailedPrecondition, NotFound
from connector.values import ConnectionId, Environment

Asset = tuple[Environment, str, str]
"""A Page or an Instagram account: where, Meta's name of such an object, and its id."""
_IDS = {"page": connections.c.page_id, "instagram": connections.c.instagram_id}
"""Which column names an asset of a connection, by Meta's name of the object."""
OWNED = frozenset(_IDS)
_TEXTS = ARRAY(Text)


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


async def of_task(tx: Tx, task: Taken, *, leaving: bool = False) -> Connection:
    """Read the connection a task is about, as long as it can be worked with; with `leaving` also on its way out.

    Raises:
        NotFound: CONNECTION_NOT_FOUND.
        FailedPrecondition: as `require_connected`.

    """
    found = task.connection_id and await by_id(tx, task.connection_id)
    if not found:
        raise missing(str(task.connection_id))
    return found if leaving and found.state is State.DISCONNECTING else require_connected(found)


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
    wanted = select(*SHOWN).where(connections.c.id == connection_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else shown(row)


async def owner_of_page(tx: Tx, environment: Environment, page_id: str) -> Connection | None:
    """Find the live connection of a Page."""
    same = connections.c.environment == environment, connections.c.page_id == page_id, connections.c.state.in_(LIVE)
    row = (await tx.execute(select(*SHOWN).where(*same))).one_or_none()
    return None if row is None else shown(row)


async def owners(tx: Tx, assets: Collection[Asset]) -> dict[Asset, Connection]:
    """Find the live connections that Pages and Instagram accounts belong to, however many; an account of several, the oldest's."""
    found: dict[Asset, Connection] = {}
    for kind, column in _IDS.items():
        names = [asset for asset in assets if asset[1] == kind and asset[2]]
        if not names:
            continue
        named = func.unnest(
            literal([environment.value for environment, _, _ in names], _TEXTS),
            literal([plain(name) for _, _, name in names], _TEXTS),
        )
        table = named.table_valued("environment", "name", with_ordinality="place", name="named").render_derived()
        same = and_(connections.c.environment == table.c.environment, column == table.c.name)
        wanted = select(table.c.place, *SHOWN).join(table, same).where(connections.c.state.in_(LIVE))
        rows = await tx.execute(wanted.order_by(connections.c.create_time.desc(), connections.c.id))
        found |= {names[row.place - 1]: shown(row) for row in rows}
    return found


async def of_page(tx: Tx, store_id: str, environment: Environment, page_id: str) -> Connection | None:
    """Find the store's own connection of a Page, live or not, under its lock: connecting again keeps it."""
    same = (
        connections.c.store_id == store_id,
        connections.c.environment == environment,
        connections.c.page_id == page_id,
    )
    oldest = select(*SHOWN).where(*same).order_by(connections.c.create_time).limit(1).with_for_update()
    row = (await tx.execute(oldest)).one_or_none()
    return None if row is None else shown(row)


async def of_person(tx: Tx, environment: Environment, user_id: str) -> list[Connection]:
    """List the live connections, whichever store's, that a person at Meta granted."""
    same = (
        connections.c.environment == environment,
        connections.c.user_id == plain(user_id),
        connections.c.state.in_(LIVE),
    )
    return await _select(tx, False, *same) if user_id else []


async def ids_of_store(tx: Tx, store_id: str) -> list[ConnectionId]:
    """List the ids of a store's connections, live or not."""
    mine = select(connections.c.id).where(connections.c.store_id == store_id)
    return list((await tx.execute(mine)).scalars())


async def of_store(tx: Tx, store_id: str, environment: Environment) -> list[Connection]:
    """List a store's live connections in an environment."""
    same = connections.c.store_id == store_id, connections.c.environment == environment, connections.c.state.in_(LIVE)
    return await _select(tx, False, *same)


async def require_own_world(tx: Tx, environment: Environment, *, page_id: str = "", catalog_id: str = "") -> None:
    """Refuse a Page or catalog that is linked in the other environment, before it is linked in this transaction.

    Two who link the same one at once, each in one environment, are told one after the other.

    Raises:
        FailedPrecondition: ASSET_IN_OTHER_ENVIRONMENT.

    """
    for column, value in ((connections.c.page_id, page_id), (connections.c.catalog_id, catalog_id)):
        if not value:
            continue
        await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{column.name}:{value}", 0))))
        elsewhere = column == value, connections.c.environment != environment, connections.c.state.in_(LIVE)
        if await tx.scalar(select(connections.c.id).where(*elsewhere).limit(1)):
            message = "It is linked in the other environment, and the two never share a Page or catalog: choose another"
            raise FailedPrecondition("ASSET_IN_OTHER_ENVIRONMENT", message, **{column.name: value})


async def connected(tx: Tx, *, after: ConnectionId | None = None, limit: int) -> list[Connection]:
    """List working connections in the order of their ids, those behind one, for work on all of them piece by piece."""
    wanted = select(*SHOWN).where(connections.c.state == State.CONNECTED).order_by(connections.c.id).limit(limit)
    return [shown(row) for row in await tx.execute(wanted.where(connections.c.id > after) if after else wanted)]


async def _named(tx: Tx, store_id: str, connection_id: str | UUID, *, lock: bool) -> list[Connection]:
    try:
        wanted = connection_id if isinstance(connection_id, UUID) else UUID(connection_id)
    except ValueError:
        return []
    return await _select(tx, lock, connections.c.store_id == store_id, connections.c.id == wanted)


async def _live(tx: Tx, store_id: str, *, lock: bool) -> list[Connection]:
    return await _select(tx, lock, connections.c.store_id == store_id, connections.c.state.in_(LIVE))


async def _select(tx: Tx, lock: bool, *conditions: Any) -> list[Connection]:  # noqa: FBT001 – private
    wanted = select(*SHOWN).where(*conditions).order_by(connections.c.create_time)
    return [shown(row) for row in await tx.execute(wanted.with_for_update() if lock else wanted)]
