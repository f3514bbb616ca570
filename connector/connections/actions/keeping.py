"""Keeps what a login granted until the choice is made, and what went wrong with one.

A login never disturbs what is linked: its token waits sealed beside it, for an hour. At Meta, though, it replaces what the
same person granted before, in other stores too: who loses by it is told, and every live connection of the person is inspected at once.
"""

from dataclasses import dataclass
from typing import Any

from connector.connections import db
from connector.connections.actions.granting import Grant
from connector.connections.actions.linking import choose, followed
from connector.connections.actions.news import problem_of, tell
from connector.connections.actions.standing import plan_inspections
from connector.connections.actions.tokens import binding
from connector.connections.model import CHOICE_TIME, Connection, Loss, State, losses
from connector.db import walls
from connector.errors import ConnectorError, FailedPrecondition, Throttled, Unavailable
from connector.runtime import Runtime
from connector.values import ConnectionId


@dataclass(frozen=True, slots=True)
class Kept:
    """A grant that waits at a connection, and what it takes away from live ones."""

    connection: Connection
    grant: Grant
    losses: tuple[Loss, ...]


async def keep_grant(
    runtime: Runtime, store_id: str, connection_id: ConnectionId, grant: Grant, *, digest: bytes | None = None
) -> Kept:
    """Keep a token beside what is linked, and what it offers; a connection that is not live now awaits the choice.

    `digest` names the login it came from, which a disconnect may have withdrawn meanwhile.

    Raises:
        FailedPrecondition: LOGIN_WITHDRAWN.

    """
    async with runtime.db.begin() as tx:
        target = await followed(tx, store_id, str(connection_id))
    sealed = await runtime.vault.seal(grant.token, binding(target, "login"))
    now, offer, consent = runtime.now(), grant.offer, grant.consent or grant.offer
    waits: dict[str, Any] = {
        "login_token": sealed,
        "login_offer": offer.document(),
        "login_expire_time": now + CHOICE_TIME,
    }
    with walls.beyond():  # the same person's connections, in whichever store
        async with runtime.db.begin() as tx:
            current = await followed(tx, store_id, str(connection_id), lock=True)
            if current.id != target.id or (digest is not None and not await db.login_stands(tx, digest)):
                raise withdrawn()
            if not current.live:
                waits |= {"state": State.AWAITING_CHOICE, "reason": "", "user_id": offer.user_id}
            connection = await db.change(tx, current.id, at=now, **waits)
            theirs = await db.of_person(tx, current.environment, consent.user_id)
            await plan_inspections(tx, theirs, at=now)
    return Kept(connection, grant, losses(consent, theirs))


async def lost(runtime: Runtime, connection: Connection) -> tuple[Loss, ...]:
    """Tell what the login whose choice is open takes away from live connections of the same person."""
    with walls.beyond():
        async with runtime.db.begin() as tx:
            waiting = await db.read_waiting(tx, connection.id)
            if waiting is None:
                return ()
            theirs = await db.of_person(tx, connection.environment, waiting.offer.user_id)
    return losses(waiting.offer, theirs)


async def link_granted(runtime: Runtime, kept: Kept, *, page_id: str, catalog_id: str = "") -> Connection:
    """Link at once what needs no choice: the Page that the connection stands for, or that was named beforehand.

    When Meta fails for the moment the choice stays open. When it cannot be linked, the token goes.
    """
    connection = kept.connection
    if not page_id or kept.grant.offer.page(page_id) is None:
        return connection
    try:
        return await choose(runtime, connection.store_id, str(connection.id), page_id=page_id, catalog_id=catalog_id)
    except (Throttled, Unavailable):
        return connection
    except ConnectorError as failure:
        ended = {"state": State.DISCONNECTED, "reason": failure.reason}
        async with runtime.db.begin() as tx:
            current = await db.require(tx, connection.store_id, connection.id, lock=True)
            given_up = db.NOTHING_WAITS if current.live else {**ended, **db.NOTHING_WAITS}
            await db.change(tx, current.id, at=runtime.now(), **given_up)
        raise


async def note_failed(
    runtime: Runtime, store_id: str, connection_id: ConnectionId, failure: ConnectorError
) -> Connection | None:
    """Let the connection show why its login failed; one that is live, or has another login's choice open, stays as it is."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await db.by_id(tx, connection_id, lock=True)
        if connection is None or connection.store_id != store_id:
            return None
        await db.note_problem(tx, connection.id, problem_of(failure, at=now))
        stays = connection.live or connection.successor_id or failure.reason == "LOGIN_WITHDRAWN"
        if stays or await db.read_waiting(tx, connection.id):
            return connection
        connection = await db.change(tx, connection.id, at=now, state=State.DISCONNECTED, reason=failure.reason)
        await tell(tx, connection, at=now)
        return connection


def withdrawn() -> FailedPrecondition:
    """Say that a login was overtaken by a disconnect."""
    message = "The store was disconnected after this login had begun: whoever still wants to connect begins again"
    return FailedPrecondition("LOGIN_WITHDRAWN", message, fix="Connect.begin")
