"""Forgets what is of no use any more: tokens; ends logins nobody came back from."""

from datetime import datetime

from sqlalchemy import ColumnElement, select, update

from connector.connections.db.logins import NOTHING_WAITS
from connector.connections.db.tables import CHANNEL, SHOWN, connections, logins, shown
from connector.connections.model import LIVE, Connection, State
from connector.db.bell import ring
from connector.db.schema import Tx


async def wipe(tx: Tx, *, disconnected_before: datetime, at: datetime) -> None:
    """Wipe the Page tokens of connections that were disconnected before a time: nothing can use them any more."""
    gone = connections.c.state.not_in(LIVE), connections.c.state_time < disconnected_before
    left = update(connections).where(*gone, connections.c.page_token.is_not(None))
    await tx.execute(left.values(page_token=None, update_time=at))


async def end_logins(tx: Tx, *, at: datetime) -> list[Connection]:
    """End the connections whose first login, or whose choice, nobody came back to; tells which."""
    await tx.execute(update(logins).where(logins.c.expire_time <= at, logins.c.token.is_not(None)).values(token=None))
    open_login = (
        select(logins.c.connection_id)
        .where(logins.c.connection_id == connections.c.id, logins.c.expire_time > at)
        .exists()
    )
    left = await _end(tx, "LOGIN_EXPIRED", connections.c.state == State.AWAITING_LOGIN, ~open_login, at=at)
    return left + await end_choices(tx, at=at)


async def end_choices(tx: Tx, *conditions: ColumnElement[bool], at: datetime) -> list[Connection]:
    """Wipe the token of every login whose choice was not made in time; tells which connections ended by it.

    A live connection stays what it is; any other is DISCONNECTED.
    """
    overdue = connections.c.login_expire_time <= at, *conditions
    await tx.execute(
        update(connections).where(*overdue, connections.c.state.in_(LIVE)).values(update_time=at, **NOTHING_WAITS)
    )
    return await _end(tx, "LOGIN_CHOICE_EXPIRED", *overdue, at=at)


async def _end(tx: Tx, reason: str, *conditions: ColumnElement[bool], at: datetime) -> list[Connection]:
    ended = {"state": State.DISCONNECTED, "reason": reason, "state_time": at, "update_time": at, **NOTHING_WAITS}
    rows = list(await tx.execute(update(connections).where(*conditions).values(**ended).returning(*SHOWN)))
    for row in rows:
        await ring(tx, CHANNEL, str(row.id))
    return [shown(row) for row in rows]
