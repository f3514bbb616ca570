"""What the hourly sweep does about deliveries: days that are past their age go, days to come are made, alerts that are over close."""

from datetime import datetime

from connector import log, metrics
from connector.db.schema import Tx
from connector.webhooks import db
from connector.webhooks.actions.quarantine import settle_alerts


async def sweep(tx: Tx, *, at: datetime) -> bool:
    """Forget a piece of what outlived its time; tells whether there may be more. What locks the table comes last."""
    if expired := await db.forget_parked(tx, at=at):
        metrics.signals.labels("parked", "expired").inc(expired)
        log.warn("signals.expired", signal_count=expired)
    if await db.forget_rest(tx, at=at) or expired:
        return True
    await settle_alerts(tx, at=at)
    await db.prepare(tx, at=at)
    await db.drop(tx, at=at)
    return False
