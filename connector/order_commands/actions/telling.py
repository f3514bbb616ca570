"""How commands move on, and how StormCom learns of it: always in the transaction of what made them move."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.order_commands import db
from connector.order_commands.model.commands import EFFECTIVE, Attempt, Command, Names, Problem, State
from connector.orders.actions.planning import plan_reading
from connector.orders.actions.telling import NO_PROBLEM, acknowledged
from connector.orders.db import orders
from connector.orders.model.states import ImportState
from connector.orders.model.values import Order
from connector.runtime import Runtime


def names_of(order: Order) -> dict[str, Names]:
    """Tell what an order's lines are called elsewhere."""
    return {line.line_id: Names(line.retailer_id, line.product_id, line.variant_id) for line in order.lines}


async def tell(runtime: Runtime, tx: Tx, order: Order, command: Command) -> None:
    """Tell StormCom how its command stands."""
    body: Mapping[str, Any] = {"command": command.document(names_of(order))}
    draft = Draft(command.store_id, command.connection_id, f"order:{order.id}", "order_command_changed", body)
    await events.append(tx, draft, at=runtime.now())


async def end(
    runtime: Runtime,
    tx: Tx,
    order: Order,
    command: Command,
    state: State,
    *,
    problem: Problem | None = None,
    **values: Any,
) -> Command:
    """End a command for good; what Meta was told is forgotten once Meta has it, and the order is read for what came of it."""
    values |= {"state": state, "end_time": runtime.now(), "retry_time": None} | (
        {"body": {}} if state in EFFECTIVE else {}
    )
    ended = await db.change(tx, command, problem=problem, **values)
    await tell(runtime, tx, order, ended)
    if state in EFFECTIVE:
        await plan_reading(tx, order.connection_id, [order.id], at=runtime.now())
    return ended


async def hold_up(
    runtime: Runtime,
    tx: Tx,
    order: Order,
    command: Command,
    *,
    attempts: Sequence[Attempt],
    problem: Problem | None,
    **values: Any,
) -> Command:
    """Note why a command did not go on; StormCom is told when something is wrong with it."""
    changed = await db.change(tx, command, attempts=attempts, problem=problem, **values)
    if problem is not None:
        await tell(runtime, tx, order, changed)
    return changed


async def ask_to_send(runtime: Runtime, tx: Tx, order: Order) -> None:
    """Ask for the task that tells Meta what waits of an order."""
    key, about = f"{Task.SEND_ORDER_COMMANDS}:{order.id}", {"order_id": str(order.id)}
    name, due = Task.SEND_ORDER_COMMANDS, runtime.now()
    await outbox.add(tx, name, due=due, connection_id=order.connection_id, key=key, arguments=about)


async def note_acknowledged(runtime: Runtime, tx: Tx, order: Order) -> None:
    """Note that Meta knows that StormCom has an order, and tell StormCom; the first time counts."""
    at = runtime.now()
    if order.import_state is ImportState.ACKNOWLEDGED:
        return
    known: dict[str, Any] = {
        "import_state": ImportState.ACKNOWLEDGED,
        "acknowledge_time": at,
        "version": order.version + 1,
    }
    known |= NO_PROBLEM | {"acknowledge_key": None, "acknowledge_due_time": None}
    await acknowledged(tx, await orders.change(tx, order, **known), at=at)
    await plan_reading(tx, order.connection_id, [order.id], at=at)
