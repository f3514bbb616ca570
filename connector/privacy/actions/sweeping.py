"""Carries out the data map, once an hour: what is past its time goes, a piece per transaction; late deletions are told.

The one place where rows end by age. What a feature must do besides – end logins nobody came back from,
give up uploads – is done here too, in the feature's own words.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from connector import log, metrics
from connector.adoption.db import scans
from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.attribution.db import orders as attributions
from connector.catalog.db import snapshots
from connector.connections import db as connections
from connector.connections.actions.news import tell
from connector.connections.model import UNSUBSCRIBE_TIME
from connector.conversions import actions as conversions
from connector.db import audit, outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.events import db as events
from connector.feeds import actions as feeds
from connector.order_changes.db import changes as order_changes
from connector.order_changes.db import returns as order_returns
from connector.order_commands import actions as order_commands
from connector.orders.db import watching as orders
from connector.payouts.db import transactions
from connector.privacy.db import ageing, ledger, logins
from connector.privacy.model.classes import Aged
from connector.privacy.model.data_map import DATA_MAP
from connector.privacy.model.deletions import Deletion
from connector.runtime import Runtime
from connector.webhooks import actions as webhooks

_KEEP_SCANS, _FORGOTTEN = timedelta(days=30), 5_000
_KEEP_ACKNOWLEDGED = timedelta(days=7)
_KEEP_EVENTS = timedelta(days=90)

Forget = Callable[[Tx, datetime], Awaitable[bool]]
"""Forgets a piece of what outlived its time; tells whether there may be more."""


async def _snapshots(tx: Tx, at: datetime) -> bool:
    return await snapshots.sweep(tx, at=at)


async def _events(tx: Tx, at: datetime) -> bool:
    return await events.sweep(tx, acknowledged_before=at - _KEEP_ACKNOWLEDGED, created_before=at - _KEEP_EVENTS)


async def _uploads(tx: Tx, at: datetime) -> bool:
    return await feeds.sweep(tx, at=at)


async def _scans(tx: Tx, at: datetime) -> bool:
    return await scans.sweep(tx, disconnected_before=at - _KEEP_SCANS, limit=_FORGOTTEN)


async def _messages(tx: Tx, at: datetime) -> bool:
    return await ageing.forget_messages(tx, at=at)


async def _deliveries(tx: Tx, at: datetime) -> bool:
    return await webhooks.sweep(tx, at=at)


async def _attributions(tx: Tx, at: datetime) -> bool:
    return await attributions.forget_people(tx, at=at)


async def _conversions(tx: Tx, at: datetime) -> bool:
    return await conversions.end_overdue(tx, at=at)


async def _orders(tx: Tx, at: datetime) -> bool:
    return await orders.forget_people(tx, at=at)


async def _cancellations(tx: Tx, at: datetime) -> bool:
    return await order_changes.forget_words(tx, at=at)


async def _returns(tx: Tx, at: datetime) -> bool:
    return await order_returns.forget_words(tx, at=at)


async def _transactions(tx: Tx, at: datetime) -> bool:
    return await transactions.forget_places(tx, at=at)


async def _audit(tx: Tx, at: datetime) -> bool:
    return await audit.seal(tx, before=at - audit.KEPT, at=at)


RULES: Mapping[str, Forget] = {
    "attributions": _attributions,
    "audit": _audit,
    "conversions": _conversions,
    "deliveries": _deliveries,
    "snapshots": _snapshots,
    "events": _events,
    "uploads": _uploads,
    "scans": _scans,
    "messages": _messages,
    "order_cancellations": _cancellations,
    "order_returns": _returns,
    "orders": _orders,
    "payout_transactions": _transactions,
}
"""How the rules that the data map names are carried out; `holds` end in their own task, every 15 seconds."""


async def sweep(runtime: Runtime, task: Taken) -> None:
    """Forget what is of no use any more, and look after what waits for time to pass."""
    now = runtime.now()
    await _look_after_connections(runtime, now)
    await _settle_audit(runtime, now)
    aged = ((table, rule) for table, told in DATA_MAP.items() for rule in told.retention if isinstance(rule, Aged))
    ages: list[Forget] = [partial(_forget_aged, table, rule) for table, rule in aged]
    for forget in (*ages, *RULES.values()):
        more = True
        while more:
            async with runtime.db.begin() as tx:
                more = await forget(tx, now)
    async with runtime.db.begin() as tx:
        await _tell_late(tx, now)
        await outbox.done(tx, task, at=now)


async def _forget_aged(table: str, rule: Aged, tx: Tx, at: datetime) -> bool:
    return await ageing.forget(tx, table, rule, at=at)


async def _look_after_connections(runtime: Runtime, now: datetime) -> None:
    """Wipe what a disconnected Page left, end logins that ran out, revive what only waited, end what waits in vain."""
    async with runtime.db.begin() as tx:
        await connections.wipe(tx, disconnected_before=now - UNSUBSCRIBE_TIME, at=now)
        for ended in await connections.end_logins(tx, at=now):
            await tell(tx, ended, at=now)
    async with runtime.db.begin() as tx:
        await outbox.revive_passing(tx, at=now)
    await order_commands.end_hopeless(runtime)


async def _settle_audit(runtime: Runtime, now: datetime) -> None:
    """Make audit entries of calls that died, and of hours that were counted."""
    more = True
    while more:
        async with runtime.db.begin() as tx:
            more = await audit.settle(tx, at=now)


async def _tell_late(tx: Tx, now: datetime) -> None:
    """Tell operators, and the store, of deletions that should have ended; take it back when they have."""
    late = await ledger.late(tx, at=now)
    metrics.late_deletions.inc(len(late))
    for deletion in late:
        log.warn("deletion.late", deletion_id=str(deletion.id), store_id=deletion.store_id or "")
    for store_id in {one.store_id for one in late if one.store_id}:
        await _alert(tx, store_id, [one for one in late if one.store_id == store_id], now)
    for connection_id, store_id in await logins.with_alert(tx, "DELETION_LATE"):
        if store_id not in {one.store_id for one in late}:
            await alerts.close_alert(tx, store_id, connection_id, "DELETION_LATE", at=now)


async def _alert(tx: Tx, store_id: str, late: list[Deletion], now: datetime) -> None:
    told = Alert(
        "DELETION_LATE",
        "A deletion of personal data takes too long",
        f"{len(late)} of them did not end within 24 hours; operators look at the task ERASE_PERSON.",
        fix_rpc="GetDeletion",
        item_count=len(late),
    )
    for connection_id, *_ in (await logins.of_store(tx, store_id))[:1]:
        await alerts.open_alert(tx, store_id, connection_id, told, at=now)
