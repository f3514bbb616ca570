"""Tells Meta which orders StormCom has, up to a hundred at once, with StormCom's ids of them.

A batch and its key are kept before the first attempt. After an answer that was lost the same batch goes again under the same key,
so Meta does it once; after a refusal under a new one. Each order has a verdict of its own: one that Meta refuses holds no other back.
"""

from collections.abc import Mapping
from datetime import datetime

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.graph.subscriptions import page_bucket
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.orders import graph
from connector.orders.actions import telling
from connector.orders.actions.asking import ORDERS
from connector.orders.actions.managing import tell_manager
from connector.orders.actions.planning import plan_import
from connector.orders.db import accounts
from connector.orders.db import acknowledgements as db
from connector.orders.db import orders as orders_db
from connector.orders.db.acknowledgements import Batch, Waiting
from connector.orders.graph import Verdict
from connector.orders.model.accounts import Account, Manager
from connector.orders.model.refusals import BEYOND_ACKNOWLEDGEMENT, BUSY, MANAGED_ELSEWHERE, order_code
from connector.orders.model.retries import next_try
from connector.orders.model.states import Happening, ImportState, move
from connector.orders.model.values import Order
from connector.runtime import Runtime

MOST_TRIES = 5
_NO_ANSWER, _FAILED = -1, -2


async def acknowledge_orders(runtime: Runtime, task: Taken) -> None:
    """Acknowledge one batch at Meta, and come back for the next."""
    async with runtime.db.begin() as tx:
        task = await outbox.hold(tx, task)
        connection = await connections.of_task(tx, task)
        connection_actions.require_capability(connection, ORDERS)
        account = await accounts.find(tx, connection.id)
        await connection_actions.require_room(runtime, tx, connection, page_bucket(connection.page_id))
        key = runtime.new_id().hex  # letters and digits only, as Meta wants keys
        ours = account is not None and account.manager is Manager.OURS
        batch = await db.next_batch(tx, connection.id, key=key, at=runtime.now(), limit=graph.MOST_ACKNOWLEDGED) if ours else None  # fmt: skip
        if account is None or batch is None:
            await _finish(tx, task, connection, at=runtime.now(), more=ours)
            return
    verdicts = await _send(runtime, connection, account, batch)
    async with runtime.db.begin() as tx:
        await orders_db.lock_each(tx, [one.id for one in batch.orders])
        for one in batch.orders:
            await _settle(tx, one, verdicts.get(one.external_order_id), at=runtime.now())
        await plan_import(tx, connection.id, at=runtime.now())  # what Meta made of them is read together
        if any(verdict.code == MANAGED_ELSEWHERE for verdict in verdicts.values()):
            await accounts.change(tx, connection.id, manager=Manager.TAKEN)
            await tell_manager(tx, connection, Manager.TAKEN, at=runtime.now())
        await outbox.hold(tx, task)
        await _finish(tx, task, connection, at=runtime.now(), more=True)


async def _finish(tx: Tx, task: Taken, connection: Connection, *, at: datetime, more: bool) -> None:
    due = await db.next_due(tx, connection.id) if more else None
    await (outbox.again(tx, task, max(due, at)) if due else outbox.done(tx, task, at=at))


async def _send(runtime: Runtime, connection: Connection, account: Account, batch: Batch) -> Mapping[str, Verdict]:
    """Send a batch; tells a verdict per order, as one of all where Meta refuses or does not answer."""
    access = await connection_actions.access(runtime, connection)
    named = [(one.external_order_id, one.local_order_id) for one in batch.orders]
    timeout = graph.LONGER_PATIENCE if any(one.tries for one in batch.orders) else graph.PATIENCE
    call = graph.acknowledge(account.commerce_account_id, connection.page_id, batch.key, named, timeout=timeout)
    try:
        return {verdict.external_order_id: verdict for verdict in await runtime.graph.send(call, access)}
    except (OutcomeUnknown, Unavailable) as lost:
        answered = lost.metadata.get("meta_code", "0") != "0"
        code, message = _FAILED if answered else _NO_ANSWER, lost.message
        codes = (int(lost.metadata.get(name, "0")) for name in ("meta_subcode", "meta_code"))
        code = next((one for one in codes if one in BUSY), code)
    except (MetaRefused, Throttled) as refused:
        if not isinstance(refused, MetaRefused) or not _is_of_orders(refused):
            async with runtime.db.begin() as tx:  # answered, so the key is used up
                await db.forget_key(tx, batch.key)
            raise
        code, message = order_code(refused), refused.metadata.get("meta_message") or refused.message
    return {name: Verdict(name, code, message) for name, _ in named}


def _is_of_orders(refused: MetaRefused) -> bool:
    """Tell whether a refusal is about the orders, and not about token, permission or the road itself."""
    return refused.reason == "META_REJECTED" and order_code(refused) > 1_000


async def _settle(tx: Tx, one: Waiting, verdict: Verdict | None, *, at: datetime) -> None:
    """Write down what Meta says of one order."""
    order = await orders_db.by_id(tx, one.id, lock=True)
    if order is None or order.import_state is not ImportState.IMPORTED:
        return
    code = verdict.code if verdict else _FAILED  # the others were answered, so the key is used up
    if verdict and code in {0, BEYOND_ACKNOWLEDGEMENT}:  # shipped or cancelled at Meta meanwhile: nobody waits for us
        after = move(order.import_state, Happening.ACKNOWLEDGE) or order.import_state
        values = {
            "acknowledge_time": at,
            "acknowledge_key": None,
            "acknowledge_due_time": None,
            "read_update_time": None,
            **telling.NO_PROBLEM,
        }
        order = await orders_db.change(tx, order, import_state=after, version=order.version + 1, **values)
        await telling.acknowledged(tx, order, at=at)
    elif code in _PASSING and one.tries + 1 < MOST_TRIES:
        pause = db.SHORT_PAUSE if code in BUSY else db.LONGER_PAUSE if one.tries else db.FIRST_PAUSE
        await db.delay(tx, [one.id], due=at + pause, same_key=code == _NO_ANSWER)
    else:
        await _give_up(tx, order, verdict, one.rounds + 1, at=at)


_PASSING = BUSY | {_NO_ANSWER, _FAILED, MANAGED_ELSEWHERE}


async def _give_up(tx: Tx, order: Order, verdict: Verdict | None, rounds: int, *, at: datetime) -> None:
    """Put an order that Meta does not take an acknowledgement of in quarantine; StormCom has it all the same.

    What was no refusal is tried again by itself, in rounds: an outage of Meta's is nobody's work.
    """
    after = move(order.import_state, Happening.SPOIL)
    if after is None:
        return
    words = f"Facebook does not take the acknowledgement: {verdict.message if verdict else 'it says nothing of it'}"
    retry_time = next_try(rounds, at=at) if verdict is None or verdict.code in _PASSING else None
    values = telling.problem("ORDER_NOT_ACKNOWLEDGED", words[:500], at=at, retry_time=retry_time)
    keep = {"acknowledge_key": None, "acknowledge_due_time": None, "try_count": rounds}
    await orders_db.change(tx, order, import_state=after, version=order.version + 1, **keep, **values)
