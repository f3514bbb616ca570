"""Reads what was done to one order: cancellations, refunds, payments, returns; keeps what is new and tells StormCom of it, once.

    an order is read whole (`orders.actions.reading`) ──▶ its lines moved, or were sent back ──▶ this task ──▶ events

Everything has Meta's own id, so reading late, twice or in another order than things happened changes nothing. What StormCom was
never told of it is not told piece by piece: it comes with the order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.order_changes import graph
from connector.order_changes.db import changes as db
from connector.order_changes.db import returns as returns_db
from connector.order_changes.model.changes import Cancellation, Payment, Refund, in_order, is_full, totals
from connector.order_changes.model.returns import Return, Told, goes_on
from connector.order_commands import db as commands_db
from connector.order_commands.model.commands import OPEN, Command, Kind, Pieces
from connector.order_commands.model.shown import Shown, compare
from connector.orders.actions.asking import ORDERS, Road, open_road
from connector.orders.actions.telling import tell
from connector.orders.db import accounts
from connector.orders.db import orders as orders_db
from connector.orders.db.pieces import Fate, count
from connector.orders.model.states import ImportState
from connector.orders.model.values import Order
from connector.runtime import Runtime

_LOOK_AGAIN = timedelta(hours=6)
# Unverified: how long after shipping Meta still tries to take the buyer's money.
_CAPTURED_WITHIN = timedelta(days=7)


class Read(NamedTuple):
    """All that Meta tells was done to an order."""

    cancellations: Sequence[Cancellation] = ()
    refunds: Sequence[Refund] = ()
    payments: Sequence[Payment] = ()
    returns: Sequence[Told] = ()


async def read_changes(runtime: Runtime, task: Taken) -> None:
    """Read what was done to an order, unless all of it is told; an order that StormCom was never told of waits until it was."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        order = await orders_db.by_id(tx, UUID(task.arguments["order_id"]))
        connection = await connections.of_task(tx, task)
        account = await accounts.find(tx, connection.id)
        if order is None or account is None or ORDERS in connection.blocks or not _is_told(order):
            await outbox.done(tx, task, at=runtime.now())  # its next reading brings it back
            return
    road, began = await open_road(runtime, task, connection, account), runtime.now()
    try:
        found: Read | None = await _ask(road, order)
    except MetaRefused as refused:
        if not await road.lost(refused):
            raise
        found = None
    async with runtime.db.begin() as tx:
        current = await orders_db.by_id(tx, order.id, lock=True)
        task = await outbox.hold(tx, task)
        if current is not None and found is not None:
            await apply(tx, current, found, at=runtime.now())
        # Up to what was known before Meta was asked: what it changes meanwhile brings the order back. Meta tells times by the
        # second: what it changed within this one is looked at again.
        await db.note_read(tx, order.id, upto=min(order.update_time, began - timedelta(seconds=1)))
        since = await db.uncaptured_since(tx, order.id)
        if (
            since is not None and runtime.now() - since < _CAPTURED_WITHIN
        ):  # nothing tells when Meta has the buyer's money
            await outbox.again(tx, task, runtime.now() + _LOOK_AGAIN)
            return
        await outbox.done(tx, task, at=runtime.now())


def _is_told(order: Order) -> bool:
    return order.tell_time is not None and order.import_state is not ImportState.ENDED


async def _ask(road: Road, order: Order) -> Read:
    """Ask for what an order can have: without a shipment nothing was charged, and nothing can come back."""
    names, page_id = order.external_order_id, road.connection.page_id
    cancellations: list[Cancellation] = []
    if any(line.cancelled_quantity for line in order.lines):
        cancellations = await road.ask_all(lambda after: graph.list_cancellations(names, page_id, after=after))
    if not any(line.shipped_quantity for line in order.lines):
        return Read(cancellations)
    money = names, page_id, order.currency_code
    refunds = await road.ask_all(lambda after: graph.list_refunds(*money, after=after))
    payments = await road.ask_all(lambda after: graph.list_payments(*money, after=after))
    return Read(cancellations, refunds, payments, await _ask_returns(road, order))


async def _ask_returns(road: Road, order: Order) -> Sequence[Told]:
    """Ask for returns; their list may be gone while the others answer, as Meta's SDK lost it."""
    try:
        return await road.ask_all(
            lambda after: graph.list_returns(order.external_order_id, road.connection.page_id, after=after)
        )
    except MetaRefused as refused:
        if not await road.lost(refused):
            raise
        return []


