"""Forgets what is of no use any more: tokens, logins, problems; ends logins nobody came back from."""

from datetime import datetime

from sqlalchemy import delete, select, update

from connector.connections.db.tables import connections, logins, problems
from connector.connections.model import LIVE, State
from connector.db.schema import Tx


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
