"""Looks for orders at Meta, every five minutes and whenever a webhook hints at one; what it sees gets a row, then is read.

A look goes over all orders that changed since the last one, with an overlap, and over all that Meta processes, so that one that
vanished is missed. The watermark is Meta's own time; it moves in the transaction that keeps all orders up to it, so a look that
failed goes on where it stood, and one with very much to see goes on in another turn.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.graph.call import Call, Listed
from connector.orders import graph
from connector.orders.actions.asking import ORDERS, Road, open_road
from connector.orders.actions.following import follow_again
from connector.orders.actions.looking import windows
from connector.orders.actions.planning import plan_import, plan_reading
from connector.orders.actions.retrying import try_again
from connector.orders.db import accounts, sightings
from connector.orders.db.sightings import Unread
from connector.orders.graph import Sighting
from connector.orders.model.accounts import Account, Manager
from connector.orders.model.states import State
from connector.orders.model.windows import Window
from connector.runtime import Runtime

EVERY = timedelta(minutes=5)
IDLE = timedelta(minutes=30)
"""How long whoever has nothing to look for waits; taking orders over has them looked for at once."""
OVERLAP = timedelta(minutes=10)
FARTHEST = timedelta(days=180)
_WAITING = (State.FB_PROCESSING, State.CREATED)
# The narrowest windows of a turn come to more than the overlap with the next one: each goes on farther than the last.
_WINDOWS_PER_TURN = 50
_PIECE = 200


async def poll_orders(runtime: Runtime, task: Taken) -> None:
    """Look for orders of a connection whose orders we manage, and come back in five minutes."""
    async with runtime.db.begin() as tx:
        task = await outbox.hold(tx, task)
        connection = await connections.of_task(tx, task)
        account = await accounts.find(tx, connection.id)
        ours = account is not None and account.manager is Manager.OURS
        if account is None or not ours or ORDERS in connection.blocks:
            await outbox.again(tx, task, runtime.now() + (EVERY if ours else IDLE))
            return
    try:
        road = await open_road(runtime, task, connection, account)
        last, over = await _look(road)
        processed = await road.ask_all(lambda after: _list_processed(road, after)) if over else []
        await _try_again(road)
    except MetaRefused:
        async with runtime.db.begin() as tx:  # Meta may have switched the whole road off: a try tells
            await connection_actions.plan_check(runtime, tx, connection, ORDERS)
        raise
    async with runtime.db.begin() as tx:
        now = runtime.now()
        if over:
            await take_in(runtime, tx, connection, account, processed)
            await _miss(tx, connection, {one.external_order_id for one in processed}, at=now)
            await _catch_up(tx, connection, at=now)
            await accounts.mark(tx, account, last_poll_time=now)
        if account.since_time is not None:
            await _looked_back(tx, connection, account.since_time, None if over else last or account.since_time)
        wished = (await outbox.hold(tx, task)).wishes != task.wishes
        await outbox.again(tx, task, now + EVERY if over and not wished else now)


async def _look(road: Road) -> tuple[datetime | None, bool]:
    """Keep what changed since the last look, and the watermark with it; tells the last change seen, and whether that is all."""
    runtime, connection = road.runtime, road.connection
    last, count = None, 0
    async for seen in windows(road, Window(_since(road.account, at=runtime.now()))):
        last = _newest(seen, at=runtime.now()) or last
        async with runtime.db.begin() as tx:
            await take_in(runtime, tx, connection, road.account, seen)
            watermark = max(filter(None, (last, road.account.watermark_time)), default=None)
            await accounts.mark(tx, road.account, watermark_time=watermark)
            await outbox.hold(tx, road.task)
        count += bool(seen)
        if count == _WINDOWS_PER_TURN:
            return last, False
    return last, True


def _newest(seen: Iterable[Sighting], *, at: datetime) -> datetime | None:
    """Tell when the newest of the orders changed. A time that is to come would end all looks: it is no mark."""
    return max((one.update_time for one in seen if one.update_time and one.update_time <= at), default=None)


def _list_processed(road: Road, after: str) -> Call[Listed[Sighting]]:
    names = road.account.commerce_account_id, road.connection.page_id
    return graph.list_orders(*names, [State.FB_PROCESSING], after=after)


def _since(account: Account, *, at: datetime) -> datetime:
    usual = account.watermark_time - OVERLAP if account.watermark_time else at - FARTHEST
    return min(account.since_time, usual) if account.since_time else usual


async def _looked_back(tx: Tx, connection: Connection, since: datetime, left: datetime | None) -> None:
    """Note from when on a wish to look farther back is still to be done, None when it is; a wish that came meanwhile stays."""
    current = await accounts.find(tx, connection.id, lock=True)
    if current is not None and current.since_time == since:
        await accounts.change(tx, connection.id, since_time=left)


async def take_in(runtime: Runtime, tx: Tx, connection: Connection, account: Account, seen: Iterable[Sighting]) -> None:
    """Keep what lists tell, and have new and changed orders read. Orders that others saw through before us stay theirs."""
    now, rows = runtime.now(), {one.external_order_id: one for one in seen}
    known: dict[str, UUID] = {}
    for names in _pieces(sorted(rows)):
        known |= await sightings.known(tx, connection.store_id, names)
    # Those that have a row are locked by our ids, as everywhere, and new ones come after them.
    new = [name for name in sorted(rows.keys() - known.keys()) if _is_ours(rows[name], account)]
    unread: list[Unread] = []
    for names in _pieces([*sorted(known, key=known.__getitem__), *new]):
        told = [_row(runtime, connection, rows[name], at=now) for name in names]
        unread += await sightings.see(tx, told, at=now)
    await _plan(tx, connection.id, unread, at=now)


def _pieces(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + _PIECE] for start in range(0, len(names), _PIECE))


def _is_ours(one: Sighting, account: Account) -> bool:
    """Tell whether a new order is ours to import: nobody acknowledged it yet, or it was placed since we manage them."""
    if one.state is None or one.state in _WAITING or one.order_time is None:
        return True
    # Meta tells times by the second: an order of the very second of taking over is ours.
    return account.associate_time is not None and one.order_time >= account.associate_time.replace(microsecond=0)


def _row(runtime: Runtime, connection: Connection, one: Sighting, *, at: datetime) -> dict[str, object]:
    return {
        "id": runtime.new_id(),
        "store_id": connection.store_id,
        "connection_id": connection.id,
        "external_order_id": one.external_order_id,
        # Reading it tells more; until then nothing is said of it but that it is there.
        "state": one.state or State.CREATED,
        "order_time": one.order_time or at,
        "update_time": one.update_time or at,
    }


async def _plan(tx: Tx, connection_id: UUID, some: Sequence[Unread], *, at: datetime) -> None:
    """Have orders read, many at once where that can be, the others each by itself."""
    if any(one.together for one in some):
        await plan_import(tx, connection_id, at=at)
    await plan_reading(tx, connection_id, [one.id for one in some if not one.together], at=at)


async def _miss(tx: Tx, connection: Connection, processed: set[str], *, at: datetime) -> None:
    """Read the orders that Meta processed and does not list as such any more: they went on, or are gone."""
    before = await sightings.processed(tx, connection.id)
    missed = sorted(order_id for name, order_id in before.items() if name not in processed)
    await plan_reading(tx, connection.id, missed, at=at)


async def _try_again(road: Road) -> None:
    """Take up what in quarantine is tried again by itself: each order in a transaction of its own, for it is locked before any task."""
    runtime, at = road.runtime, road.runtime.now()
    async with runtime.db.begin() as tx:
        due = await sightings.retriable(tx, road.connection.id, at=at, limit=_PIECE)
    for order_id in due:
        async with runtime.db.begin() as tx:
            await try_again(tx, order_id, at=at)
            await outbox.hold(tx, road.task)


async def _catch_up(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Take up what was given up meanwhile, and what is to be kept aside once more."""
    await _plan(tx, connection.id, await sightings.unread(tx, connection.id, limit=_PIECE), at=at)
    await plan_reading(tx, connection.id, await sightings.lapsed(tx, connection.id, at=at, limit=_PIECE), at=at)
    await follow_again(tx, connection.id, at=at)
