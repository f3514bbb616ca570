"""Takes StormCom's answer to an order, once: the mapping, the end of its holds and the wish to tell Meta in one transaction.

The order of locks: the order, StormCom's id of it, holds, products, tasks.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from connector.connections import db as connections
from connector.db.schema import Tx
from connector.orders.actions import telling
from connector.orders.actions.planning import plan_acknowledging
from connector.orders.actions.reserving import complete, release
from connector.orders.db import orders as db
from connector.orders.model.refusals import answered_otherwise, local_order_taken, wrong_state
from connector.orders.model.states import Happening, ImportState, State, move
from connector.orders.model.values import Order, missing
from connector.registry.db.orders import OrderMapping, lock_order, map_order
from connector.runtime import Runtime


class Outcome(StrEnum):
    """What StormCom made of an order."""

    CREATED = "CREATED"
    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"


class Answer(NamedTuple):
    """StormCom's answer: its id of the order, or why it makes none."""

    outcome: Outcome
    local_order_id: str = ""
    reject_reason: str = ""


async def answer(runtime: Runtime, store_id: str, order_id: UUID, said: Answer) -> Order:
    """Keep StormCom's answer; repeating the first one changes nothing.

    Raises:
        NotFound: ORDER_NOT_FOUND.
        FailedPrecondition: ORDER_ALREADY_ANSWERED, ORDER_STATE_INVALID.
        AlreadyExists: LOCAL_ORDER_TAKEN.

    """
    async with runtime.db.begin() as tx:
        order = await _lock(tx, store_id, order_id)
        if order.taken or order.import_state is ImportState.REJECTED:
            return _repeated(order, said)
        at, rejected = runtime.now(), said.outcome is Outcome.REJECTED
        after = move(order.import_state, Happening.REJECT if rejected else Happening.TAKE)
        if after is None:
            raise wrong_state(order, ImportState.IMPORTING)
        if rejected:
            return await _reject(tx, order, after, said.reject_reason, at=at)
        return await _take(tx, order, said.local_order_id, at=at)


async def _lock(tx: Tx, store_id: str, order_id: UUID) -> Order:
    order = await db.find(tx, store_id, order_id, lock=True)
    if order is None:
        raise missing(str(order_id))
    return order


def _repeated(order: Order, said: Answer) -> Order:
    """Answer the same answer as before; another one is refused."""
    same = said.outcome is Outcome.REJECTED if not order.taken else said.local_order_id == order.local_order_id
    if not same or (order.taken and said.outcome is Outcome.REJECTED):
        raise answered_otherwise(order)
    return order


async def _take(tx: Tx, order: Order, local_order_id: str, *, at: datetime) -> Order:
    """Write down which order of StormCom's it is, end its holds, and have Meta told."""
    await lock_order(tx, order.store_id, local_order_id)
    wanted = OrderMapping(order.store_id, str(order.channel), order.external_order_id, local_order_id)
    if await map_order(tx, wanted, at=at) != wanted:
        raise local_order_taken(local_order_id)
    connection = await connections.require(tx, order.store_id, str(order.connection_id))
    await complete(tx, connection, order, at=at)
    # Nobody at Meta waits for the acknowledgement of an order that is gone.
    gone = order.state is State.VANISHED
    order = await db.change(
        tx,
        order,
        import_state=ImportState.ACKNOWLEDGED if gone else ImportState.IMPORTED,
        local_order_id=local_order_id,
        answer_time=at,
        acknowledge_due_time=None if gone else at,
        try_count=0,
        **telling.NO_PROBLEM,
    )
    if not gone:
        await plan_acknowledging(tx, order.connection_id, due=at)
    return order


async def _reject(tx: Tx, order: Order, after: ImportState, reason: str, *, at: datetime) -> Order:
    """Keep why StormCom makes no order of it; its pieces are offered again."""
    await release(tx, order, at=at)
    values = telling.problem("ORDER_REJECTED", reason, at=at)
    return await db.change(tx, order, import_state=after, answer_time=at, hold_ids=[], hold_expire_time=None, **values)