async def apply(tx: Tx, order: Order, read: Read, *, at: datetime) -> Order:
    """Keep what is new about a locked order, count its pieces, and tell StormCom of each new thing."""
    known_cancellations = await db.cancellations(tx, order.id)
    known_refunds = await db.refunds(tx, order.id)
    cancellations = _new(read.cancellations, known_cancellations)
    refunds = _new(read.refunds, known_refunds)
    claimed = await _claim(tx, order, cancellations, refunds)
    await db.keep_cancellations(tx, order, cancellations, claimed, at=at)
    await db.keep_refunds(tx, order, refunds, claimed, at=at)
    await db.keep_payments(tx, order, read.payments, at=at)
    all_refunds = [*known_refunds.values(), *refunds]
    await count(tx, order.id, Fate.CANCELLED, totals([*known_cancellations.values(), *cancellations]))
    await count(tx, order.id, Fate.REFUNDED, totals(all_refunds))
    news = _News(tx, await orders_db.by_id(tx, order.id) or order, at)
    for cancellation in cancellations:
        command_id = claimed.get(cancellation.external_id)
        await news.tell("order_cancelled", cancellation.document(order, command_id))
    full = is_full(read.payments, all_refunds)
    for refund in refunds:
        last = refund is refunds[-1]
        command_id = claimed.get(refund.external_id)
        await news.tell("order_refunded", refund.document(order, command_id, full=full and last))
    for one in await _go_on(tx, order, read.returns, at=at):
        await news.tell("return_changed", {"order_return": one.document(order)})
    return news.order


def _new(told: Iterable[Any], known: Iterable[str]) -> list[Any]:
    """Tell what is new, the oldest first; a list that shifted between two pages may tell something twice."""
    fresh = {one.external_id: one for one in told if one.external_id not in known}
    return [fresh[name] for name in sorted(fresh, key=in_order)]


@dataclass(slots=True)
class _News:
    """Tells of one order, each time with a greater version."""

    tx: Tx
    order: Order
    at: datetime

    async def tell(self, kind: str, body: dict[str, Any]) -> None:
        """Append an event with the order as it is now."""
        self.order = await orders_db.change(self.tx, self.order, version=self.order.version + 1)
        await tell(self.tx, self.order, kind, body, at=self.at)


async def _claim(
    tx: Tx, order: Order, cancellations: Sequence[Cancellation], refunds: Sequence[Refund]
) -> dict[str, UUID]:
    """Tell which new things came of which of StormCom's commands, also of one whose answer is still to come."""
    if not cancellations and not refunds:
        return {}
    commands = await commands_db.of_order(tx, order.id)
    claimed = {one.external_id: one.id for one in commands if one.external_id}
    things = [(Kind.CANCEL, Shown(one.external_id, _pieces(one))) for one in cancellations]
    for one in refunds:
        shown = Shown(one.external_id, _pieces(one), shipping=one.shipping, total=one.total)
        things.append((Kind.REFUND, shown))
    taken = set(claimed.values())
    for kind, thing in things:
        if thing.id in claimed:
            continue
        match = next((one for one in commands if one.id not in taken and _asks_for(one, kind, thing, order)), None)
        if match is not None:
            claimed[thing.id] = match.id
            taken.add(match.id)
    return claimed


def _asks_for(command: Command, kind: Kind, thing: Shown, order: Order) -> bool:
    sent = command.wish.kind is kind and command.state in OPEN and bool(command.attempts)
    return sent and compare(command, order, [thing], ()).thing is thing


def _pieces(change: Cancellation | Refund) -> tuple[Pieces, ...]:
    return tuple(Pieces(part.line_id, part.quantity, part.amount) for part in change.parts)


async def _go_on(tx: Tx, order: Order, told: Sequence[Told], *, at: datetime) -> list[Return]:
    """Keep returns that are new or went on; tells them as they are now."""
    known = await returns_db.of_order(tx, order.id)
    changed = []
    for one in sorted(told, key=lambda one: in_order(one.external_id)):
        before = known.get(one.external_id)
        if before is None:
            told_words = one.merchant_return_id, one.parts, one.reason, one.message
            after = Return(order.id, one.external_id, one.state, *told_words, at, at)
        elif goes_on(before.state, one.state):
            named, words = one.merchant_return_id or before.merchant_return_id, one.message or before.message
            after = replace(before, state=one.state, merchant_return_id=named, message=words, update_time=at)
        else:
            continue
        await returns_db.keep(tx, order, after)
        known[one.external_id] = after
        changed.append(after)
    return changed
