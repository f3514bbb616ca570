"""Reads payouts and transactions once a day, then weighs the orders' money against them.

    turn: one page ──▶ … ──▶ last page ──▶ a piece of the orders weighed ──▶ … ──▶ alert opened or closed ──▶ tomorrow

Where a reading stands is kept with its page, in one transaction: a turn that was cut off is repeated and finds its page not kept.
Readings overlap, for rows learn of their payout later. The Page is asked first; the account knows payouts, and once knew the rest.
"""

from datetime import datetime
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import MOST_SAMPLES, Alert
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.graph.subscriptions import page_bucket
from connector.connections.model import CapabilityKind, Connection
from connector.connections.model.capabilities import CapabilityState
from connector.connections.model.needs import REPORTS
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, MetaRefused
from connector.graph.call import Listed
from connector.orders.db.tables import order_accounts
from connector.payouts import graph
from connector.payouts.db import balances, transactions
from connector.payouts.model.rounds import Round, Step, begin
from connector.payouts.model.values import PULLED_EVERY, Payout, Surface, Transaction, number
from connector.runtime import Runtime

_PIECE = 2_000
_REASON = "ORDER_MONEY_DIFFERS"


async def plan_pull(runtime: Runtime, store_id: str, connection_id: str) -> datetime | None:
    """Have payouts read now; tells when the last reading ended. One that is under way goes on.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED, CAPABILITY_RETIRED_BY_META, SCOPES_MISSING, as the connection stands.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require_live(tx, store_id, connection_id)
        _require(connection)
        key = f"every:{Task.PULL_PAYOUTS}:{connection.id}"
        await outbox.add(tx, Task.PULL_PAYOUTS, due=runtime.now(), connection_id=connection.id, key=key)
        last = await transactions.last_pull(tx, connection.id)
    return last.finish_time if last else None


def _require(connection: Connection) -> None:
    capability = connection.capability(CapabilityKind.ORDER_MANAGEMENT)
    facts = {"fix": capability.fix, "connection_id": str(connection.id)}
    if capability.state is not CapabilityState.ACTIVE:
        raise FailedPrecondition(capability.reason, capability.explanation, **facts)
    if not _reports(connection):
        message = "The merchant connects again and allows what payouts need"
        raise FailedPrecondition("SCOPES_MISSING", message, fix="Connect.begin", connection_id=str(connection.id), missing=REPORTS)  # fmt: skip


def _reports(connection: Connection) -> bool:
    """Tell whether payouts may be read; a connection without any permission was never inspected: nothing follows."""
    return not connection.granted_scopes or REPORTS in connection.granted_scopes


async def pull_payouts(runtime: Runtime, task: Taken) -> None:
    """Read one page, or weigh one piece; comes back until the reading is over, then a day later for the next."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections.of_task(tx, task)
        active = connection.capability(CapabilityKind.ORDER_MANAGEMENT).state is CapabilityState.ACTIVE
        if not active or not _reports(connection):
            await transactions.keep_round(tx, connection, None)
            await outbox.again(tx, task, now + PULLED_EVERY)
            return
        current = await _current(tx, connection, at=now)
        if current.step is Step.BALANCES:
            await _weigh(tx, task, connection, current, at=now)
            return
        node_id = await _node(tx, connection, current.surface)
        await connection_actions.require_room(runtime, tx, connection, page_bucket(connection.page_id))
    page = await _ask(runtime, connection, current, node_id) if node_id else None
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await (_keep(tx, task, connection, current, page, at=now) if page else _try_elsewhere(runtime, tx, task, connection, current))  # fmt: skip


async def _current(tx: Tx, connection: Connection, *, at: datetime) -> Round:
    if (kept := Round.of(await transactions.under_way(tx, connection.id), at=at)) is not None:
        return kept
    last = await transactions.last_pull(tx, connection.id)
    oldest = await transactions.oldest_open(tx, connection.id)
    return begin(at=at, last=last and last.begin_time, oldest=oldest)


