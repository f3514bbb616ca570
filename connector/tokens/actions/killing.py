"""Ends tokens: out of our own reach at once, then killed at Meta, again and again for a day."""

from collections.abc import Collection
from datetime import datetime, timedelta

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.actions.standing import plan_inspections
from connector.connections.model import Connection, Problem, State
from connector.db import audit, outbox
from connector.db.audit import Deed
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, MetaRefused
from connector.runtime import Runtime
from connector.tokens import db, graph
from connector.tokens.actions.asking import app_access, user_access
from connector.tokens.model import Kind, Retired
from connector.vault import Secret

_AGAIN = timedelta(minutes=15)
_REVOKED_TO = {
    State.CONNECTED: State.NEEDS_LOGIN,
    State.NEEDS_LOGIN: State.NEEDS_LOGIN,
    State.AWAITING_CHOICE: State.DISCONNECTED,
}
"""Where a connection stands once its tokens are ended; any other stays what it is."""


async def revoke(runtime: Runtime, store_id: str, connection_id: str) -> Connection:
    """End a connection's tokens, as for a suspected leak. Repeating it changes nothing.

    One transaction: nothing of ours can use them from then on, and a login begun before links nothing. One that was on its way out (DISCONNECTING) is out.
    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id, lock=True)
        waiting = await connections_db.read_waiting(tx, connection.id)
        if (connection.user_token, connection.page_token, waiting) == (None, None, None):
            return connection
        await connections_db.withdraw_logins(tx, connection.id, at=at)
        said = next((one for one in await db.read(tx, connection.id) if one.kind is Kind.USER), None)
        await db.retire(tx, connection, said, tuple(Kind), login=waiting.token if waiting else None, at=at, forced=True)
        key = f"{Task.KILL_TOKENS}:{connection.id}"
        await outbox.add(tx, Task.KILL_TOKENS, due=at, connection_id=connection.id, key=key)
        if connection.state is State.DISCONNECTING:
            connection = await connections.unlink(tx, connection, at=at)
        wiped = {"user_token": None, "page_token": None, "token_time": at, **connections_db.NOTHING_WAITS}
        ended = _REVOKED_TO.get(connection.state)
        state = {"state": ended, "reason": "TOKENS_REVOKED"} if ended else {}
        connection = await connections_db.change(tx, connection.id, at=at, **wiped, **state)
        await connections.tell(tx, connection, at=at)
        return connection


async def kill_tokens(runtime: Runtime, task: Taken) -> None:
    """Kill a connection's retired tokens at Meta; those another connection lives on only when that was asked for.

    One that Meta does not accept any more is dead. What it cannot be told of within a day is wiped alive, and told as a problem.
    Then everybody's tokens of that person are looked at.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = task.connection_id and await connections_db.by_id(tx, task.connection_id)
        if not connection:
            await outbox.done(tx, task, at=runtime.now())
            return
        await _wipe_overdue(tx, connection, at=runtime.now())
    async with runtime.db.begin() as tx:
        await connections.require_room(runtime, tx, connection, "app")
        going = await db.retired_of(tx, connection.id)
    for one in going:
        if one.kill_time <= runtime.now() and await _kill(runtime, connection, one):
            async with runtime.db.begin() as tx:
                await outbox.hold(tx, task)
                await db.forget(tx, one.id)
                killed = Deed(
                    connection.store_id,
                    "TokenKilled",
                    *audit.OURSELVES,
                    connection_id=str(connection.id),
                    objects=audit.named(kind=one.kind),
                )
                await audit.append(tx, killed, at=runtime.now())
    await _end_turn(runtime, task, connection, {one.user_id for one in going})


async def _wipe_overdue(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Wipe the tokens that Meta could not be told of in time; they live on there."""
    for one in await db.retired_of(tx, connection.id):
        if one.expire_time <= at:
            words = (
                "Meta could not be told for a day to kill an old token: remove the app at Meta if it may have leaked"
            )
            await connections_db.note_problem(tx, connection.id, Problem("META_UNAVAILABLE", words, at))
            await db.forget(tx, one.id)


async def _end_turn(runtime: Runtime, task: Taken, connection: Connection, user_ids: Collection[str]) -> None:
    """Have everybody's tokens of these people looked at; come back for what is left, at once if more was retired meanwhile."""
    async with runtime.db.begin() as tx:
        now, joined = runtime.now(), (await outbox.hold(tx, task)).wishes > task.wishes
        theirs = [one for each in user_ids for one in await connections_db.of_person(tx, connection.environment, each)]
        await plan_inspections(tx, theirs, at=now)
        later = now if joined else now + _AGAIN
        due = [one.kill_time if one.kill_time > now else later for one in await db.retired_of(tx, connection.id)]
        await (outbox.again(tx, task, min(due)) if due else outbox.done(tx, task, at=now))


async def _kill(runtime: Runtime, connection: Connection, one: Retired) -> bool:
    """Kill a token; tells whether it is out of the world, or not ours to kill."""
    app = runtime.app(connection.environment)
    try:
        token = await connections.open_token(runtime, connection, one.sealed, one.kind.lower())
    except FailedPrecondition:  # nobody can read it any more, so nobody can kill it
        return True
    async with runtime.db.begin() as tx:
        theirs = await connections_db.of_person(tx, connection.environment, one.user_id)
    if not one.forced and await _in_use(runtime, theirs, token):
        return True
    everything = one.every and not any(other.user_token for other in theirs)
    try:
        if everything:
            await runtime.graph.send(graph.kill_all(one.user_id), user_access(app, token))
        else:
            await runtime.graph.send(graph.kill(app.app_id, app.secrets[0], token), app_access(app))
    except MetaRefused as refusal:
        return await _settle(runtime, connection, refusal)
    return True


async def _settle(runtime: Runtime, connection: Connection, refusal: MetaRefused) -> bool:
    """Tell whether a refusal means that the token is dead; any other is a problem, and asked again."""
    if refusal.reason == "META_TOKEN_INVALID":
        return True
    words = f"Meta does not kill an old token: {refusal.message}"
    async with runtime.db.begin() as tx:
        problem = Problem(refusal.reason, words, runtime.now(), refusal.code, refusal.subcode)
        await connections_db.note_problem(tx, connection.id, problem)
    return False


async def _in_use(runtime: Runtime, connected: list[Connection], token: Secret) -> bool:
    """Tell whether a connection lives on this very token, as when one system user's serves several Pages."""
    for other in connected:
        for sealed, kind in ((other.user_token, "user"), (other.page_token, "page")):
            try:
                if sealed is not None and await connections.open_token(runtime, other, sealed, kind) == token:
                    return True
            except FailedPrecondition:  # it cannot be opened: then nothing lives on it
                continue
    return False
