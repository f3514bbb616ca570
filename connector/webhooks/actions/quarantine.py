"""Signals that nobody could act on: tried five times, then set aside, told by one alert per connection that closes when none is left.

A signal that fails goes out of its delivery's way at once and is tried again alone, after a growing pause; its neighbours wait for nothing.
"""

from datetime import datetime, timedelta
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.webhooks import db
from connector.webhooks.actions.kinds import shown_kind
from connector.webhooks.model import Delivery, Signal, SignalState

REASON = "SIGNALS_QUARANTINED"
ATTEMPTS = 5
"""How often a signal is tried: with its batch, then alone; after that it is set aside."""
FIRST_PAUSE = timedelta(seconds=30)


async def set_back(
    tx: Tx, delivery: Delivery, signal: Signal, *, owner: Connection | None, reason: str, at: datetime
) -> str:
    """Let a signal that failed be tried again later, alone; the last time set it aside. Tells what became of it."""
    attempts = delivery.attempts + 1
    if attempts < ATTEMPTS:
        await db.rest(tx, delivery, signal, due=at + FIRST_PAUSE * 2 ** (attempts - 1), attempts=attempts)
        return "postponed"
    await quarantine(tx, delivery, signal, owner=owner, reason=reason, at=at)
    return "quarantined"


async def quarantine(
    tx: Tx, delivery: Delivery, signal: Signal, *, owner: Connection | None, reason: str, at: datetime
) -> None:
    """Set a signal aside that was tried often enough, and tell its store."""
    aside = db.SetAside(SignalState.QUARANTINED, shown_kind(signal), reason, ATTEMPTS)
    told = await db.set_aside(tx, delivery, signal, aside, owner=owner)
    if told is not None:
        await tell(tx, *told, at=at)


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
