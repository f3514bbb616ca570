"""How many pieces of an order's lines were shipped, cancelled and refunded, as Meta's own lists of these add up: reading them twice counts once."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, update

from connector.db.schema import Tx
from connector.orders.db.tables import order_lines


class Fate(StrEnum):
    """What became of pieces: the column that counts them."""

    SHIPPED = "shipped_quantity"
    CANCELLED = "cancelled_quantity"
    REFUNDED = "refunded_quantity"


_LINES = order_lines.c
_MOST = {
    Fate.SHIPPED: _LINES.quantity - _LINES.cancelled_quantity,
    Fate.CANCELLED: _LINES.quantity - _LINES.shipped_quantity,
    Fate.REFUNDED: _LINES.quantity,
}


async def count(tx: Tx, order_id: UUID, fate: Fate, totals: Mapping[str, int]) -> None:
    """Note how many pieces of each line met a fate by now, all in all. They never become fewer, nor more than there are."""
    column = _LINES[fate.value]
    for line_id, total in sorted(totals.items()):
        reached = func.least(func.greatest(column, total), _MOST[fate])
        line = _LINES.order_id == order_id, _LINES.line_id == line_id
        await tx.execute(update(order_lines).where(*line).values({fate.value: reached}))
