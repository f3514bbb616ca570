"""Signals that nobody could act on: set aside, told by one alert per connection that closes when none of them is left."""

from datetime import datetime
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.webhooks import db
from connector.webhooks.model import Delivery, Signal, SignalState

REASON = "SIGNALS_QUARANTINED"


async def quarantine(
    tx: Tx, delivery: Delivery, signal: Signal, *, kind: str, reason: str, tries: int, at: datetime
) -> None:
    """Set a signal aside, and tell its store."""
    await db.set_aside(tx, delivery, signal, SignalState.QUARANTINED, kind=kind, reason=reason, tries=tries)
    owner = await connections.owner_of_page(tx, delivery.environment, signal.page_id) if signal.page_id else None
    if owner is not None:
        await tell(tx, owner.store_id, owner.id, at=at)


async def tell(tx: Tx, store_id: str, connection_id: UUID, *, at: datetime) -> None:
    """Open a connection's alert, bring it up to date, or close it."""
    count = await db.quarantined(tx, connection_id)
    if not count:
        await alerts.close_alert(tx, store_id, connection_id, REASON, at=at)
        return
    alert = Alert(
        REASON,
        "Something Meta reported could not be worked off",
        f"{count} signals of the Page were set aside as they came, after several tries; nothing else was held up. "
        "ListSignals says why; operators mend the cause, then ReplaySignals, or DismissSignals.",
        fix_rpc="ReplaySignals",
        item_count=count,
    )
    await alerts.open_alert(tx, store_id, connection_id, alert, at=at)


async def settle_alerts(tx: Tx, *, at: datetime) -> None:
    """Close the alerts of which no signal is left."""
    for connection in await _alarmed(tx):
        await tell(tx, connection.store_id, connection.id, at=at)


async def _alarmed(tx: Tx) -> list[Connection]:
    found = [await connections.by_id(tx, one) for one in await db.without_quarantined(tx, REASON)]
    return [connection for connection in found if connection is not None]
