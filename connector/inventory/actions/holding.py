"""Keeps pieces aside, and lets go of them when they were sold, and when they were not.

The hold, what is reserved of the items and what is offered of them change in one transaction. `reserve_in` and `release_in`
do it in the caller's, together with what the pieces are held for.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.errors import ConnectorError
from connector.inventory.actions.expiry import end_expired, plan_expiry
from connector.inventory.actions.reserves import let_go, lock_without, move, pieces_of
from connector.inventory.actions.stock import take_lines, write
from connector.inventory.db import holds as db
from connector.inventory.model.holds import Held, Hold, State, Wish, ended, missing
from connector.inventory.model.holds import reserve as judge
from connector.inventory.model.stock import Key, Line, Result, Shelf
from connector.runtime import Runtime
from connector.values import NewId

_MOST_CALLS = 64  # in one transaction


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
) -> list[Hold | ConnectorError]:
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await reserve_in(tx, connection, wishes, at=runtime.now(), new_id=runtime.new_id)


async def reserve_in(
    tx: Tx, connection: Connection, wishes: Sequence[Wish], *, at: datetime, new_id: NewId
) -> list[Hold | ConnectorError]:
    """Keep aside what is wished in the caller's transaction; answers each wish with its hold, or with why there is none.

    The wishes are judged one after the other. What expired holds hold of the same products is let go of first.
    """
    known = await db.by_request(tx, connection.store_id, [one.request_id for one in wishes if one.request_id])
    named = {(want.product_id, want.variant_id) for one in wishes for want in one.wants}
    over = await db.lock_expired_of(tx, connection.id, {product_id for product_id, _ in named}, at=at)
    shelf_of, strays = await lock_without(tx, connection, named, over)
    answers: list[Hold | ConnectorError] = []
    made: list[tuple[Hold, str]] = []
    for wish in wishes:
        answer = known.get(wish.request_id) or _judge(new_id(), connection, wish, shelf_of, at)
        answers.append(answer)
        if isinstance(answer, Hold) and wish.request_id not in known:
            made.append((answer, wish.request_id))
    pieces = Counter(pieces_of(hold for hold, _ in made))
    pieces.subtract(pieces_of(over))
    if made:
        await db.add(tx, made)
    if pieces:
        await move(tx, connection, pieces, [*shelf_of.values(), *strays], at=at)
    if over:
        await end_expired(tx, over, at=at)
    if made:
        await plan_expiry(tx, connection.id, min(hold.expire_time for hold, _ in made))
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
    async with runtime.db.begin() as tx:
        return await release_in(tx, store_id, hold_id, at=runtime.now())


async def release_in(tx: Tx, store_id: str, hold_id: UUID, *, at: datetime) -> Hold:
    """Release a hold in the caller's transaction, which has locked no product or item yet.

    Raises:
        NotFound: HOLD_NOT_FOUND.
        FailedPrecondition: HOLD_ENDED, it was completed.

    """
    hold = await _lock(tx, store_id, hold_id)
    if hold.state is State.COMPLETED:
        raise ended(hold, at=at)
    if hold.seen(at=at) is State.ACTIVE:
        connection = await connections.require(tx, store_id, str(hold.connection_id))
        await let_go(tx, connection, [hold], at=at)
        await db.end(tx, [hold.id], State.RELEASED, at=at)
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
        active = [hold] if hold.state is State.ACTIVE else []
        results = await _settle(tx, connection, active, lines, at=at)
        await db.end(tx, [one.id for one in active], State.COMPLETED, at=at)
        return await _lock(tx, store_id, hold_id), results


async def settle_in(
    tx: Tx, connection: Connection, hold_ids: Sequence[UUID], lines: Sequence[Line], *, at: datetime
) -> tuple[list[UUID], list[Result]]:
    """Complete holds and store the stock after the sale, in the caller's transaction, which has locked no product or item yet.

    The sale has happened, whatever became of its holds: tells those that had ended, and may be sold twice. One whose time is over
    and that nobody let go of yet is still good.

    Raises:
        NotFound: HOLD_NOT_FOUND.
        InvalidInput: a price is in another currency than the item.

    """
    found = [await _lock(tx, connection.store_id, hold_id) for hold_id in sorted(set(hold_ids))]
    for hold in found:
        if hold.connection_id != connection.id:
            raise missing(str(hold.id))
    active = [hold for hold in found if hold.state is State.ACTIVE]
    results = await _settle(tx, connection, active, lines, at=at) if active or lines else []
    await db.end(tx, [hold.id for hold in active], State.COMPLETED, at=at)
    return [hold.id for hold in found if hold.state in {State.RELEASED, State.EXPIRED}], results


async def _settle(
    tx: Tx, connection: Connection, sold: Sequence[Hold], lines: Sequence[Line], *, at: datetime
) -> list[Result]:
    """Let go of what was held, and take the lines."""
    pieces = {name: -count for name, count in pieces_of(sold).items()}
    before, strays = await lock_without(tx, connection, {(line.product_id, line.variant_id) for line in lines}, sold)
    results, after = take_lines(lines, before)
    if pieces:
        await move(tx, connection, pieces, strays, at=at)
    freed = {key: shelf for key, shelf in before.items() if shelf.retailer_id in pieces}
    await write(tx, connection, before, freed | after, at=at, content=any(line.price for line in lines))
    return results


async def _lock(tx: Tx, store_id: str, hold_id: UUID) -> Hold:
    hold = await db.find(tx, store_id, hold_id, lock=True)
    if hold is None:
        raise missing(str(hold_id))
    return hold


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
