"""How connections tell what happens to them: events to StormCom, problems to the status."""

from datetime import datetime

from connector.connections.model import Connection, Problem
from connector.db.schema import Tx
from connector.errors import ConnectorError, MetaRefused
from connector.events import db as events
from connector.events.model import Draft


async def tell(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Tell StormCom that a connection, or what it may do, has changed."""
    key, body = f"connection:{connection.id}", {"connection": connection.document()}
    await events.append(tx, Draft(connection.store_id, connection.id, key, "connection_changed", body), at=at)


def problem_of(error: ConnectorError, *, at: datetime) -> Problem:
    """Write a failure down the way the status tells it."""
    code, subcode = (error.code, error.subcode) if isinstance(error, MetaRefused) else (0, 0)
    return Problem(error.reason, error.message, at, code, subcode)
