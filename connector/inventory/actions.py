"""Takes stock and prices, and sends what is current, in a lane of its own.

    UpdateInventory ──▶ stored ──SEND_STOCK──▶ items_batch ──CHECK_STOCK──▶ confirmed
                           ▲                                    │
                           └──── refused: up to three times ────┘ then REJECTED, and a problem on the status

Many changes while a call is on its way become one: what is sent is the value at the time of sending.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from connector.connections import db as connections
from connector.db.outbox import Taken
from connector.errors import InvalidInput, Violation
from connector.inventory import db
from connector.inventory.model import Line, Outcome, Restock, Result, Shelf, restock, restocked
from connector.registry import actions as registry
from connector.runtime import Runtime

Key = tuple[str, str]
Shelves = Mapping[Key, Shelf]

_MOST_CALLS = 32  # in one transaction: at 1,000 lines each, what PostgreSQL stores within about a second


async def update_inventory(runtime: Runtime, store_id: str, connection_id: str, lines: Sequence[Line]) -> list[Result]:
    """Store new stock and prices and plan their sending; answers in the order given.

    One transaction, shared with the calls for the same connection that came while an earlier one was being stored. Repeating it
    changes nothing: a line counts only when it is newer than what is stored.

    Raises:
        InvalidInput: a price is in another currency than the item; nothing is stored then.

    """
    act = partial(_store, runtime, store_id, connection_id)
    return await runtime.gather.ask(("stock", store_id, connection_id), lines, act, most=_MOST_CALLS)


async def _store(
    runtime: Runtime, store_id: str, connection_id: str, calls: Sequence[Sequence[Line]]
) -> list[list[Result] | Exception]:
    at, lines = runtime.now(), [line for call in calls for line in call]
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        shelves = await db.lock_shelves(tx, connection.id, {(line.product_id, line.variant_id) for line in lines})
        restocks: dict[Key, Restock] = {}
        answers = [_judge(call, shelves, restocks) for call in calls]
        if restocks:
            await db.write(tx, connection.id, list(restocks.values()), at=at)
            await registry.plan(tx, connection, at=at, content=any(line.price for line in lines))
    return answers


def _judge(lines: Sequence[Line], shelves: Shelves, restocks: dict[Key, Restock]) -> list[Result] | Exception:
    """Answer one call and note what it changes, or refuse all of it."""
    if wrong := _foreign_prices(lines, shelves, restocks):
        return InvalidInput(wrong)
    results = []
    for line in lines:
        key = line.product_id, line.variant_id
        shelf = shelves.get(key)
        if shelf is None:
            results.append(Result(*key, Outcome.UNKNOWN_ITEM))
            continue
        if change := restocks.get(key):
            shelf = restocked(shelf, change)
        newer = line.source_version > shelf.version
        if newer:
            restocks[key] = restock(shelf, line)
        results.append(Result(*key, Outcome.ACCEPTED if newer else Outcome.STALE, shelf.retailer_id))
    return results


async def send_stock(runtime: Runtime, task: Taken) -> None:
    """Send one batch of current stock and prices."""
    await registry.send(runtime, task, registry.STOCK)


async def check_stock(runtime: Runtime, task: Taken) -> None:
    """Settle a batch of stock when Meta has its verdicts."""
    await registry.check(runtime, task)


def _foreign_prices(lines: Sequence[Line], shelves: Shelves, restocks: Mapping[Key, Restock]) -> list[Violation]:
    wrong = []
    for place, line in enumerate(lines):
        if line.price is None:
            continue
        key = line.product_id, line.variant_id
        stored = restocks.get(key) or shelves.get(key)
        known = stored.currency_code if stored else None
        if known and line.price.currency_code != known:
            field = f"lines[{place}].price"
            message = (
                f"{field}: is in {line.price.currency_code}, the item costs in {known}; upsert the product instead"
            )
            wrong.append(Violation(field, "CURRENCY_MISMATCH", message))
    return wrong
