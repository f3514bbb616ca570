"""Who manages the orders of a Page's shop: finds its commerce account, takes its orders over, gives them up, tells how the road does.

Taking over is a decision of the merchant's, made by a call, never by linking a Page: from then on Meta holds every new order until
it is acknowledged.
"""

from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityState, Connection
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.graph.call import Call
from connector.graph.client import Access
from connector.orders import graph
from connector.orders.actions.asking import ORDERS
from connector.orders.actions.planning import plan_acknowledging, plan_poll
from connector.orders.db import accounts
from connector.orders.db import orders as db
from connector.orders.db.orders import Counts
from connector.orders.model.accounts import Account, Manager
from connector.orders.model.refusals import MANAGED_ELSEWHERE, no_account, order_code, orders_open, taken_elsewhere
from connector.runtime import Runtime

T = TypeVar("T")
TAKEN = "ORDERS_MANAGED_ELSEWHERE"
"""The alert that the daily look at the shop raises too: one fact, one alert."""


class Management(NamedTuple):
    """How the road does: the account, as far as it is known, what waits, and whether Meta has switched the road off."""

    account: Account | None
    counts: Counts
    retired: bool


async def associate(
    runtime: Runtime, store_id: str, connection_id: str, *, currency_code: str | None = None
) -> Management:
    """Take the orders of the Page's shop over; again changes nothing but the store's currency, when it is given.

    Raises:
        FailedPrecondition: ORDER_MANAGEMENT_TAKEN, COMMERCE_ACCOUNT_MISSING, or why orders cannot be managed at all.

    """
    connection = await _able(runtime, store_id, connection_id)
    access = await connection_actions.access(runtime, connection)
    found = await _send(runtime, connection, graph.find_account(connection.page_id), access)
    if found is None:
        await _keep(runtime, connection, Manager.NO_ACCOUNT, commerce_account_id="", name="")
        raise no_account(connection.page_id)
    said = {} if currency_code is None else {"currency_code": currency_code}
    known = {"commerce_account_id": found.commerce_account_id, "name": found.name, **said}
    try:
        await _send(runtime, connection, graph.associate(found.commerce_account_id, connection.page_id), access)
    except MetaRefused as refused:
        if order_code(refused) != MANAGED_ELSEWHERE:
            raise
        await _keep(runtime, connection, Manager.TAKEN, **known)
        raise taken_elsewhere(str(connection.id)) from refused
    await _keep(runtime, connection, Manager.OURS, **known)
    return await read_management(runtime, store_id, connection_id)


async def _able(runtime: Runtime, store_id: str, connection_id: str) -> Connection:
    """Find a connection whose orders can be managed now."""
    async with runtime.db.begin() as tx:
        connection = await connections.require_live(tx, store_id, connection_id)
        connection_actions.require_capability(connection, ORDERS)
        await connection_actions.require_open(runtime, tx, connection.environment)
    return connection


async def _send(runtime: Runtime, connection: Connection, call: Call[T], access: Access) -> T:
    """Make a call that a person waits for; a refusal has the capability tried, for the whole road may be closed."""
    try:
        return await runtime.graph.send(call, access)
    except MetaRefused as refused:
        if order_code(refused) != MANAGED_ELSEWHERE:
            await connection_actions.note_refusal(runtime, connection, refused, task=Task.POLL_ORDERS)
            async with runtime.db.begin() as tx:
                await connection_actions.plan_check(runtime, tx, connection, ORDERS)
        raise


async def _keep(runtime: Runtime, connection: Connection, manager: Manager, **known: str) -> None:
    """Keep who manages an account; what is ours is looked through at once."""
    async with runtime.db.begin() as tx:
        at = runtime.now()
        before = await accounts.find(tx, connection.id, lock=True)
        same = before is not None and before.commerce_account_id == known["commerce_account_id"]
        ours = before.associate_time if before and same and before.manager is manager else at
        times = {"associate_time": ours if manager is Manager.OURS else None}
        if not same:  # another shop: what is known of the old one's changes says nothing
            times |= {"watermark_time": None, "last_poll_time": None}
        await accounts.keep(tx, connection.id, connection.store_id, manager=manager, **known, **times)
        await tell_manager(tx, connection, manager, at=at)
        if manager is Manager.OURS:
            await plan_poll(tx, connection.id, at=at)
            await plan_acknowledging(tx, connection.id, due=at)  # what StormCom took while others managed the orders


async def tell_manager(tx: Tx, connection: Connection, manager: Manager, *, at: datetime) -> None:
    """Raise the alert that another app manages the orders, or end it."""
    if manager is not Manager.TAKEN:
        await alerts.close_alert(tx, connection.store_id, connection.id, TAKEN, at=at)
        return
    alert = Alert(
        TAKEN,
        "Another app manages the orders of your shop",
        "Orders from Facebook and Instagram do not reach StormCom. Disconnect the other app in Commerce Manager, then press Associate.",
        fix_rpc="AssociateOrderManagement",
    )
    await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at)


async def release(runtime: Runtime, store_id: str, connection_id: str, *, force: bool) -> Management:
    """Give the orders of the Page's shop up; orders that are with us stay. Again changes nothing.

    Raises:
        FailedPrecondition: ORDERS_OPEN, or why orders cannot be managed at all.

    """
    connection = await _able(runtime, store_id, connection_id)
    async with runtime.db.begin() as tx:
        account = await accounts.find(tx, connection.id)
        counts = await db.count(tx, connection.id)
    if account is None or account.manager is not Manager.OURS:
        return await read_management(runtime, store_id, connection_id)
    if counts.open and not force:
        raise orders_open(counts.open)
    access = await connection_actions.access(runtime, connection)
    await _send(runtime, connection, graph.release(account.commerce_account_id, connection.page_id), access)
    async with runtime.db.begin() as tx:
        await accounts.change(tx, connection.id, manager=Manager.FREE, associate_time=None)
    return await read_management(runtime, store_id, connection_id)


async def read_management(runtime: Runtime, store_id: str, connection_id: str) -> Management:
    """Tell who manages the orders, as far as we know, and how the road does. Asks nothing of Meta."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        account = await accounts.find(tx, connection.id)
        counts = await db.count(tx, connection.id)
    retired = connection.capability(ORDERS).state is CapabilityState.RETIRED_BY_META
    return Management(account, counts, retired)


async def poll(runtime: Runtime, store_id: str, connection_id: str, *, since: datetime | None) -> datetime | None:
    """Have orders looked for now; tells when the last look ended.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED, or why orders cannot be managed.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require_live(tx, store_id, connection_id)
        connection_actions.require_capability(connection, ORDERS)
        account = await accounts.find(tx, connection.id, lock=True)
        if account is not None and since is not None:
            farther = min(since, account.since_time) if account.since_time else since
            await accounts.change(tx, connection.id, since_time=farther)
        await plan_poll(tx, connection.id, at=runtime.now())
        return account.last_poll_time if account else None


async def note_hint(runtime: Runtime, tx: Tx, connection: Connection | None, account_id: str) -> bool:
    """Look for orders because a webhook hints at one, of a Page or of a commerce account; tells whether we manage those."""
    found: list[UUID] = [connection.id] if connection else []
    if not found and account_id:
        found = await accounts.of_commerce_account(tx, account_id)
    for one in sorted(found):
        await plan_poll(tx, one, at=runtime.now())
    return bool(found)
