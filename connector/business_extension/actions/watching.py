"""Reads installations back, and draws the consequences: what is missing, what came back, what has ended.

Asked for daily, by Meta's webhook and by callers. The webhook says only that something happened; a dead token counts as the end
only together with a webhook, or a wish of ours, that says so.
"""

from datetime import datetime

from connector.business_extension import db, graph
from connector.business_extension.model import (
    LOOK_AGAIN,
    READ_EVERY,
    Assets,
    Installation,
    InstallNews,
    State,
    Verdict,
    judge,
    lost,
    needing,
)
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Block, Connection
from connector.connections.model import State as ConnectionState
from connector.connections.model.needs import NEEDS, Asset
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused, NotFound
from connector.graph.client import app_bucket
from connector.graph.faults import REASONS, Kind
from connector.runtime import Runtime
from connector.values import ConnectionId, Environment
from connector.vault import same_token

_MOST_AT_ONCE = 5_000
"""How many are asked for in one turn; the rest waits for the next hour's."""
_PIECE = 200
"""How many are planned in one transaction: nobody waits long for one of these tasks."""


async def standing(runtime: Runtime, store_id: str, environment: Environment) -> Installation:
    """Tell what we know of a store's installation.

    Raises:
        NotFound: INSTALLATION_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        return (await require(tx, store_id, environment))[0]


async def require(tx: Tx, store_id: str, environment: Environment) -> tuple[Installation, Connection | None]:
    """Find a store's installation, and the connection it serves by now."""
    await db.adopt(tx, store_id=store_id)
    installation = await db.of_store(tx, store_id, environment)
    if installation is None:
        message = "This store has not begun to install Meta Business Extension in this environment: call BeginInstall"
        raise NotFound("INSTALLATION_NOT_FOUND", message)
    if installation.connection_id is None:
        return installation, None
    return installation, await connections_db.by_id(tx, installation.connection_id)


async def refresh(runtime: Runtime, store_id: str, environment: Environment) -> tuple[Connection, Installation]:
    """Read a store's installation back now.

    Raises:
        NotFound: INSTALLATION_NOT_FOUND.
        FailedPrecondition: STORE_NOT_CONNECTED, META_TOKEN_INVALID.
        Throttled, Unavailable: Meta failed for the moment.

    """
    async with runtime.db.begin() as tx:
        installation, connection = await require(tx, store_id, environment)
        await connections.require_open(runtime, tx, environment)
    if connection is None:
        raise connections_db.not_connected()
    return await look(runtime, installation, connection)


async def look(runtime: Runtime, installation: Installation, connection: Connection) -> tuple[Connection, Installation]:
    """Ask Meta, for somebody who waits, and draw the consequences."""
    try:
        shown = await ask(runtime, installation, connection)
    except MetaRefused as refusal:
        await connections.note_refusal(runtime, connection, refusal)
        raise
    async with runtime.db.begin() as tx:
        both = await lock_both(tx, installation, connection)
        if await _conclude(runtime, tx, installation, both, shown) is Verdict.LOOK_AGAIN:
            await _plan(tx, connection.id, due=runtime.now() + LOOK_AGAIN)
        installation, current = await require(tx, installation.store_id, installation.environment)
    return current or connection, installation


async def read_installation(runtime: Runtime, task: Taken) -> None:
    """Read the installation of the task's connection back; again in ten minutes when Meta shows nothing and nobody said why."""
    async with runtime.db.begin() as tx:
        installation = await db.of_connection(tx, task.connection_id, lock=True) if task.connection_id else None
        connection = await connections_db.by_id(tx, task.connection_id) if task.connection_id else None
        await outbox.hold(tx, task)
        if connection is None or installation is None or not _to_be_read(installation, connection):
            await outbox.done(tx, task, at=runtime.now())
            return
        bucket = app_bucket(runtime.app(connection.environment).app_id)
        await connections.require_room(runtime, tx, connection, bucket)
        await db.look(tx, installation, at=runtime.now())
    shown = await ask(runtime, installation, connection)
    async with runtime.db.begin() as tx:
        both = await lock_both(tx, installation, connection)
        await outbox.hold(tx, task)
        if await _conclude(runtime, tx, installation, both, shown) is Verdict.LOOK_AGAIN:
            await outbox.again(tx, task, runtime.now() + LOOK_AGAIN)
        else:
            await outbox.done(tx, task, at=runtime.now())


def _to_be_read(installation: Installation, connection: Connection) -> bool:
    """Tell whether there is something to read, with a token; or an end to conclude without one."""
    readable = connection.state is ConnectionState.CONNECTED or _told_and_mute(installation, connection)
    return installation.state is State.INSTALLED and readable


def _told_and_mute(installation: Installation, connection: Connection) -> bool:
    """Tell whether the end was told of, and there is no token left to look with: then there is nothing to protect either."""
    tokenless = connection.state not in {ConnectionState.CONNECTED, ConnectionState.DISCONNECTING}
    return tokenless and installation.notice_time is not None


