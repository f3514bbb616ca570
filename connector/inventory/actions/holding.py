"""Keeps pieces aside, and lets go of them: when they were sold, when they were not, when nobody said anything in time.

The hold, what is reserved of the items and what is offered of them change in one transaction. The order of locks: the hold, the
products, the items by their names, the task that sends.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import ConnectorError
from connector.inventory.actions.stock import reckon, take_lines, write
from connector.inventory.db import holds as db
from connector.inventory.db import shelves
from connector.inventory.model.holds import KEPT, Held, Hold, State, Wish, ended, missing
from connector.inventory.model.holds import reserve as judge
from connector.inventory.model.stock import Key, Line, Result, Shelf
from connector.pieces import Cursor, go_through
from connector.runtime import Runtime

_MOST_CALLS = 64  # in one transaction
_PIECE = 500


async def reserve(runtime: Runtime, store_id: str, connection_id: str, wish: Wish) -> Hold:
    """Keep all that is wished aside, or nothing; the same hold for the same `request_id`.

    One transaction, shared with the calls for the same connection that came while an earlier one was at work; they are judged
    one after the other.

    Raises:
        FailedPrecondition: STOCK_INSUFFICIENT, naming the line and what is available.
        NotFound: ITEM_NOT_FOUND.

    """
    act = partial(_reserve, runtime, store_id, connection_id)
    return await runtime.gather.ask(("hold", store_id, connection_id), wish, act, most=_MOST_CALLS)


async def _reserve(
    runtime: Runtime, store_id: str, connection_id: str, wishes: Sequence[Wish]
) -> list[Hold | Exception]:
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        known = await db.by_request(tx, store_id, [one.request_id for one in wishes if one.request_id])
        named = {(want.product_id, want.variant_id) for one in wishes for want in one.wants}
        shelf_of = await shelves.lock(tx, connection.id, named)
        answers: list[Hold | Exception] = []
        made: list[tuple[Hold, str]] = []
        for wish in wishes:
            answer = known.get(wish.request_id) or _judge(runtime.new_id(), connection, wish, shelf_of, at)
            answers.append(answer)
            if isinstance(answer, Hold) and wish.request_id not in known:
                made.append((answer, wish.request_id))
        if made:
            await db.add(tx, made)
            await _move(tx, connection, Counter(_pieces(hold for hold, _ in made)), shelf_of.values(), at=at)
    return answers


def _judge(
    hold_id: UUID, connection: Connection, wish: Wish, shelf_of: dict[Key, Shelf], at: datetime
) -> Hold | ConnectorError:
    """Answer one wish, and have the next one find less."""
    after = judge(wish.wants, shelf_of)
    if isinstance(after, ConnectorError):
        return after
    shelf_of.update(after)
    named = ((want, after[want.product_id, want.variant_id]) for want in wish.wants)
    lines = sorted(Held(shelf.retailer_id, *want) for want, shelf in named)
    said = wish.purpose, wish.reference
    owned = hold_id, connection.store_id, connection.id
    return Hold(*owned, State.ACTIVE, *said, at, at + wish.duration, None, tuple(lines))


def _pieces(some: Iterable[Hold]) -> dict[str, int]:
    pieces: Counter[str] = Counter()
    for hold in some:
        pieces.update({line.retailer_id: line.quantity for line in hold.lines})
    return pieces


async def _move(
    tx: Tx, connection: Connection, pieces: dict[str, int], locked: Iterable[Shelf], *, at: datetime
) -> None:
    """Reserve so many more pieces of items, or fewer; `locked` are those items as they stand then."""
    await shelves.reserve(tx, connection.id, pieces)
    await reckon(tx, connection, [one for one in locked if one.retailer_id in pieces], at=at)


async def extend(runtime: Runtime, store_id: str, hold_id: UUID, duration: timedelta) -> Hold:
    """Let a hold last longer.

    Raises:
        NotFound: HOLD_NOT_FOUND.
        FailedPrecondition: HOLD_ENDED.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        hold = await _lock(tx, store_id, hold_id)
        if hold.seen(at=at) is not State.ACTIVE:
            raise ended(hold, at=at)
        await db.change(tx, hold.id, expire_time=max(hold.expire_time, at + duration))
        return await _lock(tx, store_id, hold_id)


