"""Takes stock and prices, and sends what is current, in a lane of its own.

    UpdateInventory ──▶ stored ──SEND_STOCK──▶ items_batch ──CHECK_STOCK──▶ confirmed
                           ▲                                    │
                           └──── refused: up to three times ────┘ then REJECTED, and a problem on the status

Many changes while a call is on its way become one: what is sent is the value at the time of sending.
"""

from collections.abc import Mapping, Sequence

from connector.connections import db as connections
from connector.db.outbox import Taken
from connector.errors import InvalidInput, Violation
from connector.inventory import db
from connector.inventory.model import Line, Outcome, Result, Shelf, restock
from connector.registry import actions as registry
from connector.runtime import Runtime


async def update_inventory(runtime: Runtime, store_id: str, connection_id: str, lines: Sequence[Line]) -> list[Result]:
    """Store new stock and prices and plan their sending; answers in the order given.

    One transaction. Repeating it changes nothing: a line counts only when it is newer than what is stored.

    Raises:
        InvalidInput: a price is in another currency than the item; nothing is stored then.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        shelves = await db.lock_shelves(tx, connection.id, [(line.product_id, line.variant_id) for line in lines])
        _require_currencies(lines, shelves)
        judged = [(line, shelves.get((line.product_id, line.variant_id))) for line in lines]
        restocks = [restock(shelf, line) for line, shelf in judged if shelf and line.source_version > shelf.version]
        if restocks:
            await db.write(tx, connection.id, restocks, at=at)
            await registry.plan(tx, connection, at=at, content=any(line.price for line in lines))
    return [_result(line, shelf) for line, shelf in judged]


async def send_stock(runtime: Runtime, task: Taken) -> None:
    """Send one batch of current stock and prices."""
    await registry.send(runtime, task, registry.STOCK)


async def check_stock(runtime: Runtime, task: Taken) -> None:
    """Settle a batch of stock when Meta has its verdicts."""
    await registry.check(runtime, task, registry.STOCK)


def _result(line: Line, shelf: Shelf | None) -> Result:
    if shelf is None:
        return Result(line.product_id, line.variant_id, Outcome.UNKNOWN_ITEM)
    outcome = Outcome.ACCEPTED if line.source_version > shelf.version else Outcome.STALE
    return Result(line.product_id, line.variant_id, outcome, shelf.retailer_id)


def _require_currencies(lines: Sequence[Line], shelves: Mapping[tuple[str, str], Shelf]) -> None:
    wrong = []
    for place, line in enumerate(lines):
        shelf = shelves.get((line.product_id, line.variant_id))
        known = shelf.currency_code if shelf else None
        if line.price and known and line.price.currency_code != known:
            field = f"lines[{place}].price"
            message = (
                f"{field}: is in {line.price.currency_code}, the item costs in {known}; upsert the product instead"
            )
            wrong.append(Violation(field, "CURRENCY_MISMATCH", message))
    if wrong:
        raise InvalidInput(wrong)
