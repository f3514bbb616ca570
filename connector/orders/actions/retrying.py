"""Tries orders again that stand still: in quarantine, or refused. A person asks for it, or the time has come.

One that StormCom does not have is read anew from Meta; of one that it has Meta is told anew.
"""

from datetime import datetime
from uuid import UUID

from connector.db.schema import Tx
from connector.orders.actions import telling
from connector.orders.actions.planning import plan_acknowledging, plan_reading
from connector.orders.db import orders as db
from connector.orders.model.refusals import wrong_state
from connector.orders.model.states import Happening, ImportState, move
from connector.orders.model.values import Order, missing
from connector.runtime import Runtime


async def retry(runtime: Runtime, store_id: str, order_id: UUID) -> Order:
    """Try an order again that is in quarantine or refused.

    Raises:
        NotFound: ORDER_NOT_FOUND.
        FailedPrecondition: ORDER_STATE_INVALID.

    """
    async with runtime.db.begin() as tx:
        order = await db.find(tx, store_id, order_id, lock=True)
        if order is None:
            raise missing(str(order_id))
        after = move(order.import_state, Happening.RETRY, taken=order.taken)
        if after is None:
            if order.import_state is ImportState.SEEN:  # this call, repeated
                return order
            raise wrong_state(order, f"{ImportState.QUARANTINED} or {ImportState.REJECTED}")
        return await _go_on(tx, order, after, at=runtime.now())


async def try_again(tx: Tx, order_id: UUID, *, at: datetime) -> None:
    """Try an order again whose time has come; it is out of quarantine only when that helped."""
    order = await db.by_id(tx, order_id, lock=True)
    if order is None or order.import_state is not ImportState.QUARANTINED:
        return
    if order.taken:
        await _go_on(tx, order, ImportState.IMPORTED, at=at)
    else:
        await plan_reading(tx, order.connection_id, [order.id], at=at)


async def _go_on(tx: Tx, order: Order, after: ImportState, *, at: datetime) -> Order:
    if order.taken:
        fresh = {"acknowledge_due_time": at, "acknowledge_key": None, "acknowledge_tries": 0}
        order = await db.change(tx, order, import_state=after, **fresh, **telling.NO_PROBLEM)
        await plan_acknowledging(tx, order.connection_id, due=at)
    else:
        order = await db.change(tx, order, import_state=after, answer_time=None, **telling.NO_PROBLEM)
        await plan_reading(tx, order.connection_id, [order.id], at=at)
    return order