async def ask(runtime: Runtime, installation: Installation, connection: Connection) -> Assets | None:
    """Ask Meta what is installed. A token that is dead shows nothing, if the end was told of; otherwise it is a refusal."""
    if _told_and_mute(installation, connection):
        return None
    access = await connections.access(runtime, connection, kind="user")
    try:
        return await runtime.graph.send(graph.read_installs(installation.external_business_id), access)
    except MetaRefused as refusal:
        if installation.notice_time is None or refusal.reason != REASONS[Kind.TOKEN]:
            raise
        return None


async def _conclude(
    runtime: Runtime, tx: Tx, asked: Installation, both: tuple[Installation, Connection] | None, shown: Assets | None
) -> Verdict:
    """Draw the consequences of what Meta showed of `asked`, for `both` as they are now; none when they are another install's."""
    at = runtime.now()
    if both is None:
        return Verdict.STANDS
    installation, current = both
    if not current.live and (shown is not None or installation.notice_time is None):
        return Verdict.STANDS
    verdict = judge(installation, shown, at=at)
    if verdict is Verdict.GONE:
        await conclude_end(runtime, tx, installation, current, reason="INSTALLATION_REMOVED")
    elif shown is None:
        await db.note_absence(tx, installation, at=at)
    else:
        missing = lost(installation, shown, current)
        await _adjust(runtime, tx, current, installation.missing, missing)
        later = installation.notice_time if installation.notice_time != asked.notice_time else None
        await db.note_seen(tx, installation, shown, missing, notice_time=later, at=at)
    return verdict


async def lock_both(tx: Tx, asked: Installation, connection: Connection) -> tuple[Installation, Connection] | None:
    """Lock an installation, then its connection; tasks after them. None when the merchant connected again since we asked."""
    installation = await db.of_store(tx, asked.store_id, asked.environment, lock=True)
    current = await connections_db.by_id(tx, connection.id, lock=True)
    if installation is None or current is None:
        return None
    anew = current.live and not same_token(current.user_token, connection.user_token)
    return None if anew else (installation, current)


async def conclude_end(
    runtime: Runtime, tx: Tx, installation: Installation, connection: Connection, *, reason: str
) -> Installation:
    """Keep that an installation has ended, and end its connection, in one transaction."""
    at = runtime.now()
    if connection.live:
        await connections.unlink(tx, connection, at=at, reason=reason)
    return await db.end(tx, installation, at=at)


async def _adjust(
    runtime: Runtime, tx: Tx, connection: Connection, before: frozenset[Asset], missing: frozenset[Asset]
) -> None:
    """Block what needs an asset that is gone now, free what needs one that came back. One that is still gone: no change.

    A block is like one of a refusal: a call that works all the same lifts it.
    """
    at, reason = runtime.now(), "INSTALLATION_ASSET_MISSING"
    new, back = missing - before, before - missing
    blocks = {
        kind: block
        for kind, block in connection.blocks.items()
        if block.reason != reason or NEEDS[kind].asset not in back
    }
    freed = len(blocks) < len(connection.blocks)
    for kind in (kind for asset in new for kind in needing(asset)):
        blocks.setdefault(kind, Block(reason, at))
    if blocks == connection.blocks:
        return
    if freed:
        await outbox.revive(tx, connection.id, at=at)
    changed = await connections_db.stand(tx, connection.id, blocks, at=at)
    await connections.tell(tx, await connections.weigh_anew(runtime, tx, changed), at=at)


async def note_news(runtime: Runtime, tx: Tx, environment: Environment, news: InstallNews) -> bool:
    """Have the installation that a webhook is about read back; False when we know none of that name."""
    installation = await db.of_name(tx, environment, news.external_business_id)
    if installation is None:
        return False
    installation, connection = await require(tx, installation.store_id, environment)
    if installation.state is State.INSTALLED and connection is not None:
        if news.uninstalled:
            await db.note_notice(tx, installation, at=runtime.now())
        await _plan(tx, connection.id, due=runtime.now())
    return True


async def watch(runtime: Runtime, task: Taken) -> None:
    """Have every installation read back that was not for a day."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await db.adopt(tx)
        stale = await db.stale(tx, before=runtime.now() - READ_EVERY, limit=_MOST_AT_ONCE)
    for first in range(0, len(stale), _PIECE):
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            for connection_id in stale[first : first + _PIECE]:
                await _plan(tx, connection_id, due=runtime.now())
    async with runtime.db.begin() as tx:
        await outbox.done(tx, task, at=runtime.now())


async def _plan(tx: Tx, connection_id: ConnectionId, *, due: datetime) -> None:
    key = f"installation:{connection_id}"
    await outbox.add(tx, Task.READ_INSTALLATION, due=due, connection_id=connection_id, key=key)
