"""Moves orders: keeps every list sorted while they change, and lets Meta's own checks end when their time has come.

    FB_PROCESSING ──checks end──▶ CREATED ──acknowledged, or no app is there to──▶ IN_PROGRESS ──nothing open──▶ COMPLETED
         └────────────────────▶ gone, as if it had never been

Every move goes through `change`, which also tells the webhooks; every effect of somebody's doing goes into the ledger by `note`.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any

from simulator.orders.notices import tell
from simulator.orders.state import CommerceOrder, Effect, OrderBook
from simulator.standing import CommerceMerchantSettings
from simulator.world import World

BY_MARK = attrgetter("mark")


def account_of(world: World, order: CommerceOrder) -> CommerceMerchantSettings:
    """Return the account that an order belongs to."""
    return world.require(CommerceMerchantSettings, order.account_id, name="account_id")


def add(world: World, account: CommerceMerchantSettings, order: CommerceOrder) -> None:
    """Put a new order into the book; one whose checks are over already was finalised then."""
    book = account.orders
    if order.process_until <= world.clock.now() and not order.vanishes:
        order.state, order.update_time = _finalised(account), max(order.update_time, order.process_until)
    else:
        heappush(book.processing, (order.process_until, order.sequence, order))
    book.orders[order.id] = world.add(order)
    _insert(book, order)
    tell(world, order, "created")


def settle(world: World, account: CommerceMerchantSettings) -> None:
    """End the processing of every order whose time has come."""
    book, now = account.orders, world.clock.now()
    while book.processing and book.processing[0][0] <= now:
        until, _, order = heappop(book.processing)
        if order.state != "FB_PROCESSING" or order.process_until != until or order.id not in book.orders:
            continue
        if order.vanishes:
            forget(world, account, order)
        else:
            finalise(world, account, order, at=max(until, order.create_time))


def settle_all(world: World) -> float | None:
    """Settle every account; return when the next order is due."""
    accounts = world.all(CommerceMerchantSettings)
    for account in accounts:
        settle(world, account)
    return min((account.orders.processing[0][0] for account in accounts if account.orders.processing), default=None)


async def settle_forever(world: World) -> None:
    """Settle whatever is due, then sleep until something is: webhooks wait for nobody's call."""
    while True:
        await world.clock.wait_until(settle_all(world))


def finalise(world: World, account: CommerceMerchantSettings, order: CommerceOrder, *, at: float) -> None:
    """End Meta's checks. Without an app for its orders the account does not wait for anybody's acknowledgement."""
    change(world, order, state=_finalised(account), at=at, what="finalised")


def _finalised(account: CommerceMerchantSettings) -> str:
    # Meta's order guide (graph-api.md 5): without a registered app finalised orders advance by themselves.
    return "CREATED" if account.order_app_ids else "IN_PROGRESS"


def forget(world: World, account: CommerceMerchantSettings, order: CommerceOrder) -> None:
    """Let an order vanish."""
    _remove(account.orders, order)
    del account.orders.orders[order.id]
    account.orders.vanished.add(order.id)
    world.forget(order)


def was_order(world: World, order_id: str) -> bool:
    """Return whether there was an order of that id that vanished."""
    return any(order_id in account.orders.vanished for account in world.all(CommerceMerchantSettings))


def change(world: World, order: CommerceOrder, *, what: str, state: str = "", at: float | None = None) -> None:
    """Note that an order changed: its state if given, its time always, its place in the lists, and the webhook."""
    book = account_of(world, order).orders
    _remove(book, order)
    order.state = state or order.state
    order.update_time = max(order.update_time, world.clock.now() if at is None else at)
    _insert(book, order)
    tell(world, order, what)


def replace(world: World, old: CommerceOrder, new: CommerceOrder) -> None:
    """Put another version of an order into its place."""
    book = account_of(world, old).orders
    _remove(book, old)
    book.orders[new.id] = world.add(new)
    for one in new.returns:
        world.add(one)
    _insert(book, new)


def complete(order: CommerceOrder) -> str:
    """Return the state of an order after units were shipped or cancelled."""
    return order.state if any(item.open for item in order.items) else "COMPLETED"


def note(
    world: World, order: CommerceOrder, kind: str, *, by: str = "app", key: str = "", told: Mapping[str, Any]
) -> None:
    """Write an effect into the ledger."""
    effects = account_of(world, order).orders.effects
    effects.append(Effect(world.next_number(), world.clock.now(), kind, by, order.id, key, told))


def _insert(book: OrderBook, order: CommerceOrder) -> None:
    insort(book.by_state[order.state], order, key=BY_MARK)


def _remove(book: OrderBook, order: CommerceOrder) -> None:
    row = book.by_state[order.state]
    del row[bisect_left(row, order.mark, key=BY_MARK)]
