"""Tells the store that a push is disabled, and when none is any more."""

from collections.abc import Sequence
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.db.schema import Tx
from connector.pushes import db
from connector.pushes.model import Push
from connector.runtime import Runtime
from connector.values import Environment

DISABLED = "PUSH_DISABLED"


def of_disabled(pushes: Sequence[Push]) -> Alert:
    """Write the alert of a store's disabled pushes."""
    told = "; ".join(f"{push.consumer} ({push.reason}; last answer: {push.last_answer})" for push in pushes[:3])
    body = f"Disabled pushes, by consumer: {told}. Events wait and none is lost for 90 days."
    return Alert(DISABLED, "Events are not pushed any more", body, fix_rpc="EnablePush", item_count=len(pushes))


async def raise_alert(runtime: Runtime, tx: Tx, store_id: str) -> None:
    """Open the alert of the store's disabled pushes."""
    place = await place_of(tx, store_id)
    if place:
        told = of_disabled(await db.disabled(tx, [store_id]))
        await alerts.open_alert(tx, store_id, place, told, at=runtime.now())


async def drop_alert(runtime: Runtime, tx: Tx, store_id: str) -> None:
    """Close the alert when no push of the store is disabled."""
    if not await db.disabled(tx, [store_id]):
        for connection_id in (await db.opened(tx, [store_id], [DISABLED])).get((store_id, DISABLED), ()):
            await alerts.close_alert(tx, store_id, connection_id, DISABLED, at=runtime.now())


async def place_of(tx: Tx, store_id: str) -> UUID | None:
    """Tell on which connection an alert about a whole store stands; None when the store has none."""
    for environment in (Environment.PRODUCTION, Environment.TEST):
        for connection in await connections.of_store(tx, store_id, environment):
            return connection.id
    return None
