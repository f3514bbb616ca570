"""Tells Meta what waits of an order, one command after the other.

A command's key is committed before each attempt. A turn that is cut off, at whatever point, leaves a command whose next step is plain
(`next_step`): the same key again, or a look at what Meta shows.
"""

from dataclasses import dataclass
from uuid import UUID

from connector.budgets.model import Urgency
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.graph.subscriptions import page_bucket
from connector.connections.model import CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import ConnectorError, FailedPrecondition, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.order_commands import db, graph
from connector.order_commands.actions.looking import look
from connector.order_commands.actions.telling import end, hold_up, note_acknowledged
from connector.order_commands.model import faults
from connector.order_commands.model.commands import UNCERTAIN, Attempt, Command, Kind, Outcome, Problem, State
from connector.order_commands.model.faults import OrderFault, Then
from connector.order_commands.model.patience import LADDERS, LOOKED_AT, Step, next_step, pause, timeout
from connector.orders.db import orders
from connector.orders.model.values import Order
from connector.runtime import Runtime

_STEPS_PER_TURN = 8
_GONE = "CAPABILITY_RETIRED_BY_META"
_OUTCOMES = {Then.SOON: Outcome.BUSY, Then.LATER: Outcome.EARLY, Then.LOOK: Outcome.BEFORE, Then.END: Outcome.REFUSED}
_OVER = "Meta has switched this off: nothing of it goes out any more"
_OVER_UNSURE = f"{_OVER}; what became of an earlier attempt nobody knows"
_UNANSWERED = "Meta's answer was lost; it is asked again, so that nothing happens twice"


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a turn is about."""

    runtime: Runtime
    task: Taken
    order_id: UUID


@dataclass(frozen=True, slots=True)
class _Due:
    """A command whose time has come, and what comes next for it."""

    command: Command
    connection: Connection
    step: Step


async def send_commands(runtime: Runtime, task: Taken) -> None:
    """Do what waits of one order, oldest first.

    Raises:
        Throttled, Unavailable: Meta was not asked, and is later.
        FailedPrecondition: the merchant has to mend something first; the login brings it back.

    """
    turn = _Turn(runtime, task, UUID(task.arguments["order_id"]))
    for _ in range(_STEPS_PER_TURN):
        due = await _next(turn)
        if due is None:
            return
        if due.step is Step.LOOK:
            await look(runtime, task, due.command, due.connection)
        else:
            await _tell_meta(turn, due)
    async with runtime.db.begin() as tx:
        await outbox.again(tx, task, runtime.now())


async def _next(turn: _Turn) -> _Due | None:
    """Find the next step, and keep the key of an attempt; None when the task is finished, or waits."""
    runtime, task = turn.runtime, turn.task
    async with runtime.db.begin() as tx:
        # Before the task's row and the command's, as everywhere.
        order = await orders.by_id(tx, turn.order_id, lock=True)
        await outbox.hold(tx, task)
        command = await db.next_open(tx, turn.order_id) if order else None
        if order is None or command is None:
            await outbox.done(tx, task, at=runtime.now())
            return None
        step = next_step(command, now=runtime.now())
        if step is Step.CUT_OFF:
            command = await _lose(runtime, tx, order, command)
            step = next_step(command, now=runtime.now())
        if step is Step.WAIT:
            await outbox.again(tx, task, command.retry_time or runtime.now())
            return None
        connection = await _require_road(turn, tx, order, command)
        if connection is None:
            return None
        if step is not Step.LOOK:
            bucket = page_bucket(connection.page_id)
            await connection_actions.require_room(runtime, tx, connection, bucket, urgency=Urgency.URGENT)
            command = await _begin(runtime, tx, command, step)
        return _Due(command, connection, step)


async def _require_road(turn: _Turn, tx: Tx, order: Order, command: Command) -> Connection | None:
    """Find the connection; when it cannot be worked with, the command waits for the merchant, and says so."""
    try:
        connection = await connections.of_task(tx, turn.task)
        connection_actions.require_capability(connection, CapabilityKind.ORDER_MANAGEMENT)
    except FailedPrecondition as refusal:
        problem = Problem(refusal.reason, refusal.message, turn.runtime.now())
        if refusal.reason == _GONE or await _in_vain(turn.runtime, tx, turn.task.connection_id):
            await _end_with_road(turn.runtime, tx, order, command)
            await outbox.again(tx, turn.task, turn.runtime.now())
            return None
        await hold_up(turn.runtime, tx, order, command, attempts=command.attempts, problem=problem)
        await outbox.give_up(tx, turn.task, reason=refusal.reason, message=refusal.message)
        return None
    return connection


async def _end_with_road(runtime: Runtime, tx: Tx, order: Order, command: Command) -> None:
    """End a command that cannot go on for good; what Meta did, and cannot be looked at any more, succeeded."""
    if command.answered:
        await end(runtime, tx, order, command, State.SUCCEEDED)
        return
    problem = Problem(_GONE, _OVER_UNSURE if command.uncertain else _OVER, runtime.now())
    await end(runtime, tx, order, command, State.FAILED, problem=problem)


async def _begin(runtime: Runtime, tx: Tx, command: Command, step: Step) -> Command:
    """Keep the key of the attempt that is about to be made."""
    key = command.attempts[-1].key if step is Step.REPEAT else runtime.new_id().hex
    attempt = Attempt(key, runtime.now().isoformat(), Outcome.BEGUN)
    return await db.change(
        tx, command, attempts=[*command.attempts, attempt], problem=command.problem, state=State.SENT, retry_time=None
    )


async def _in_vain(runtime: Runtime, tx: Tx, connection_id: UUID | None) -> bool:
    """Tell whether the merchant may mend whatever they like: Meta has switched the road off."""
    connection = await connections.by_id(tx, connection_id) if connection_id else None
    return bool(connection and connection_actions.past_hope(runtime, connection, CapabilityKind.ORDER_MANAGEMENT))


async def end_hopeless(runtime: Runtime) -> None:
    """Have commands ended that wait for a merchant while Meta has switched the road off: each order's own task does it."""
    async with runtime.db.begin() as tx:
        stopped = await outbox.stopped(tx, Task.SEND_ORDER_COMMANDS)
    for connection_id in stopped:
        async with runtime.db.begin() as tx:
            if await _in_vain(runtime, tx, connection_id):
                await outbox.revive(tx, connection_id, Task.SEND_ORDER_COMMANDS, at=runtime.now())


