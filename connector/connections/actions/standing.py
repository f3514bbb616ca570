"""Keeps what a connection may do true: weighs it anew when something changed, blocks and heals single capabilities.

Whoever changes the grants, tasks or assets of a connection calls `reweigh` in the same transaction. StormCom is told once per
change. Wherever a transaction is given, `connection` is locked in it, and fresh.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from connector.alerts import db as alerts
from connector.connections import db
from connector.connections.actions.news import tell
from connector.connections.model import Block, CapabilityKind, Connection, State
from connector.connections.model.verdicts import Consequence, consequence, lift, refused, weigh
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.runtime import Runtime

_SUBSCRIBED_WITHIN = timedelta(minutes=1)


async def reweigh(runtime: Runtime, tx: Tx, connection: Connection) -> Connection:
    """Weigh anew what keeps each capability from working, and tell StormCom if that changed anything."""
    weighed = await weigh_anew(runtime, tx, connection)
    if weighed.blocks != connection.blocks:
        await tell(tx, weighed, at=runtime.now())
    return weighed


async def weigh_anew(runtime: Runtime, tx: Tx, connection: Connection) -> Connection:
    """Weigh anew, for a caller who tells StormCom in any case."""
    now = runtime.now()
    if connection.state is not State.CONNECTED:
        return connection
    blocks = weigh(connection, runtime.app(connection.environment), at=now)
    return connection if blocks == connection.blocks else await db.stand(tx, connection.id, blocks, at=now)


async def note_success(runtime: Runtime, connection: Connection, kind: CapabilityKind) -> None:
    """Learn that a call of a kind worked: what a refusal had blocked works again. Costs nothing while nothing is blocked.

    `connection` is what the caller knew when it made the call; a block that is newer than that stays.
    """
    if not refused(connection, kind):
        return
    async with runtime.db.begin() as tx:
        current = await db.by_id(tx, connection.id, lock=True)
        if current is not None and current.blocks.get(kind) == connection.blocks[kind]:
            await tell(tx, await heal(runtime, tx, current, kind), at=runtime.now())


async def heal(runtime: Runtime, tx: Tx, connection: Connection, kind: CapabilityKind) -> Connection:
    """Take a refusal's block away and give work that failed another life; the caller tells StormCom."""
    lifted = await db.stand(tx, connection.id, lift(connection, kind), at=runtime.now())
    if kind is CapabilityKind.MESSAGING:
        await alerts.close_alert(tx, connection.store_id, connection.id, "META_POLICY_BLOCKED", at=runtime.now())
    await outbox.revive(tx, connection.id, at=runtime.now())
    return lifted


async def take_away(
    runtime: Runtime, tx: Tx, connection: Connection, refusal: MetaRefused, kind: CapabilityKind | None
) -> Connection:
    """Draw the consequence of a refusal that was met while working on a capability; the caller tells StormCom."""
    now = runtime.now()
    match consequence(refusal.reason, refusal.code, refusal.subcode):
        case Consequence.LOGIN:
            await plan_inspection(tx, connection, at=now)
        case Consequence.BLOCK if kind is None:  # what has no call to be tried by is blocked by what the tokens say
            await plan_inspection(tx, connection, at=now)
        case Consequence.BLOCK if kind is not None and kind not in connection.blocks:
            await plan_inspection(tx, connection, at=now)
            blocks = {**connection.blocks, kind: Block(refusal.reason, now)}
            return await db.stand(tx, connection.id, blocks, at=now)
        case Consequence.LOOK if kind is not None:
            await plan_check(runtime, tx, connection, kind)
    return connection


async def plan_inspection(tx: Tx, connection: Connection, *, at: datetime, told: bool = False) -> None:
    """Have Meta asked what the tokens are: whether one is dead, one refused call alone does not tell.

    `told`: whoever asks has asked for all connections of the person, so that nothing found needs to be passed on.
    """
    key, arguments = f"every:{Task.INSPECT_TOKENS}:{connection.id}", {"told": True} if told else {}
    await outbox.add(tx, Task.INSPECT_TOKENS, due=at, connection_id=connection.id, key=key, arguments=arguments)


async def plan_inspections(tx: Tx, connections: Iterable[Connection], *, at: datetime) -> None:
    """Have the tokens of all connections of a person looked at, in one order for everybody: no two wait for each other."""
    for connection in sorted(connections, key=lambda each: each.id):
        await plan_inspection(tx, connection, at=at, told=True)


async def plan_examination(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Have the doctor look at a connection that works again, once the Page has had time to be subscribed."""
    await outbox.hasten(tx, f"every:{Task.EXAMINE_CONNECTION}:{connection.id}", due=at + _SUBSCRIBED_WITHIN)


async def plan_check(runtime: Runtime, tx: Tx, connection: Connection, kind: CapabilityKind | None = None) -> None:
    """Have a capability tried, or whichever are due."""
    arguments = {"kinds": [kind.value] if kind else []}
    key, due = f"check_capabilities:{connection.id}:{kind or ''}", runtime.now()
    await outbox.add(tx, Task.CHECK_CAPABILITIES, due=due, connection_id=connection.id, key=key, arguments=arguments)
