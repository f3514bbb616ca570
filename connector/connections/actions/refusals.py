"""Notices what Meta takes away: a token, or what one capability needs."""

from datetime import datetime

from connector.connections import db
from connector.connections.actions.news import problem_of, tell
from connector.connections.model import CONCERNED, Capability, CapabilityKind, Connection, State
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, MetaRefused
from connector.graph.faults import REASONS, Kind
from connector.runtime import Runtime

_BLOCKING = {REASONS[kind] for kind in (Kind.PERMISSION, Kind.POLICY, Kind.RETIRED)}


async def note_refusal(
    runtime: Runtime, connection: Connection, error: MetaRefused, *, task: Task | None = None
) -> None:
    """Learn from Meta's refusal: a dead token stops the connection, a lost permission only the capability concerned.

    Throttling and other passing failures never come here. `task` tells what was being done. StormCom is told when
    something changed, once.
    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        found = await db.by_id(tx, connection.id, lock=True)
        if found is None:
            return
        await db.note_problem(tx, found.id, problem_of(error, at=now))
        same_tokens = (found.user_token, found.page_token) == (connection.user_token, connection.page_token)
        if found.state is not State.CONNECTED or not same_tokens:
            return
        changed = await _take_away(tx, found, error, CONCERNED.get(task or ""), at=now)
        if changed is not None:
            await tell(tx, changed, at=now)


async def _take_away(
    tx: Tx, connection: Connection, error: MetaRefused, kind: CapabilityKind | None, *, at: datetime
) -> Connection | None:
    if error.reason == REASONS[Kind.TOKEN]:
        return await db.change(tx, connection.id, at=at, state=State.NEEDS_LOGIN, reason=error.reason)
    if kind is None or error.reason not in _BLOCKING or kind in connection.blocks:
        return None
    return await db.block(tx, connection, kind, error.reason, at=at)


def require_capability(connection: Connection, kind: CapabilityKind) -> Capability:
    """Refuse work that Meta has taken away from this connection.

    Raises:
        FailedPrecondition: with the reason of the block.

    """
    capability = connection.capability(kind)
    if kind in connection.blocks:
        raise FailedPrecondition(
            capability.reason, capability.fix, fix=capability.fix, connection_id=str(connection.id)
        )
    return capability
