"""Looks at what Meta shows of an order after a command: which thing came of it, and how many pieces met their fate by now.

A poll that finds the same thing counts nothing twice: pieces are Meta's own totals, and things are known by Meta's ids.
"""

from collections.abc import Sequence
from typing import Any

from connector.budgets.model import Urgency
from connector.connections import actions as connection_actions
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused, Unavailable
from connector.order_commands import db, graph
from connector.order_commands.actions.telling import end, hold_up, note_acknowledged
from connector.order_commands.model import faults
from connector.order_commands.model.commands import UNCERTAIN, Attempt, Command, Kind, Outcome, Problem, State
from connector.order_commands.model.patience import COUNTED, LADDERS, LOOKED_AT, pause
from connector.order_commands.model.shown import Match, Shown, compare, counts
from connector.orders.db import orders
from connector.orders.db.pieces import Fate, count
from connector.orders.model.refusals import says_gone
from connector.orders.model.values import Order
from connector.runtime import Runtime

_FATES = {Kind.FULFILL: Fate.SHIPPED, Kind.CANCEL: Fate.CANCELLED, Kind.REFUND: Fate.REFUNDED}
_MOST_PAGES = 1_000
_NEVER = "Meta never answered, and shows nothing of it: RetryCommand goes on, so that nothing happens twice"


async def look(runtime: Runtime, task: Taken, command: Command, connection: Connection) -> None:
    """Look once, and end the command, or let it be told again.

    Raises:
        Throttled, Unavailable: it is looked at later.

    """
    shown = await _shown(runtime, task, command, connection)
    async with runtime.db.begin() as tx:
        order = await orders.by_id(tx, command.order_id, lock=True)
        await outbox.hold(tx, task)
        if order is None:
            raise outbox.LeaseLost(task.id)  # the store is gone, and its tasks with it
        command = await db.require(tx, command.store_id, command.id, lock=True)
        kind = command.wish.kind
        if kind in LOOKED_AT:
            for fate, totals in _counted(kind, shown):
                await count(tx, order.id, fate, totals)
            order = await orders.by_id(tx, order.id) or order
        others = (
            {*await db.claims(tx, order.id, [kind]), *await db.known_before(tx, command)} if kind in COUNTED else ()
        )
        await _settle(runtime, tx, order, command, compare(command, order, shown, others))


def _counted(kind: Kind, shown: Sequence[Shown]) -> list[tuple[Fate, dict[str, int]]]:
    """Count the pieces of each line that met a fate by now."""
    if kind is not Kind.RESTATE:
        return [(_FATES[kind], counts(shown))]
    shipped, cancelled = ({one.id: one.lines[place].quantity for one in shown} for place in (0, 1))
    return [(Fate.SHIPPED, shipped), (Fate.CANCELLED, cancelled)]


async def _shown(runtime: Runtime, task: Taken, command: Command, connection: Connection) -> list[Shown]:
    """Read all that Meta shows; of an order that is gone it shows nothing.

    Raises:
        Unavailable: the list is refused, breaks off or does not end: a part of it would look like all of it.

    """
    access = await connection_actions.access(runtime, connection, kind="page")
    found: list[Shown] = []
    after = ""
    for _ in range(_MOST_PAGES):
        call = graph.look(
            command.wish.kind, command.external_order_id, connection.page_id, command.currency_code, after=after
        )
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            await connection_actions.require_room(runtime, tx, connection, call.bucket, urgency=Urgency.URGENT)
        try:
            page = await runtime.graph.send(call, access)
        except MetaRefused as refusal:
            known = faults.find(*faults.codes_of(refusal)) is not None
            if not known and refusal.reason != "META_REJECTED":
                raise
            if after or not (command.answered or known or says_gone(refusal)):
                break
            return found
        found += page.entries
        after = page.after
        if not after:
            return found
    raise Unavailable("META_UNAVAILABLE", "Meta's list of what came of commands breaks off; it is read again later")


async def _settle(runtime: Runtime, tx: Tx, order: Order, command: Command, match: Match) -> None:
    if command.answered or match.done:
        state = State.SUCCEEDED if command.answered else State.ALREADY_DONE
        thing = match.thing
        told: dict[str, Any] = (
            {"external_id": thing.id, "amount": thing.total} if thing and command.wish.kind in COUNTED else {}
        )
        await end(runtime, tx, order, command, state, **told)
        if command.wish.kind is Kind.ACKNOWLEDGE:
            await note_acknowledged(runtime, tx, order)
        return
    last = command.attempts[-1]
    if last.outcome is Outcome.BEFORE:
        fault = faults.FAULTS.get(last.subcode) or faults.FAULTS[last.code]
        problem = Problem(fault.reason, f"{fault.message} ({match.difference})", runtime.now())
        await end(runtime, tx, order, command, State.FAILED, problem=problem)
    elif last.outcome is Outcome.LOST and _over(command.round):
        await end(
            runtime, tx, order, command, State.FAILED, problem=Problem("META_OUTCOME_UNKNOWN", _NEVER, runtime.now())
        )
    else:
        await _absent(runtime, tx, order, command)


async def _absent(runtime: Runtime, tx: Tx, order: Order, command: Command) -> None:
    """Note that attempts that were lost or failed did nothing; the next one may have a new key, if there is a next one."""
    attempts = [one._replace(outcome=Outcome.ABSENT) if one.outcome in UNCERTAIN else one for one in command.attempts]
    if _over(attempts[command.first_attempt :]):
        command = await db.change(tx, command, attempts=attempts, problem=command.problem)
        await end(runtime, tx, order, command, State.FAILED, problem=command.problem)
        return
    await hold_up(runtime, tx, order, command, attempts=attempts, problem=None, state=State.WAITING)


def _over(attempts: Sequence[Attempt]) -> bool:
    """Tell whether these attempts were all that are made; none were made since somebody asked for it again."""
    return bool(attempts) and attempts[-1].outcome in LADDERS and pause(attempts) is None