async def _lose(runtime: Runtime, tx: Tx, order: Order, command: Command) -> Command:
    """Note that nobody knows what came of an attempt."""
    attempts = command.tried(Outcome.LOST)
    wait = pause(attempts[command.first_attempt :])
    due = runtime.now() + wait if wait else None
    problem = Problem("META_OUTCOME_UNKNOWN", _UNANSWERED, runtime.now())
    return await hold_up(runtime, tx, order, command, attempts=attempts, problem=problem, retry_time=due)


async def _tell_meta(turn: _Turn, due: _Due) -> None:
    """Make one attempt, and keep what came of it."""
    runtime, command, wish = turn.runtime, due.command, due.command.wish
    call = graph.tell(
        wish.kind,
        command.external_order_id,
        due.connection.page_id,
        wish.body,
        key=command.attempts[-1].key,
        timeout=timeout(command.round),
    )
    try:
        access = await connection_actions.access(runtime, due.connection, kind="page")
        await runtime.graph.send(call, access)
    except ConnectorError as error:
        await _failed(turn, command, error)
        return
    async with runtime.db.begin() as tx:
        order, command = await _again(turn, tx, command)
        done = command.tried(Outcome.DONE)
        if wish.kind in LOOKED_AT:
            await db.change(tx, command, attempts=done, answered=True)
        else:
            await db.change(tx, command, attempts=done)
            await end(runtime, tx, order, command, State.SUCCEEDED)
        if wish.kind is Kind.ACKNOWLEDGE:
            await note_acknowledged(runtime, tx, order)
    await connection_actions.note_success(runtime, due.connection, CapabilityKind.ORDER_MANAGEMENT)