async def release(runtime: Runtime, store_id: str, hold_id: UUID) -> Hold:
    """End a hold of which nothing was sold; one that ended so already stays as it is.

    Raises:
        NotFound: HOLD_NOT_FOUND.
        FailedPrecondition: HOLD_ENDED, it was completed.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        hold = await _lock(tx, store_id, hold_id)
        if hold.state is State.COMPLETED:
            raise ended(hold, at=at)
        if hold.seen(at=at) is State.ACTIVE:
            await _let_go(tx, [hold], State.RELEASED, at=at)
        return await _lock(tx, store_id, hold_id)


async def complete(runtime: Runtime, store_id: str, hold_id: UUID, lines: Sequence[Line]) -> tuple[Hold, list[Result]]:
    """End a hold whose pieces were sold, and store the stock after the sale, in one step: nothing is counted twice.

    Raises:
        NotFound: HOLD_NOT_FOUND.
        FailedPrecondition: HOLD_ENDED.
        InvalidInput: a price is in another currency than the item.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        hold = await _lock(tx, store_id, hold_id)
        if hold.state is not State.COMPLETED and hold.seen(at=at) is not State.ACTIVE:
            raise ended(hold, at=at)
        connection = await connections.require(tx, store_id, str(hold.connection_id))
        held = hold.lines if hold.state is State.ACTIVE else ()
        results = await _settle(tx, connection, held, lines, at=at)
        if held:
            await db.end(tx, [hold.id], State.COMPLETED, at=at)
        return await _lock(tx, store_id, hold_id), results


async def _settle(
    tx: Tx, connection: Connection, held: Sequence[Held], lines: Sequence[Line], *, at: datetime
) -> list[Result]:
    """Let go of what was held, and take the lines."""
    pieces = {line.retailer_id: -line.quantity for line in held}
    named = {(line.product_id, line.variant_id) for line in lines} | {(one.product_id, one.variant_id) for one in held}
    before = await shelves.lock(tx, connection.id, named)
    found = {shelf.retailer_id for shelf in before.values()}
    # An item that stands for another variant by now, or that nobody wants any more, is locked last: rare enough to risk the order.
    strays = await shelves.lock_named(tx, connection.id, sorted(set(pieces) - found))
    freed = {key: _with(shelf, pieces) for key, shelf in before.items() if shelf.retailer_id in pieces}
    results, after = take_lines(lines, before | freed)
    if pieces:
        await _move(tx, connection, pieces, [_with(shelf, pieces) for shelf in strays], at=at)
    await write(tx, connection, before, freed | after, at=at, content=any(line.price for line in lines))
    return results


def _with(shelf: Shelf, pieces: dict[str, int]) -> Shelf:
    return shelf._replace(reserved=shelf.reserved + pieces[shelf.retailer_id])


async def _lock(tx: Tx, store_id: str, hold_id: UUID) -> Hold:
    hold = await db.find(tx, store_id, hold_id, lock=True)
    if hold is None:
        raise missing(str(hold_id))
    return hold


async def _let_go(tx: Tx, some: Sequence[Hold], state: State, *, at: datetime) -> None:
    """End holds of one connection, and offer their pieces again."""
    connection = await connections.by_id(tx, some[0].connection_id)
    if connection is None:
        raise connections.missing(str(some[0].connection_id))
    pieces = {name: -count for name, count in _pieces(some).items()}
    locked = await shelves.lock_named(tx, connection.id, sorted(pieces))
    await _move(tx, connection, pieces, [_with(shelf, pieces) for shelf in locked], at=at)
    await db.end(tx, [hold.id for hold in some], state, at=at)


async def expire_holds(runtime: Runtime, task: Taken) -> None:
    """Let go of what is held by holds whose time has come, in pieces; forget those that ended long ago."""

    async def act(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
        if some := await db.lock_expired(tx, at=at, limit=_PIECE):
            await _let_go(tx, some, State.EXPIRED, at=at)
            return cursor
        await db.sweep(tx, ended_before=at - KEPT, limit=_PIECE)
        return None

    await go_through(runtime, task, act)


async def find_hold(runtime: Runtime, store_id: str, hold_id: UUID) -> Hold:
    """Find a hold.

    Raises:
        NotFound: HOLD_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        hold = await db.find(tx, store_id, hold_id)
    if hold is None:
        raise missing(str(hold_id))
    return hold


async def list_holds(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    reference: str,
    active_only: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Hold]:
    """List holds, the newest first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        active_at = runtime.now() if active_only else None
        return await db.page(tx, connection.id, reference=reference, active_at=active_at, after=after, limit=limit)
