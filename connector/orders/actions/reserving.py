"""Keeps the pieces of an order aside until StormCom has it: so nobody else is offered them meanwhile.

All of them in one hold, or, when they are too few, of each product as many as there are; what is missing is said. A hold lowers what
is offered, never StormCom's own count: when StormCom's count comes, nothing is subtracted twice.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.errors import ConnectorError, FailedPrecondition, NotFound
from connector.inventory import actions as inventory
from connector.inventory.db import holds
from connector.inventory.model.holds import LONGEST, Hold, State, Want, Wish
from connector.orders.model.states import OVER
from connector.orders.model.values import Line, Order
from connector.runtime import Runtime

PURPOSE = "facebook-order"


class Kept(NamedTuple):
    """The holds of an order, until when they last, and, in words, what could not be kept aside."""

    hold_ids: tuple[str, ...]
    expire_time: datetime | None
    lacking: str


async def reserve(runtime: Runtime, tx: Tx, connection: Connection, order: Order) -> Kept:
    """Keep what is open of mapped lines aside, in the caller's transaction, which has locked no product or item yet."""
    (kept,) = await reserve_each(runtime, tx, connection, [order])
    return kept


async def reserve_each(runtime: Runtime, tx: Tx, connection: Connection, some: Sequence[Order]) -> list[Kept]:
    """Keep what is open of mapped lines of orders aside, each order by itself, all at once."""
    wanted = [(order, () if order.state in OVER else _wants(order.lines)) for order in some]
    whole = iter(await _hold(runtime, tx, connection, [(order, wants) for order, wants in wanted if wants]))
    kept: list[Kept] = []
    for order, wants in wanted:
        answer = next(whole) if wants else None
        if isinstance(answer, Hold):
            kept.append(Kept((str(answer.id),), answer.expire_time, ""))
        else:
            kept.append(await _in_pieces(runtime, tx, connection, order, wants) if wants else Kept((), None, ""))
    return kept


def _wants(lines: Sequence[Line]) -> tuple[Want, ...]:
    pieces: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if line.mapped and line.open_quantity > 0:
            pieces[line.product_id, line.variant_id] += line.open_quantity
    return tuple(Want(*name, count) for name, count in sorted(pieces.items()))


async def _in_pieces(runtime: Runtime, tx: Tx, connection: Connection, order: Order, wants: Sequence[Want]) -> Kept:
    """Keep aside what there is of an order that cannot be had whole."""
    single = await _hold(runtime, tx, connection, [(order, (want,)) for want in wants])
    fewer = [_fewer(want, answer) for want, answer in zip(wants, single, strict=True)]
    rest = await _hold(runtime, tx, connection, [(order, (want,)) for want in fewer if want and want.quantity])
    holds = [one for one in (*single, *rest) if isinstance(one, Hold)]
    missed = [pair for *pair, one in zip(wants, fewer, single, strict=True) if not isinstance(one, Hold)]
    lacking = [_missing(want, less) for want, less in missed if want]
    expire = min((hold.expire_time for hold in holds), default=None)
    return Kept(tuple(str(hold.id) for hold in holds), expire, ", ".join(lacking)[:400])


async def _hold(
    runtime: Runtime, tx: Tx, connection: Connection, wanted: Sequence[tuple[Order, tuple[Want, ...]]]
) -> list[Hold | ConnectorError]:
    wishes = [Wish(wants, LONGEST, PURPOSE, str(order.id)) for order, wants in wanted]
    if not wishes:
        return []
    return await inventory.reserve_in(tx, connection, wishes, at=runtime.now(), new_id=runtime.new_id)


def _fewer(want: Want, answer: Hold | ConnectorError) -> Want | None:
    """Tell what there is instead of what was wanted; None when that was had, or nothing is known."""
    if isinstance(answer, Hold) or answer.reason != "STOCK_INSUFFICIENT":
        return None
    return want._replace(quantity=max(0, min(want.quantity, int(answer.metadata["available"]))))


def _missing(want: Want, less: Want | None) -> str:
    return f"{want.quantity - (less.quantity if less else 0)} of {want.quantity} {want.product_id}"


async def kept_until(tx: Tx, order: Order, *, at: datetime) -> datetime | None:
    """Tell until when the holds of an order last: a time that is over when they ended by it alone, and have to be made again.

    None when there is nothing to make again: they were sold or let go of, or nothing of the order is left to ship.
    """
    if order.hold_expire_time is None or order.hold_expire_time > at:
        return order.hold_expire_time
    found = [await holds.find(tx, order.store_id, UUID(hold_id)) for hold_id in order.hold_ids]
    known = [hold for hold in found if hold is not None]
    if lasting := [hold.expire_time for hold in known if hold.seen(at=at) is State.ACTIVE]:
        return min(lasting)  # StormCom extended them
    lapsed = all(hold.seen(at=at) is State.EXPIRED for hold in known)
    return order.hold_expire_time if lapsed and order.state not in OVER else None


async def complete(tx: Tx, connection: Connection, order: Order, *, at: datetime) -> None:
    """End the holds of an order that StormCom has; those that ended so long ago that they are forgotten are left out."""
    named = [UUID(hold_id) for hold_id in order.hold_ids]
    known = [one for one in named if await holds.find(tx, order.store_id, one) is not None]
    await inventory.settle_in(tx, connection, known, (), at=at)


async def release(tx: Tx, order: Order, *, at: datetime) -> None:
    """Offer again what an order that came to nothing kept aside; holds that ended are left as they are."""
    for hold_id in sorted(order.hold_ids):
        with suppress(FailedPrecondition, NotFound):  # completed by StormCom, or forgotten long after its end
            await inventory.release_in(tx, order.store_id, UUID(hold_id), at=at)
