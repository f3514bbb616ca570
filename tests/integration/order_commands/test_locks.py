"""Orders are locked before tasks, everywhere: whoever has an order may ask for a task that somebody is in the midst of."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import at_once
from connector.orders.db import orders
from tests.integration.order_commands.conftest import Desk, Order
from tests.integration.orders.mortality import turn_of
from tests.integration.privacy.test_together import WAITING

TASKS = {
    Task.READ_ORDER: "{task}:{order_id}",
    Task.READ_CHANGES: "{task}:{order_id}",
    Task.SEND_ORDER_COMMANDS: "{task}:{order_id}",
    Task.ACKNOWLEDGE_ORDERS: "{task}:{connection_id}",
}


async def prepared(desk: Desk, task: Task) -> Order:
    """Have an order for which a task has something to do that locks it."""
    if task is Task.ACKNOWLEDGE_ORDERS:
        order = await desk.mall.bought()
        await desk.mall.answer(order, "sc-99")
        await desk.fail(
            "drop_answer", path="/acknowledge_orders$"
        )  # a batch that was begun is told again, whoever has its orders
        await desk.mall.turn()
        desk.mall.clock.advance(minutes=11)
        return order
    order = await desk.shipped()
    if task is Task.SEND_ORDER_COMMANDS:
        await desk.refund(order, 1)
    return order


@pytest.mark.parametrize("task", TASKS)
async def test_who_has_an_order_may_ask_for_its_tasks(desk: Desk, task: Task) -> None:
    """A task that waits for the order holds nothing that whoever has the order asks for: neither ends in a deadlock."""
    order = await prepared(desk, task)
    order_id, connection_id, runtime = UUID(order.order_id), UUID(desk.mall.connection_id), desk.mall.runtime
    wish: dict[str, Any] = {
        "due": desk.mall.clock(),
        "connection_id": connection_id,
        "key": TASKS[task].format(task=task, order_id=order_id, connection_id=connection_id),
        "arguments": {} if task is Task.ACKNOWLEDGE_ORDERS else {"order_id": str(order_id)},
    }
    async with runtime.db.begin() as tx:
        await outbox.add(tx, task, **wish)
    async with runtime.db.begin() as tx, at_once(runtime.db) as look:
        await orders.by_id(tx, order_id, lock=True)
        turn = asyncio.create_task(turn_of(runtime, {task}))
        while not await look.scalar(text(WAITING)) and not turn.done():  # noqa: ASYNC110 – locks of PostgreSQL's ring no bell
            await asyncio.sleep(0.01)
        assert not turn.done(), "the task did not touch the order"
        await outbox.add(tx, task, **wish)
    await turn
    async with runtime.db.begin() as tx:
        failed = await tx.scalars(text("SELECT message FROM tasks WHERE reason = 'DATABASE_UNAVAILABLE'"))
        assert [] == list(failed)
