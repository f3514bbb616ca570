"""Brings orders in that were never read, many at once: one question to Meta, one transaction for all that are placed.

What needs more than that – pages of lines, Meta's own checks, something that cannot be right – is done for each by itself. A turn
that fails leaves its orders to `reading`: whichever is the reason holds no other up. Nothing is brought in twice: only orders that
nobody read meanwhile are touched. Room that is left goes to those that were read within seconds of a change, or that Meta was just told
of: they are looked at again.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.events import db as events
from connector.orders import graph
from connector.orders.actions import reading, telling
from connector.orders.actions.asking import ORDERS, Road, open_road
from connector.orders.actions.following import follow, has_changes
from connector.orders.actions.planning import plan_reading
from connector.orders.actions.reserving import reserve_each
from connector.orders.db import accounts, sightings
from connector.orders.db import orders as db
from connector.orders.graph import Reading, Whole
from connector.orders.model.states import ImportState
from connector.orders.model.steps import Step, next_step
from connector.orders.model.sums import Spoiled
from connector.orders.model.values import Line, Order
from connector.runtime import Runtime


async def import_orders(runtime: Runtime, task: Taken) -> None:
    """Bring the next new orders of a connection in, and come back for more."""
    async with runtime.db.begin() as tx:
        task = await outbox.hold(tx, task)
        connection = await connections.of_task(tx, task)
        account = await accounts.find(tx, connection.id)
        ours = account is not None and account.commerce_account_id and ORDERS not in connection.blocks
        new = await sightings.new(tx, connection.id, limit=graph.MOST_READ) if ours else {}
        room = graph.MOST_READ - len(new)
        some = new | (await sightings.doubtful(tx, connection.id, limit=room) if ours and room else {})
        if account is None or not some:
            await outbox.done(tx, task, at=runtime.now())
            return
    road, began = await open_road(runtime, task, connection, account), runtime.now()
    # A turn before this one came to nothing: one of these orders may be the reason.
    found = {} if task.tries > 1 else await _ask(road, some)
    async with runtime.db.begin() as tx:
        locked = [order for order in await db.lock_each(tx, found) if order.read_update_time is None]
        right = partial(reading.in_currency, currency_code=account.currency_code)
        read = [(order, one) for order in locked if isinstance(one := right(order, found[order.id]), Reading)]
        placed = [(order, one) for order, one in read if _is_placed(order, one)]
        same = [(order, one) for order, one in read if _is_same(order, one)]
        sure = [order.id for order, one in same if not reading.may_have_changed(one, began=began)]
        if placed:
            await _bring_in(runtime, tx, connection, placed, began=began)
        if sure:
            await db.confirm(tx, sure)
        await outbox.hold(tx, task)
    through = {order.id for order, _ in (*placed, *same)}
    for order in locked:
        if order.id not in through:
            await _take(road, order.id, found[order.id], began=began)
    async with runtime.db.begin() as tx:
        await plan_reading(tx, connection.id, sorted(some.keys() - found.keys()), at=runtime.now())
        task = await outbox.hold(tx, task)
        more = len(some) == graph.MOST_READ and (new or sure)  # what is doubtful for now waits for the next look
        await (outbox.again(tx, task, runtime.now()) if more else outbox.done(tx, task, at=runtime.now()))


def _is_placed(order: Order, found: Reading) -> bool:
    """Tell whether an order that was never read is one to tell StormCom of."""
    step, _ = next_step(reading.standing(order), found.state, same=False, lapsed=False)
    return step is Step.TELL and not order.digest


def _is_same(order: Order, found: Reading) -> bool:
    """Tell whether an order is as it was read before, and nothing was done to it yet."""
    if order.state is not found.state or order.update_time != found.update_time or has_changes(order):
        return False
    return order.digest == reading.digest_of(found, found.lines) and _open(order.lines) == _open(found.lines)


def _open(lines: Sequence[Line]) -> list[tuple[str, int, int | None]]:
    return [(line.line_id, line.open_quantity, line.refundable) for line in lines]


async def _ask(road: Road, some: Mapping[UUID, str]) -> Mapping[UUID, Reading]:
    """Read orders by their ids, those that Meta tells whole and right; none at all when it does not tell many at once, or one is gone."""
    try:
        told = await road.ask(graph.read_orders(some.values(), road.connection.page_id))
    except MetaRefused:
        return {}  # whether it is about one of them, and which, asking for each by itself tells
    read = {order_id: _read(told[name]) for order_id, name in some.items() if name in told}
    return {order_id: found for order_id, found in read.items() if found is not None}


def _read(whole: Whole) -> Reading | None:
    """Read an order; None when it cannot be right so, which promotions that were not told may explain."""
    if (plain := reading.read_plain(whole.order, whole.items)) is not None or not whole.promotions:
        return plain
    with suppress(Spoiled):
        return graph.read(*whole)
    return None


async def _bring_in(
    runtime: Runtime, tx: Tx, connection: Connection, placed: Sequence[tuple[Order, Reading]], *, began: datetime
) -> None:
    """Keep locked orders as they were read, keep their pieces aside, and tell StormCom of each: all at once."""
    at = runtime.now()
    known = await reading.known_items(tx, connection, [line for _, found in placed for line in found.lines])
    read = [
        replace(order, state=found.state, lines=reading.with_products(found.lines, known)) for order, found in placed
    ]
    kept = await reserve_each(runtime, tx, connection, read)
    changes = [
        (order, _values(order, found, at=at, began=began) | reading.kept_values(one, at=at))
        for order, (_, found), one in zip(read, placed, kept, strict=True)
    ]
    told = await db.change_each(tx, changes)
    await db.add_lines(tx, told)
    await events.append(tx, *(telling.command(order) for order in told), at=at)
    for order in told:
        if has_changes(order):
            await follow(tx, order, at=at)


def _values(order: Order, found: Reading, *, at: datetime, began: datetime) -> dict[str, Any]:
    """Write an order that was read and told into its columns."""
    values = reading.values_of(order, found, reading.digest_of(found, order.lines), at=at)
    if reading.may_have_changed(found, began=began):
        values["read_update_time"] = None
    values["changes_read_time"] = None if has_changes(order) else values["read_update_time"]
    return values | {"import_state": ImportState.IMPORTING, "version": order.version + 1, "tell_time": at}


async def _take(road: Road, order_id: UUID, found: Reading, *, began: datetime) -> None:
    """Act on what was read of one order, by itself."""
    async with road.runtime.db.begin() as tx:
        order = await db.by_id(tx, order_id, lock=True)
        if order is not None and order.read_update_time is None:
            await reading.take(road, tx, order, found, began=began)
        await outbox.hold(tx, road.task)
