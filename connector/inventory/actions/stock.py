"""Takes stock and prices, and sends what is current, in a lane of its own.

    UpdateInventory ──▶ stored ──SEND_STOCK──▶ items_batch ──CHECK_STOCK──▶ confirmed
                           ▲                                    │
                           └──── refused: up to three times ────┘ then REJECTED, and an alert

Many changes while a call is on its way become one: what is sent is the value at the time of sending.
What is offered depends on the rules too, so it is reckoned only once the items are locked: whoever changes the rules has it
reckoned again, behind the same locks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import InvalidInput, Violation
from connector.inventory.db import flips, shelves
from connector.inventory.model.stock import Key, Line, Outcome, Result, Shelf, restock, sells_out, take
from connector.pieces import Cursor, go_through
from connector.registry import actions as registry
from connector.registry.db import rules as rules_db
from connector.runtime import Runtime

_MOST_CALLS = 32  # in one transaction: at 1,000 lines each, what PostgreSQL stores within about a second
_PIECE = 2_000

Shelves = Mapping[Key, Shelf]


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
        before = await shelves.lock(tx, connection.id, {(line.product_id, line.variant_id) for line in lines})
        after: dict[Key, Shelf] = {}
        answers = [_judge(call, before, after) for call in calls]
        await write(tx, connection, before, after, at=at, content=any(line.price for line in lines))
    return answers


def take_lines(lines: Sequence[Line], before: Shelves) -> tuple[list[Result], dict[Key, Shelf]]:
    """Judge the lines of one call on locked items; tells the answers, and how the items stand that they change.

    Raises:
        InvalidInput: a price is in another currency than the item.

    """
    after: dict[Key, Shelf] = {}
    answer = _judge(lines, before, after)
    if isinstance(answer, Exception):
        raise answer
    return answer, after


def _judge(lines: Sequence[Line], before: Shelves, after: dict[Key, Shelf]) -> list[Result] | Exception:
    """Answer one call and note what it changes, or refuse all of it."""
    if wrong := _foreign_prices(lines, before, after):
        return InvalidInput(wrong)
    results = []
    for line in lines:
        key = line.product_id, line.variant_id
        shelf = after.get(key) or before.get(key)
        if shelf is None:
            results.append(Result(*key, Outcome.UNKNOWN_ITEM))
        elif changed := take(shelf, line):
            after[key] = changed
            results.append(Result(*key, Outcome.ACCEPTED, shelf.retailer_id))
        else:
            results.append(Result(*key, Outcome.STALE, shelf.retailer_id))
    return results


def _foreign_prices(lines: Sequence[Line], before: Shelves, after: Shelves) -> list[Violation]:
    wrong = []
    for place, line in enumerate(lines):
        if line.price is None:
            continue
        key = line.product_id, line.variant_id
        stored = after.get(key) or before.get(key)
        known = stored.currency_code if stored else None
        if known and line.price.currency_code != known:
            field = f"lines[{place}].price"
            message = (
                f"{field}: is in {line.price.currency_code}, the item costs in {known}; upsert the product instead"
            )
            wrong.append(Violation(field, "CURRENCY_MISMATCH", message))
    return wrong


async def write(
    tx: Tx, connection: Connection, before: Shelves, after: Shelves, *, at: datetime, content: bool = False
) -> None:
    """Store how locked items stand now, offered by the rules, and plan the sending."""
    if not after:
        return
    rules = await rules_db.read(tx, connection.id)
    await shelves.write(tx, connection.id, [restock(one, rules, at=at) for one in after.values()], at=at)
    gone = [one.retailer_id for key, one in after.items() if sells_out(before[key], one, rules)]
    await flips.note(tx, connection.id, gone, at=at)
    await registry.plan(tx, connection, at=at, content=content)


async def reckon(tx: Tx, connection: Connection, locked: Iterable[Shelf], *, at: datetime) -> int:
    """Reckon anew what is offered of locked items, store what is different, and plan its sending; tells how much that is."""
    rules = await rules_db.read(tx, connection.id)
    told = [(one, restock(one, rules, at=at)) for one in locked]
    changed = [after for before, after in told if after.offer_hash != before.offer_hash]
    if changed:
        await shelves.write(tx, connection.id, changed, at=at)
        await registry.plan(tx, connection, at=at, content=False)
    return len(changed)


async def offer_again(runtime: Runtime, task: Taken) -> None:
    """Reckon anew what is offered of every counted item, after the rules changed. In pieces; rules that change meanwhile begin it anew."""
    if task.connection_id is None:
        raise connections.missing("")
    connection_id = task.connection_id

    async def act(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
        connection = await connections.by_id(tx, connection_id)
        if connection is None:
            return None
        ruled = await rules_db.changed_at(tx, connection_id)
        rules_time = ruled.isoformat() if ruled else ""
        after = cursor.get("after", "") if cursor.get("rules_time") == rules_time else ""
        locked = await shelves.lock_counted(tx, connection_id, after=after, limit=_PIECE)
        await reckon(tx, connection, locked, at=at)
        done = len(locked) < _PIECE
        return None if done else {**cursor, "rules_time": rules_time, "after": locked[-1].retailer_id}

    await go_through(runtime, task, act)


async def send_stock(runtime: Runtime, task: Taken) -> None:
    """Send one batch of current stock and prices."""
    await registry.send(runtime, task, registry.STOCK)


async def check_stock(runtime: Runtime, task: Taken) -> None:
    """Settle a batch of stock when Meta has its verdicts."""
    await registry.check(runtime, task)