async def _again(turn: _Turn, tx: Tx, command: Command) -> tuple[Order, Command]:
    """Read order and command again, in the order of all locks."""
    order = await orders.by_id(tx, turn.order_id, lock=True)
    await outbox.hold(tx, turn.task)
    if order is None:
        raise outbox.LeaseLost(turn.task.id)  # the store is gone, and its tasks with it
    return order, await db.require(tx, command.store_id, command.id, lock=True)


async def _failed(turn: _Turn, command: Command, error: ConnectorError) -> None:
    """Keep what came of an attempt that did not succeed, and when it is made again.

    Raises:
        Throttled, Unavailable, FailedPrecondition: it is not about this command.

    """
    runtime = turn.runtime
    code, subcode = faults.codes_of(error)
    fault = faults.find(code, subcode)
    outcome = _OUTCOMES[fault.then] if fault else _outcome(error, code)
    async with runtime.db.begin() as tx:
        order, command = await _again(turn, tx, command)
        if outcome is Outcome.LOST:
            await _lose(runtime, tx, order, command)
            return
        attempts = command.tried(outcome, code, subcode)
        problem = _problem(runtime, error, fault)
        if outcome is Outcome.REFUSED and not _passes(error, fault):
            command = await db.change(tx, command, attempts=attempts, problem=problem)
            await end(runtime, tx, order, command, State.FAILED, problem=problem)
        elif outcome in LADDERS:
            await _climb(runtime, tx, order, command, attempts=attempts, problem=problem)
            return
        else:
            told = problem if outcome is Outcome.REFUSED else None
            sent = outcome is Outcome.BEFORE or any(one.outcome in UNCERTAIN for one in attempts)
            state = State.SENT if sent else State.WAITING
            await hold_up(runtime, tx, order, command, attempts=attempts, problem=told, state=state)
    if outcome in {Outcome.PAUSED, Outcome.UNREACHED} or _passes(error, fault):
        raise error


async def _climb(
    runtime: Runtime, tx: Tx, order: Order, command: Command, *, attempts: tuple[Attempt, ...], problem: Problem
) -> None:
    """Try again later, or no more. One that may have happened without our knowing is looked for first."""
    wait = pause(attempts[command.first_attempt :])
    uncertain = any(one.outcome in UNCERTAIN for one in attempts)
    if wait is None and not uncertain:
        command = await db.change(tx, command, attempts=attempts, problem=problem)
        await end(runtime, tx, order, command, State.FAILED, problem=problem)
        return
    state = State.SENT if uncertain else State.WAITING
    due = runtime.now() + wait if wait else None
    await hold_up(runtime, tx, order, command, attempts=attempts, problem=problem, state=state, retry_time=due)


def _outcome(error: ConnectorError, code: int) -> Outcome:
    match error:
        case OutcomeUnknown():
            return Outcome.LOST
        case Throttled():
            return Outcome.PAUSED
        case Unavailable():
            return Outcome.FAILED if code else Outcome.UNREACHED
        case MetaRefused():
            return Outcome.REFUSED
        case _:
            return Outcome.UNREACHED  # no token to ask with


def _passes(error: ConnectorError, fault: OrderFault | None) -> bool:
    """Tell whether a refusal is not about this command but about the token, or what the app may do: the merchant mends it."""
    return isinstance(error, FailedPrecondition) and fault is None and error.reason not in {"META_REJECTED", _GONE}


def _problem(runtime: Runtime, error: ConnectorError, fault: OrderFault | None) -> Problem:
    if fault is not None:
        return Problem(fault.reason, fault.message, runtime.now())
    said = error.metadata.get("meta_message", "")
    return Problem(error.reason, f"{error.message} {said}".strip(), runtime.now())