async def _node(tx: Tx, connection: Connection, surface: Surface) -> str:
    """Tell of what Meta is asked; empty when the account is not known."""
    if surface is Surface.PAGE:
        return connection.page_id
    mine = order_accounts.c.connection_id == connection.id
    found: str | None = await tx.scalar(order_accounts.select().with_only_columns(order_accounts.c.commerce_account_id).where(mine))  # fmt: skip
    return found or ""


async def _ask(
    runtime: Runtime, connection: Connection, current: Round, node_id: str
) -> Listed[Payout] | Listed[Transaction] | None:
    """Ask for a page; None when Meta has none to ask for there."""
    access = await connection_actions.access(runtime, connection, kind="page")
    window = {"since": current.from_time, "until": current.begin_time}
    try:
        if current.step is Step.PAYOUTS:
            call = graph.list_payouts(node_id, connection.page_id, **window, after=current.after)
            return await runtime.graph.send(call, access)
        asked = graph.list_transactions(node_id, connection.page_id, **window, after=current.after)
        return await runtime.graph.send(asked, access)
    except MetaRefused as refusal:
        if current.after or not graph.tells_gone(refusal):  # in the midst of a list it is not the list that is gone
            raise
        return None


async def _keep(
    tx: Tx,
    task: Taken,
    connection: Connection,
    current: Round,
    page: Listed[Payout] | Listed[Transaction],
    *,
    at: datetime,
) -> None:
    payouts = [one for one in page.entries if isinstance(one, Payout)]
    told = [one for one in page.entries if isinstance(one, Transaction)]
    await transactions.keep_payouts(tx, connection, payouts, at=current.begin_time)
    seen = await transactions.seen(tx, connection.id, [one.digest() for one in told], at=current.begin_time)
    await transactions.keep_transactions(tx, connection, number(told, seen), at=current.begin_time)
    following = current.following(page.after)
    if following and following.step is Step.BALANCES:
        await transactions.forget_unseen(tx, connection.id, since=current.from_time, at=current.begin_time)
    await transactions.keep_round(tx, connection, following.document() if following else None)
    await outbox.again(tx, task, at)


async def _try_elsewhere(runtime: Runtime, tx: Tx, task: Taken, connection: Connection, current: Round) -> None:
    """Ask the account next; when neither knows, have looked whether orders are over, and leave it for a day."""
    if (elsewhere := current.elsewhere()) is not None:
        await transactions.keep_round(tx, connection, elsewhere.document())
        await outbox.again(tx, task, runtime.now())
        return
    await transactions.keep_round(tx, connection, None)
    await connection_actions.plan_check(runtime, tx, connection, CapabilityKind.ORDER_MANAGEMENT)
    await outbox.again(tx, task, runtime.now() + PULLED_EVERY)


async def _weigh(tx: Tx, task: Taken, connection: Connection, current: Round, *, at: datetime) -> None:
    after = UUID(current.after) if current.after else None
    behind = await balances.weigh(tx, connection, after=after, at=current.begin_time, limit=_PIECE)
    following = current.following(str(behind)) if behind else None
    if following is not None:
        await transactions.keep_round(tx, connection, following.document())
        await outbox.again(tx, task, at)
        return
    await transactions.keep_round(tx, connection, None, begin_time=current.begin_time, finish_time=at)
    await _alarm(tx, connection, at=at)
    await outbox.again(tx, task, max(at, current.begin_time + PULLED_EVERY))


async def _alarm(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Raise one alert while any order's money is not as it should be; end it when all is."""
    found = await balances.wrong(tx, connection.id, samples=MOST_SAMPLES)
    if not found.number:
        await alerts.close_alert(tx, connection.store_id, connection.id, _REASON, at=at)
        return
    alert = Alert(
        reason=_REASON,
        title="Payouts do not fit orders",
        body=f"For {found.number} orders Facebook paid out something else than it should, or nothing for more than 30 days, such as "
        f"{', '.join(found.samples[:3])}. The list tells each difference; ask Facebook about it.",
        fix_rpc="ListOrderBalances",
        # Unverified: where Commerce Manager shows payouts.
        link="https://business.facebook.com/commerce",
        item_count=found.number,
    )
    await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at)
