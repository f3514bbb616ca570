"""Notices what Meta takes away: a token, or what one capability needs."""

from connector.connections import db
from connector.connections.actions.news import problem_of, tell
from connector.connections.actions.standing import take_away
from connector.connections.model import CONCERNED, Capability, CapabilityKind, Connection, State, verdicts
from connector.db.outbox import Task
from connector.errors import FailedPrecondition, MetaRefused
from connector.runtime import Runtime
from connector.vault import same_token


async def note_refusal(
    runtime: Runtime, connection: Connection, error: MetaRefused, *, task: Task | None = None
) -> None:
    """Learn from Meta's refusal: a lost permission stops the capability concerned, and the tokens are looked at.

    Throttling and other passing failures never come here. `task` tells what was being done. StormCom is told when
    something changed, once.
    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        found = await db.by_id(tx, connection.id, lock=True)
        if found is None:
            return
        await db.note_problem(tx, found.id, problem_of(error, at=now))
        same_tokens = same_token(found.user_token, connection.user_token) and same_token(
            found.page_token, connection.page_token
        )
        if found.state is not State.CONNECTED or not same_tokens:
            return
        changed = await take_away(runtime, tx, found, error, CONCERNED.get(task or ""))
        if changed is not found:
            await tell(tx, changed, at=now)


def past_hope(runtime: Runtime, connection: Connection, kind: CapabilityKind) -> bool:
    """Tell whether work that waits for the merchant waits in vain, for Meta has switched it off."""
    if connection.environment not in runtime.apps:
        return False
    return verdicts.past_hope(connection, kind, runtime.app(connection.environment), at=runtime.now())


def require_capability(connection: Connection, kind: CapabilityKind) -> Capability:
    """Refuse work that Meta has taken away from this connection.

    Raises:
        FailedPrecondition: with the reason of the block.

    """
    capability = connection.capability(kind)
    if kind in connection.blocks:
        facts = {"missing": " ".join(capability.missing)} if capability.missing else {}
        raise FailedPrecondition(
            capability.reason, capability.fix, fix=capability.fix, connection_id=str(connection.id), **facts
        )
    return capability
