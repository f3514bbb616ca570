"""Tells the store that a push is disabled, and when none is any more."""

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.pushes import db
from connector.pushes.model import Push
from connector.runtime import Runtime
from connector.values import Environment


async def raise_alert(runtime: Runtime, tx: Tx, push: Push) -> None:
    """Open the alert on one of the store's connections; a store without any is told by `GetPush` only."""
    told = Alert(
        "PUSH_DISABLED",
        "Events are not pushed any more",
        f"The push to the consumer {push.consumer} is disabled ({push.reason}; last answer: {push.last_answer}). Events wait and none is lost.",
        fix_rpc="EnablePush",
        item_count=1,
    )
    for connection in (await _connections(tx, push.store_id))[:1]:
        await alerts.open_alert(tx, push.store_id, connection.id, told, at=runtime.now())


async def drop_alert(runtime: Runtime, tx: Tx, store_id: str) -> None:
    """Close the alert when no push of the store is disabled."""
    if not await db.any_disabled(tx, store_id):
        for connection in await _connections(tx, store_id):
            await alerts.close_alert(tx, store_id, connection.id, "PUSH_DISABLED", at=runtime.now())


async def _connections(tx: Tx, store_id: str) -> list[Connection]:
    return [one for world in Environment for one in await connections.of_store(tx, store_id, world)]
