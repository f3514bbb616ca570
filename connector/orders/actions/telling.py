"""Tells StormCom of orders, each time with a greater version and the whole order, in the order it happened."""

from datetime import datetime
from typing import Any

from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.orders.actions.reserving import release
from connector.orders.db import orders as db
from connector.orders.model.retries import next_try
from connector.orders.model.states import Happening, ImportState, State, move
from connector.orders.model.sums import Spoiled
from connector.orders.model.values import Order

NO_PROBLEM: dict[str, Any] = {"problem_reason": "", "problem_message": "", "problem_time": None, "retry_time": None}
"""What an order's columns hold while nothing keeps it from going on."""


def problem(reason: str, message: str, *, at: datetime, retry_time: datetime | None = None) -> dict[str, Any]:
    """Write what keeps an order from going on into its columns; until `retry_time` if it is tried again by itself."""
    return {"problem_reason": reason, "problem_message": message, "problem_time": at, "retry_time": retry_time}


async def tell(tx: Tx, order: Order, kind: str, more: dict[str, Any], *, at: datetime) -> None:
    """Append an event with the order as it is now."""
    await events.append(tx, _draft(order, kind, more), at=at)


def _draft(order: Order, kind: str, more: dict[str, Any]) -> Draft:
    body = {"order": order.document()} | more
    return Draft(order.store_id, order.connection_id, f"order:{order.id}", kind, body)


async def received(tx: Tx, order: Order, state: ImportState, *, at: datetime) -> Order:
    """Ask StormCom to make an order of it."""
    lacks = order.problem is not None and order.problem.reason == "STOCK_INSUFFICIENT"
    kept = {} if lacks else NO_PROBLEM
    order = await db.change(tx, order, import_state=state, version=order.version + 1, tell_time=at, **kept)
    await events.append(tx, command(order), at=at)
    return order


def command(order: Order) -> Draft:
    """Write the wish that StormCom makes an order of it."""
    key = f"fb:{order.store_id}:{order.channel}:{order.external_order_id}"
    return _draft(order, "order_received", {"idempotency_key": key})


async def reservation_requested(tx: Tx, order: Order, *, at: datetime) -> Order:
    """Tell that Meta processes an order, and that its pieces are kept aside."""
    await tell(tx, order, "stock_reservation_requested", {"expire_time": order.hold_expire_time}, at=at)
    return order


async def reservation_released(tx: Tx, order: Order, *, at: datetime) -> Order:
    """Tell that an order never came to be, and that its pieces are offered again."""
    await tell(tx, order, "stock_reservation_released", {}, at=at)
    return order


async def acknowledged(tx: Tx, order: Order, *, at: datetime) -> Order:
    """Tell that Meta knows that StormCom has the order."""
    await tell(tx, order, "order_acknowledged", {}, at=at)
    return order


async def state_changed(tx: Tx, order: Order, before: State, *, at: datetime) -> Order:
    """Tell how far Meta came with an order that StormCom was told of."""
    order = await db.change(tx, order, version=order.version + 1)
    await tell(tx, order, "order_state_changed", {"previous_state": f"STATE_{before}"}, at=at)
    return order


async def spoil(tx: Tx, order: Order, spoiled: Spoiled, *, at: datetime) -> Order:
    """Put an order in quarantine with the reason; what StormCom has stays there, and what was kept aside is offered again."""
    reason, message = spoiled.reason, spoiled.message
    if order.taken:  # StormCom has it as it was told: what cannot be read now is a remark, no reason to stop
        return order if _waits(order) else await db.change(tx, order, **problem(reason, message, at=at))
    if order.import_state is ImportState.QUARANTINED:
        known = order.problem
        since = known.since_time if known and known.reason == reason else at
        tries = (known.try_count if known else 0) + 1
        values = problem(reason, message, at=since, retry_time=next_try(tries, at=at))
        return await db.change(tx, order, try_count=tries, **values)
    after = move(order.import_state, Happening.SPOIL)
    if after is None:
        return order
    values = problem(reason, message, at=at, retry_time=next_try(1, at=at))
    order = await db.change(tx, order, import_state=after, try_count=1, version=order.version + 1, **values)
    await release(tx, order, at=at)
    return await db.change(tx, order, hold_ids=[], hold_expire_time=None)


def _waits(order: Order) -> bool:
    """Tell whether an order that StormCom has waits for its acknowledgement to be tried again: that problem is the greater one."""
    return order.import_state is ImportState.QUARANTINED
