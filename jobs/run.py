"""Runs one turn of one task: takes it, keeps its lease, acts, and settles what failed.

An action finishes its task itself, in the transaction of its effect. What rises out of it is settled here as `retry` decides.
One canonical line, one metric and one span per turn. The same code serves workers and tests.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import sqlalchemy.exc

from connector import log, metrics, tracing
from connector.budgets import db as budgets
from connector.budgets.db import Crowded
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx, at_once
from connector.errors import ConnectorError, FailedPrecondition, MetaRefused, Throttled, Unavailable
from connector.runtime import Runtime
from jobs.retry import Again, Decision, GiveUp, Wait, decide
from jobs.tasks import PLANS, Plan

DATABASE_GONE = (
    sqlalchemy.exc.OperationalError,  # lost, refused, shut down, deadlocked, not serializable
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,  # no connection became free
)
_HAND_BACK_SECONDS = 1.0
_PAUSES_SECONDS = (0.1, 0.3, 1, 2, 4, 8)


T = TypeVar("T")


class Outcome(StrEnum):
    """How a turn ended, as logs and metrics say it."""

    OK = "OK"
    LATER = "LATER"
    FAILED = "FAILED"
    LOST = "LOST"


class TaskFault(Exception):
    """A turn that went wrong in a way only a fault of ours explains."""


async def run_task(runtime: Runtime, task_id: int, attempt: int, *, plans: Mapping[Task, Plan] = PLANS) -> Outcome:
    """Take the task if this attempt is still to be had, and run one turn of it.

    Only a database that stays away makes this fail; then the lease runs out and the task comes back by itself.
    """
    task = await _insist(lambda: _take(runtime, task_id, attempt))
    return Outcome.LOST if task is None else await run_taken(runtime, task, plans=plans)


async def run_taken(runtime: Runtime, task: Taken, *, plans: Mapping[Task, Plan] = PLANS) -> Outcome:
    """Run one turn of a task that is in our hands."""
    began = time.perf_counter()
    facts = {"task": task.name.value, "task_id": task.id, "attempt": task.attempt, "tries": task.tries}
    with (
        tracing.span(f"task {task.name}", parent=task.trace, task_id=task.id),
        log.unit(**facts, connection_id=str(task.connection_id or "")),
    ):
        outcome, reason = await _turn(runtime, task, plans[task.name])
        seconds = time.perf_counter() - began
        metrics.tasks.labels(task.name.value, outcome.value).observe(seconds)
        log.canonical("task.run", outcome=outcome.value, reason=reason, duration_ms=round(seconds * 1000, 1))
    return outcome


async def turn(runtime: Runtime, *, plans: Mapping[Task, Plan] = PLANS, limit: int = 1000) -> int:
    """Run everything that is due, here and one after the other, until nothing is; tell how many turns that took.

    Raises:
        TaskFault: after `limit` turns: something keeps planning itself.

    """
    for turns in range(limit):
        async with runtime.db.begin() as tx:
            due = await outbox.lease_due(tx, list(plans), at=runtime.now(), limit=1)
        if not due:
            return turns
        await run_task(runtime, due[0].id, due[0].attempt, plans=plans)
    raise TaskFault(f"still busy after {limit} turns")


async def _take(runtime: Runtime, task_id: int, attempt: int) -> Taken | None:
    async with at_once(runtime.db) as tx:
        return await outbox.take(tx, task_id, attempt, at=runtime.now())


async def _turn(runtime: Runtime, task: Taken, plan: Plan) -> tuple[Outcome, str]:
    began = runtime.now()
    try:
        if task.unfinished > outbox.CRASH_LIMIT:
            return await _settle(runtime, task, GiveUp("INTERNAL", f"{outbox.CRASH_LIMIT} workers died of this task"))
        async with _lease_kept(runtime, task):
            await _act(runtime, task, plan)
        await _require_finished(runtime, task)
    except outbox.LeaseLost:
        return Outcome.LOST, ""
    except asyncio.CancelledError:
        await _hand_back(runtime, task)
        raise
    except Exception as error:  # noqa: BLE001 – the top of a task: whatever rises is settled
        return await _settle_error(runtime, task, plan, error, began=began)
    return Outcome.OK, ""


async def _act(runtime: Runtime, task: Taken, plan: Plan) -> None:
    try:
        async with asyncio.timeout(plan.limit.total_seconds()) as deadline:
            await plan.resolve()(runtime, task)
    except TimeoutError as error:
        if deadline.expired():
            raise TaskFault(f"the turn took longer than {plan.limit.total_seconds():.0f} s") from error
        raise


async def _require_finished(runtime: Runtime, task: Taken) -> None:
    with suppress(outbox.LeaseLost):  # finished, as it should be
        async with at_once(runtime.db) as tx:
            await outbox.hold(tx, task)
        raise TaskFault("the action returned without finishing its task")


@asynccontextmanager
async def _lease_kept(runtime: Runtime, task: Taken) -> AsyncIterator[None]:
    keeper = asyncio.create_task(_keep_lease(runtime, task), name=f"lease of task {task.id}")
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


async def _keep_lease(runtime: Runtime, task: Taken) -> None:
    while True:
        await asyncio.sleep(outbox.RENEWAL.total_seconds())
        try:
            async with at_once(runtime.db) as tx:
                await outbox.renew(tx, task, at=runtime.now())
        except outbox.LeaseLost:
            return  # finished, or somebody else's: the fence decides, not we
        except DATABASE_GONE:
            log.warn("task.lease_not_renewed")


async def _settle_error(
    runtime: Runtime, task: Taken, plan: Plan, error: Exception, *, began: datetime
) -> tuple[Outcome, str]:
    if isinstance(error, FailedPrecondition) and await _insist(lambda: _linked_since(runtime, task, began)):
        return await _settle(runtime, task, Again(runtime.now(), error.reason, error.message))
    if isinstance(error, DATABASE_GONE):
        log.warn("task.database_gone", error=type(error).__name__)
        error = Unavailable("DATABASE_UNAVAILABLE", "The database did not answer; work resumes by itself")
    elif not isinstance(error, ConnectorError):
        log.failed("task.fault", error)
    jitter = random.random()  # noqa: S311 – spreads load, guards nothing
    decision = decide(error, tries=task.tries, now=runtime.now(), patience=plan.patience, jitter=jitter)
    return await _settle(runtime, task, decision, error=error)


async def _settle(
    runtime: Runtime, task: Taken, decision: Decision, *, error: Exception | None = None
) -> tuple[Outcome, str]:
    """Write down what becomes of the task."""
    try:
        await _insist(lambda: _note_refusal(runtime, task, error))
        await _insist(lambda: _write(runtime, task, decision, error))
    except outbox.LeaseLost:
        return Outcome.LOST, decision.reason
    return (Outcome.FAILED if isinstance(decision, GiveUp) else Outcome.LATER), decision.reason


async def _insist(attempt: Callable[[], Awaitable[T]]) -> T:
    """Be patient with a database that is just coming back: shorter than a lease, which would bring the task back later."""
    for pause_seconds in _PAUSES_SECONDS:
        try:
            return await attempt()
        except DATABASE_GONE as error:
            log.warn("task.database_gone", error=type(error).__name__)
            await asyncio.sleep(pause_seconds)
    return await attempt()


async def _write(runtime: Runtime, task: Taken, decision: Decision, error: Exception | None) -> None:
    async with runtime.db.begin() as tx:
        match decision:
            case Wait():
                await _wait(runtime, tx, task, decision, error)
            case Again():
                await outbox.back_off(tx, task, decision.due_time, reason=decision.reason, message=decision.message)
            case GiveUp():
                await outbox.give_up(tx, task, reason=decision.reason, message=decision.message)


async def _wait(runtime: Runtime, tx: Tx, task: Taken, decision: Wait, error: Exception | None) -> None:
    """Let the task wait; where room is scarce, for its place in line."""
    due, now = decision.due_time, runtime.now()
    if isinstance(error, Crowded):
        due = await budgets.line_up(tx, error, task.id, at=now)
    if isinstance(error, Throttled):
        budgets.count_pause(error, due - now)
    await outbox.wait(tx, task, due, reason=decision.reason, message=decision.message)


async def _linked_since(runtime: Runtime, task: Taken, began: datetime) -> bool:
    """Tell whether the merchant connected again, or the tokens were replaced, during the turn: then what it failed of is the past."""
    async with runtime.db.begin() as tx:
        connection = await connections.by_id(tx, task.connection_id) if task.connection_id else None
    if connection is None or connection.state is not State.CONNECTED:
        return False
    return max(connection.state_time, connection.token_time or began) > began


async def _note_refusal(runtime: Runtime, task: Taken, error: Exception | None) -> None:
    """Let the connection learn that Meta refused: a token or a permission may be gone."""
    if not isinstance(error, MetaRefused) or task.connection_id is None:
        return
    async with runtime.db.begin() as tx:
        connection = await connections.by_id(tx, task.connection_id)
    if connection is not None:
        await connection_actions.note_refusal(runtime, connection, error, task=task.name)


async def _hand_back(runtime: Runtime, task: Taken) -> None:
    """Give an interrupted task back at once: its process was asked to stop."""
    with suppress(outbox.LeaseLost, TimeoutError, *DATABASE_GONE):  # then it comes back when its lease has run out
        async with asyncio.timeout(_HAND_BACK_SECONDS), runtime.db.begin() as tx:
            await outbox.again(tx, task, runtime.now())
