"""Reads one order whole, and moves it on: kept aside while Meta processes it, told to StormCom once it is placed, or put in quarantine.

What is read, the stock that is kept aside and the event change in one transaction. An order that was read before and says nothing
new changes nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.orders import graph
from connector.orders.actions import telling
from connector.orders.actions.asking import ORDERS, Road, open_road
from connector.orders.actions.following import follow
from connector.orders.actions.reserving import Kept, kept_until, release, reserve
from connector.orders.db import accounts
from connector.orders.db import orders as db
from connector.orders.graph import Reading
from connector.orders.model.latin import ascii_address
from connector.orders.model.states import OVER, Happening, ImportState, State, move
from connector.orders.model.steps import Standing, Step, next_step
from connector.orders.model.sums import Spoiled
from connector.orders.model.values import Line, Order
from connector.registry.db.names import Name, Resolved, look_up
from connector.runtime import Runtime

_TOLD_BY = timedelta(seconds=5)
"""Meta tells times by the second: of two changes within one, the second cannot be seen. The rest is for clocks that differ."""
_LAGS = timedelta(hours=1)
"""For how long Meta's copies may tell less than its lists do; what it tells then is what there is."""


async def read_order(runtime: Runtime, task: Taken) -> None:
    """Read an order of Meta's and act on what it says."""
    async with runtime.db.begin() as tx:
        task = await outbox.hold(tx, task)
        order = await db.by_id(tx, UUID(task.arguments["order_id"]))
        connection = await connections.of_task(tx, task)
        account = await accounts.find(tx, connection.id)
        if order is None or account is None or not account.commerce_account_id or ORDERS in connection.blocks:
            await outbox.done(tx, task, at=runtime.now())  # the next look brings it back
            return
    road, began = await open_road(runtime, task, connection, account), runtime.now()
    try:
        found: Reading | Spoiled | None = await _ask(road, order.external_order_id)
    except Spoiled as spoiled:
        found = spoiled
    async with runtime.db.begin() as tx:
        if (current := await db.by_id(tx, order.id, lock=True)) is not None:
            await take(road, tx, current, found, began=began)
        await outbox.hold(tx, task)
        await outbox.done(tx, task, at=runtime.now())


async def _ask(road: Road, external_order_id: str) -> Reading | None:
    """Read an order with its lines and promotions; None when it is gone, which the order itself has to tell, none of its lists."""
    page_id = road.connection.page_id
    try:
        order = await road.ask(graph.read_order(external_order_id, page_id))
    except MetaRefused as refused:
        if await road.lost(refused):
            return None
        raise
    items = await road.ask_all(lambda after: graph.list_items(external_order_id, page_id, after=after))
    if (plain := read_plain(order, items)) is not None:
        return plain
    promotions = await road.ask_all(lambda after: graph.list_promotions(external_order_id, page_id, after=after))
    return graph.read(order, items, promotions)


