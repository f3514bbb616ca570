"""What is reserved of items as holds begin and end. The order of locks: the hold, the products, the items by their names, the tasks."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.inventory.actions.stock import reckon
from connector.inventory.db import shelves
from connector.inventory.model.holds import Hold
from connector.inventory.model.stock import Key, Shelf


def pieces_of(some: Iterable[Hold]) -> dict[str, int]:
    """Count what holds hold, by item."""
    pieces: Counter[str] = Counter()
    for hold in some:
        pieces.update({line.retailer_id: line.quantity for line in hold.lines})
    return pieces


async def lock_without(
    tx: Tx, connection: Connection, named: Collection[Key], ending: Sequence[Hold]
) -> tuple[dict[Key, Shelf], list[Shelf]]:
    """Lock the items so named and those that ending holds hold; tells them as they stand without these holds.

    Beside them stand the strays: items held that go by another name now, or that nobody wants any more.
    """
    pieces = {name: -count for name, count in pieces_of(ending).items()}
    held = {(line.product_id, line.variant_id) for hold in ending for line in hold.lines}
    found = await shelves.lock(tx, connection.id, {*named, *held})
    missed = pieces.keys() - {shelf.retailer_id for shelf in found.values()}
    # Strays are locked last: rare enough to risk the order.
    strays = await shelves.lock_named(tx, connection.id, sorted(missed)) if missed else []
    return {key: _moved(shelf, pieces) for key, shelf in found.items()}, [_moved(shelf, pieces) for shelf in strays]


def _moved(shelf: Shelf, pieces: Mapping[str, int]) -> Shelf:
    return shelf._replace(reserved=shelf.reserved + pieces.get(shelf.retailer_id, 0))


async def let_go(tx: Tx, connection: Connection, some: Sequence[Hold], *, at: datetime) -> None:
    """Offer again what locked holds of one connection hold."""
    pieces = {name: -count for name, count in pieces_of(some).items()}
    locked = await shelves.lock_named(tx, connection.id, sorted(pieces))
    await move(tx, connection, pieces, [_moved(shelf, pieces) for shelf in locked], at=at)


async def move(
    tx: Tx, connection: Connection, pieces: Mapping[str, int], locked: Iterable[Shelf], *, at: datetime
) -> None:
    """Reserve so many more pieces of items, or fewer; `locked` are those items as they stand then."""
    await shelves.reserve(tx, connection.id, pieces)
    await reckon(tx, connection, [one for one in locked if one.retailer_id in pieces], at=at)