def read_plain(order: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Reading | None:
    """Read an order off which nothing was taken, as most are; None when only its promotions can tell its sums."""
    if not graph.needs_promotions(order, items):
        with suppress(Spoiled):
            return graph.read(order, items, [])
    return None


def in_currency(order: Order, found: Reading, currency_code: str) -> Reading | Spoiled:
    """Refuse an order in another currency than the store's: StormCom's orders have none of their own. One that it has stays."""
    if order.taken or currency_code in {"", found.currency_code}:
        return found
    message = (
        f"The order is in {found.currency_code} and the store in {currency_code}: cancel it in Commerce Manager, "
        "or say another currency with AssociateOrderManagement and retry"
    )
    return Spoiled("ORDER_CURRENCY_MISMATCH", message)


async def take(road: Road, tx: Tx, order: Order, found: Reading | Spoiled | None, *, began: datetime) -> None:
    """Do all that follows from what Meta said of a locked order when it was asked at `began`."""
    if isinstance(found, Reading):
        found = in_currency(order, found, road.account.currency_code)
    order = await apply(road.runtime, tx, road.connection, order, found)
    if isinstance(found, Reading) and may_have_changed(found, began=began):
        order = await db.change(tx, order, read_update_time=None)
    await follow(tx, order, at=road.runtime.now())


def may_have_changed(found: Reading, *, began: datetime) -> bool:
    """Tell whether an order may have changed again since it was read, unseen."""
    return began - found.update_time < _TOLD_BY


async def apply(
    runtime: Runtime, tx: Tx, connection: Connection, order: Order, found: Reading | Spoiled | None
) -> Order:
    """Move a locked order on by what Meta says of it: a reading, that it cannot be read, or that it is gone."""
    at = runtime.now()
    if isinstance(found, Spoiled):
        known: dict[str, Any] = {"read_update_time": order.update_time}
        if order.state is State.VANISHED and (anew := move(order.import_state, Happening.RETURN)) is not None:
            known |= {"import_state": anew, "state": State.CREATED}  # it is there again, and that is all that is known
        return await telling.spoil(tx, await db.change(tx, order, **known), found, at=at)
    if found is None:
        return await _vanish(tx, order, at=at)
    if _is_older(found, order):
        return order  # what is known is newer
    return await _go_on(runtime, tx, connection, order, found)


_STATES = list(State)


def _is_older(found: Reading, order: Order) -> bool:
    """Tell whether Meta showed an older copy of an order than is kept; of one that is doubtful, by what never goes back."""
    if order.read_update_time is not None:
        return found.update_time < order.read_update_time
    left = {line.line_id: line.open_quantity for line in order.lines}
    grown = any(line.open_quantity > left.get(line.line_id, line.open_quantity) for line in found.lines)
    back = _STATES.index(found.state) < _STATES.index(order.state)
    return bool(order.digest) and found.update_time < order.update_time and (grown or back)


async def _go_on(runtime: Runtime, tx: Tx, connection: Connection, order: Order, found: Reading) -> Order:
    """Keep a reading, and do what an order wants that is so."""
    at = runtime.now()
    lines = await db.write_lines(tx, order.id, await _mapped(tx, connection, found.lines))
    digest = digest_of(found, lines)
    now = replace(await db.change(tx, order, **values_of(order, found, digest, at=at)), lines=lines)
    now = await db.change(tx, now, hold_expire_time=await kept_until(tx, now, at=at))
    same, lapsed = digest == order.digest, now.lapsed(at=at)
    step, after = next_step(standing(order), found.state, same=same, lapsed=lapsed)
    match step:
        case Step.RESERVE:
            return await _reserve(runtime, tx, connection, now, after)
        case Step.TELL:
            return await _tell(runtime, tx, connection, now, after)
        case Step.CHANGED:
            return await telling.state_changed(tx, now, order.state, at=at)
        case Step.END:
            return await _end(tx, now, after, at=at)
        case Step.NOTHING:
            return now


def standing(order: Order) -> Standing:
    """Tell what decides what follows from a reading."""
    return Standing(order.import_state, order.state, order.taken, told=order.tell_time is not None)


async def _reserve(runtime: Runtime, tx: Tx, connection: Connection, order: Order, after: ImportState) -> Order:
    """Keep an order's pieces aside while Meta processes it; again when that takes longer than a hold lasts."""
    order = await _keep_aside(runtime, tx, connection, order, after)
    order = await db.change(tx, order, version=order.version + 1)
    return await telling.reservation_requested(tx, order, at=runtime.now())


async def _tell(runtime: Runtime, tx: Tx, connection: Connection, order: Order, after: ImportState) -> Order:
    """Tell StormCom of an order, whole; its pieces are kept aside until StormCom has it."""
    if order.state not in OVER and (not order.hold_ids or order.lapsed(at=runtime.now())):
        order = await _keep_aside(runtime, tx, connection, order, after)
    return await telling.received(tx, order, after, at=runtime.now())


async def _keep_aside(runtime: Runtime, tx: Tx, connection: Connection, order: Order, after: ImportState) -> Order:
    kept = await reserve(runtime, tx, connection, order)
    return await db.change(tx, order, import_state=after, **kept_values(kept, at=runtime.now()))


def kept_values(kept: Kept, *, at: datetime) -> dict[str, Any]:
    """Write what was kept aside into an order's columns, and what is missing as its problem."""
    values: dict[str, Any] = {"hold_ids": list(kept.hold_ids), "hold_expire_time": kept.expire_time}
    if not kept.lacking:
        return values | telling.NO_PROBLEM
    message = f"Fewer pieces could be kept aside than were ordered; missing are {kept.lacking}"
    return values | telling.problem("STOCK_INSUFFICIENT", message, at=at)


async def _vanish(tx: Tx, order: Order, *, at: datetime) -> Order:
    """Let an order that Meta has no more end; one that StormCom has is told as gone."""
    if order.state is State.VANISHED:
        return order
    values = {"state": State.VANISHED, "over_time": at, "read_update_time": order.update_time}
    gone = await db.change(tx, order, **values)
    step, after = next_step(standing(order), State.VANISHED, same=True, lapsed=False)
    if step is Step.CHANGED:
        return await telling.state_changed(tx, gone, order.state, at=at)
    return await _end(tx, gone, after, at=at) if step is Step.END else gone


async def _end(tx: Tx, order: Order, after: ImportState, *, at: datetime) -> Order:
    """End an order that StormCom never had: its pieces are offered again."""
    reserved = order.import_state is ImportState.RESERVED
    order = await db.change(tx, order, import_state=after, version=order.version + 1, **telling.NO_PROBLEM)
    await release(tx, order, at=at)
    if reserved:
        await telling.reservation_released(tx, order, at=at)
    return await db.change(tx, order, hold_ids=[], hold_expire_time=None)


async def _mapped(tx: Tx, connection: Connection, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Find what products lines stand for; one that nobody knows stays a line."""
    return with_products(lines, await known_items(tx, connection, lines))


async def known_items(tx: Tx, connection: Connection, lines: Iterable[Line]) -> Mapping[str, Resolved]:
    """Find the items that lines name."""
    asked = list(dict.fromkeys(line.retailer_id for line in lines if line.retailer_id))
    names = await look_up(tx, connection.id, [Name(one, "", "") for one in asked]) if asked else []
    return {one: found for one, found in zip(asked, names, strict=True) if found is not None}


def with_products(lines: Iterable[Line], known: Mapping[str, Resolved]) -> tuple[Line, ...]:
    """Tell lines with the products that they stand for."""
    return tuple(
        replace(line, mapped=True, product_id=known[line.retailer_id].product_id, variant_id=known[line.retailer_id].variant_id)
        if line.retailer_id in known
        else line
        for line in lines
    )  # fmt: skip


def digest_of(found: Reading, lines: tuple[Line, ...]) -> bytes:
    """Hash what StormCom is told of an order when it is new: not what becomes of it later."""
    later = ("shipped_quantity", "cancelled_quantity", "refunded_quantity", "refundable", "mapped", "product_id", "variant_id")  # fmt: skip
    told = [{name: getattr(line, name) for name in line.__slots__ if name not in later} for line in lines]
    rest = (found.channel, found.buyer, found.address, found.sums, found.shipping_option, found.discounts, found.ship_by_time)  # fmt: skip
    return hashlib.sha256(orjson.dumps([told, *rest], option=orjson.OPT_SORT_KEYS, default=list)).digest()


def values_of(order: Order, found: Reading, digest: bytes, *, at: datetime) -> dict[str, Any]:
    """Write a reading into an order's columns; who bought is not taken in again once it is forgotten."""
    over, changed = found.state in OVER, max(order.update_time, found.update_time)
    behind = found.update_time < changed and at - changed < _LAGS
    forgotten = order.tell_time is not None and order.buyer is None and order.address is None
    people = {} if forgotten else {
        "buyer": found.buyer,
        "address": found.address,
        "ascii_address": ascii_address(found.address) if found.address else None,
    }  # fmt: skip
    return people | found.sums._asdict() | {
        "state": found.state,
        "channel": found.channel,
        "currency_code": found.currency_code,
        "tax_remitted": found.tax_remitted,
        "shipping_option": list(found.shipping_option) if found.shipping_option else None,
        "discounts": [list(one) for one in found.discounts],
        "ship_by_time": found.ship_by_time,
        "test_order": found.test_order,
        "order_time": found.order_time,
        "update_time": changed,
        "read_update_time": found.update_time if behind else changed,
        "over_time": (order.over_time or at) if over else None,
        "digest": digest,
    }  # fmt: skip
