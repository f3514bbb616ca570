"""The complete list of a store's products: gathered in pieces, proven complete, then applied. The only removal by omission.

    OPEN ──commit──▶ COMMITTED ──applied, cancelled──▶ CLOSED
      └──abandon, expire──────────────────────────────▶ CLOSED

Applying goes through the list in bounded pieces, so that it can be interrupted anywhere.
A plan that would remove or hide too much waits for a word from StormCom before anything is stored.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from connector.catalog.actions.products import Offered, foresee, glance, remove, store
from connector.catalog.actions.syncs import begin, carry, go, ready, require_catalog
from connector.catalog.db import plans, snapshots
from connector.catalog.db.snapshots import Piece, Snapshot
from connector.catalog.model.values import (
    SNAPSHOT_TIME,
    Listing,
    Outcome,
    Result,
    read_drafts,
    write_drafts,
)
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.operations import db as operations
from connector.operations.actions import Held
from connector.operations.model import Draft, Kind, Operation, State
from connector.pieces import Cursor, go_through
from connector.registry.db import catalogue, counts, feeding, rules
from connector.registry.model import HIDDEN_MARK
from connector.runtime import Runtime

_PIECE = 1_000  # products written in one transaction
_SURVEYED = {8, 64, 512}  # so many full pieces at once are worth new plans


async def begin_snapshot(runtime: Runtime, store_id: str, connection_id: str, *, request_id: str) -> Snapshot:
    """Begin a snapshot; the same one for the same `request_id`. Nothing happens to the catalog yet."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        named = {"id": runtime.new_id(), "store_id": store_id, "connection_id": connection.id}
        times = {"create_time": at, "expire_time": at + SNAPSHOT_TIME}
        return await snapshots.begin(tx, named | times | {"request_id": request_id or None})


async def put_products(runtime: Runtime, store_id: str, snapshot_id: UUID, offered: Sequence[Offered]) -> list[Result]:
    """Keep a piece of a snapshot; answers as an upsert would, in the order given. Repeating it changes nothing.

    Raises:
        NotFound: SNAPSHOT_NOT_FOUND.
        FailedPrecondition: SNAPSHOT_CLOSED.

    """
    async with runtime.db.begin() as tx:
        # Pieces come side by side once the first one has told the currency.
        found = await snapshots.share(tx, store_id, snapshot_id)
        found = found or await snapshots.find(tx, store_id, snapshot_id, lock=True)
        snapshot = require_open(found, at=runtime.now())
        outcomes = await glance(tx, snapshot.connection_id, offered)
        currency = snapshot.currency_code or ""
        called = await foresee(tx, snapshot.connection_id, offered, outcomes)
        put = []
        for one in offered:
            put.append(_put(one, one.result(outcomes[one.product_id], called), currency))
            currency = currency or put[-1].currency_code
        await snapshots.put(tx, snapshot.id, [one.piece for one in put])
        if currency != (snapshot.currency_code or ""):
            await snapshots.change(tx, snapshot.id, currency_code=currency)
    return [one.result for one in put]


class _Put(NamedTuple):
    """A piece as it is kept and answered."""

    piece: Piece
    result: Result
    currency_code: str = ""


def _put(offered: Offered, seen: Result, currency_code: str) -> _Put:
    """Check and write a product, unless it is as the store's product is, or older."""
    named = offered.product_id, offered.source_version, offered.digest
    if seen.outcome is not Outcome.ACCEPTED:
        return _Put(Piece(*named, None, None), seen)
    drafts = offered.write(currency_code)
    listing = Listing(*named, drafts)
    outcome = Outcome.REJECTED if listing.refused else seen.outcome
    result = seen._replace(outcome=outcome, faults=listing.faults)
    priced = next((draft.price.currency_code for draft in drafts if draft.price), "")
    hidden = any(HIDDEN_MARK in (draft.content or "") for draft in drafts)
    piece = Piece(*named, [draft.variant_id for draft in drafts], write_drafts(drafts), hidden)
    return _Put(piece, result, priced)


async def commit_snapshot(
    runtime: Runtime, store_id: str, snapshot_id: UUID, *, product_count: int, digest: str, request_id: str
) -> Operation:
    """Make a complete snapshot what is wanted; also the go. Repeating it answers with the operation it began.

    Raises:
        NotFound: SNAPSHOT_NOT_FOUND.
        FailedPrecondition: SNAPSHOT_INCOMPLETE (it stays open), SNAPSHOT_CLOSED, OPERATION_RUNNING, or as `sync_catalog`.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        found = await snapshots.find(tx, store_id, snapshot_id, lock=True)
        if found.operation_id:
            return await operations.get(tx, store_id, found.operation_id)
        snapshot = require_open(found, at=at)
        connection = await ready(tx, store_id, str(snapshot.connection_id))
        await _prove(tx, snapshot, product_count, digest)
        if product_count > snapshots.RANGE:
            await snapshots.survey(tx)
        await catalogue.lock_connection(tx, connection.id)
        operation = await begin(tx, Draft(Kind.APPLY_SNAPSHOT, store_id, connection.id, request_id or None), at=at)
        await snapshots.change(tx, snapshot.id, state="COMMITTED", operation_id=operation.id)
        cursor = await _weigh(tx, replace(snapshot, operation_id=operation.id), {}, at)
        operation = await operations.get(tx, store_id, operation.id)
        if operation.state is State.RUNNING:
            await _plan(tx, snapshot, at=at, step=_FIRST if cursor else _SECOND, cursor=cursor)
    return operation


async def _weigh(tx: Tx, snapshot: Snapshot, cursor: Cursor, at: datetime) -> Cursor | None:
    """Count what the list takes away, a piece of it; behind the last one the operation waits for a word if it is too much."""
    connection = await connections_db.require(tx, snapshot.store_id, str(snapshot.connection_id))
    gone, after = connection.catalog_go_time is not None, cursor.get("after", "")
    found, last = await snapshots.loss(tx, snapshot, gone=gone, after=after)
    lost = cursor.get("lost", 0) + found
    if last:
        return cursor | {"after": last, "lost": lost}
    if await needs_word(tx, connection, lost):
        await operations.plan(tx, _operation_of(snapshot), total=lost, removal_count=lost, at=at, hold=True)
    return None


async def count_loss(tx: Tx, connection: Connection, snapshot: Snapshot) -> int:
    """Count the items that a snapshot's commit would remove or hide."""
    gone = connection.catalog_go_time is not None
    lost, after = await snapshots.loss(tx, snapshot, gone=gone, after="")
    while after:
        found, after = await snapshots.loss(tx, snapshot, gone=gone, after=after)
        lost += found
    return lost


async def needs_word(tx: Tx, connection: Connection, lost: int) -> bool:
    """Tell whether so great a loss must be confirmed."""
    terms = await rules.read(tx, connection.id)
    if lost <= terms.guard_items:
        return False
    standing = await (counts.at_stake if connection.catalog_go_time else plans.standing)(tx, connection.id)
    return lost > terms.most_removals(standing)


async def abandon_snapshot(runtime: Runtime, store_id: str, snapshot_id: UUID) -> None:
    """Throw an open snapshot away. Repeating it changes nothing.

    Raises:
        NotFound: SNAPSHOT_NOT_FOUND.
        FailedPrecondition: SNAPSHOT_CLOSED, when it was committed.

    """
    async with runtime.db.begin() as tx:
        snapshot = await snapshots.find(tx, store_id, snapshot_id, lock=True)
        if snapshot.operation_id:
            raise _closed(snapshot)
        await snapshots.close(tx, snapshot.id)
        await _plan(tx, snapshot, at=runtime.now(), step=_LAST)


async def apply_snapshot(runtime: Runtime, task: Taken) -> None:
    """Make what is wanted as a committed snapshot says: store, let go of what it leaves out, give all of it to the operation.

    In pieces. Cancelled meanwhile: what is done stays, nothing more happens, the snapshot closes.
    """
    await go_through(runtime, task, _apply)


async def _apply(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    """Do a piece of the step the cursor stands in; behind the last one, the next step begins."""
    snapshot = await snapshots.find(tx, cursor["store_id"], UUID(cursor["snapshot_id"]))
    step = cursor["step"]
    if step != _LAST:
        connection = await connections_db.require_live(tx, snapshot.store_id, snapshot.connection_id)
        if connection.catalog_go_time is None:  # the go changes it, and is locked before everything else, as by a sync
            connection = await connections_db.require_live(tx, snapshot.store_id, connection.id, lock=True)
        await catalogue.lock_connection(tx, connection.id)
        operation = await operations.get(tx, snapshot.store_id, _operation_of(snapshot))
        if operation.state is State.NEEDS_CONFIRMATION:
            return None
        if operation.state is not State.RUNNING or snapshot.state != "COMMITTED":
            await snapshots.close(tx, snapshot.id)
            return cursor | {"step": _LAST, "after": ""}
    do, following = _STEPS[step]
    moved = await do(tx, snapshot, {"after": "", "given": 0} | cursor, at)
    return moved or (cursor | {"step": following, "after": ""} if following else None)


async def _store_piece(tx: Tx, snapshot: Snapshot, cursor: Cursor, at: datetime) -> Cursor | None:
    after, given = cursor["after"], 0
    upto = await snapshots.end_of_range(tx, snapshot, after)
    if upto is None:
        return None
    pieces = await snapshots.written(tx, snapshot, after=after, upto=upto, limit=_PIECE)
    if pieces:
        upto = pieces[-1].product_id if len(pieces) == _PIECE else upto
        offered = [offered_of(piece) for piece in pieces]
        currency, operation_id = snapshot.currency_code or "", _operation_of(snapshot)
        _, given = await store(
            tx, snapshot.connection_id, offered, currency_code=currency, at=at, operation_id=operation_id
        )
    if len(pieces) == _PIECE:
        cursor = cursor | {"full": cursor.get("full", 0) + 1}
        if cursor["full"] in _SURVEYED:
            await catalogue.survey(tx)
    await snapshots.renew(tx, snapshot, after=after, upto=upto, at=at)
    return cursor | {"after": upto, "given": cursor["given"] + given}


def offered_of(piece: Piece) -> Offered:
    """Read a piece that was not as the store's product."""
    drafts = read_drafts(piece.drafts or "[]")
    return Offered(
        piece.product_id, tuple(piece.variant_ids or ()), piece.source_version, piece.digest, lambda _: drafts
    )


async def _let_go(tx: Tx, snapshot: Snapshot, cursor: Cursor, at: datetime) -> Cursor | None:
    after = cursor["after"]
    upto = await snapshots.end_of_known(tx, snapshot, after)
    if upto is None:
        return None
    gone = await snapshots.left_out(tx, snapshot, after=after, upto=upto, limit=_PIECE)
    await remove(tx, snapshot.connection_id, gone, at=at)
    return cursor | {"after": gone[-1] if len(gone) == _PIECE else upto}


async def _hand_over(tx: Tx, snapshot: Snapshot, cursor: Cursor, at: datetime) -> None:
    """Begin to send, and give the operation also what was not at Meta as wanted before."""
    connection = require_catalog(await connections_db.require_live(tx, snapshot.store_id, snapshot.connection_id))
    operation = await operations.get(tx, snapshot.store_id, _operation_of(snapshot))
    begin = datetime.fromisoformat(cursor["begin"])
    await carry(tx, connection, operation, "delta", at=at, begin=begin, given=cursor["given"])
    await feeding.note_snapshot(tx, connection.id, at=at)
    await go(tx, connection, at=at)
    await snapshots.close(tx, snapshot.id)


async def _forget(tx: Tx, snapshot: Snapshot, cursor: Cursor, _: datetime) -> Cursor | None:
    last = await snapshots.forget(tx, snapshot.id, after=cursor["after"])
    return cursor | {"after": last} if last else None


_Step = Callable[[Tx, Snapshot, Cursor, datetime], Awaitable[Cursor | None]]
_FIRST, _SECOND, _LAST = "weigh", "store", "forget"
_STEPS: dict[str, tuple[_Step, str | None]] = {
    "weigh": (_weigh, "store"),
    "store": (_store_piece, "let_go"),
    "let_go": (_let_go, "hand_over"),
    "hand_over": (_hand_over, "forget"),
    "forget": (_forget, None),
}


async def _prove(tx: Tx, snapshot: Snapshot, product_count: int, digest: str) -> None:
    count, found = await snapshots.summary(tx, snapshot.id)
    if (count, found) != (product_count, digest):
        message = (
            f"The snapshot holds {count} products, or others than the digest says: put what is missing and commit again"
        )
        raise FailedPrecondition("SNAPSHOT_INCOMPLETE", message, product_count=count, digest=found)


async def _removals(tx: Tx, operation: Operation) -> int:
    connection = await connections_db.require(tx, operation.store_id, str(operation.connection_id))
    await catalogue.lock_connection(tx, connection.id)
    return await count_loss(tx, connection, await snapshots.of_operation(tx, operation.id))


async def _resume(tx: Tx, operation: Operation, at: datetime) -> None:
    await _plan(tx, await snapshots.of_operation(tx, operation.id), at=at, step=_SECOND)


HELD = {Kind.APPLY_SNAPSHOT: Held(_removals, _resume)}
"""What may wait for `ConfirmChange`."""


async def _plan(tx: Tx, snapshot: Snapshot, *, at: datetime, step: str, cursor: Cursor | None = None) -> None:
    arguments = {
        "snapshot_id": str(snapshot.id),
        "store_id": snapshot.store_id,
        "begin": at.isoformat(),
        "step": step,
        **(cursor or {}),
    }
    name, key = Task.APPLY_SNAPSHOT, f"{Task.APPLY_SNAPSHOT}:{snapshot.id}"
    await outbox.add(tx, name, due=at, connection_id=snapshot.connection_id, key=key, arguments=arguments)


def require_open(snapshot: Snapshot, *, at: datetime) -> Snapshot:
    """Refuse a snapshot that is closed or past its time."""
    if snapshot.state != "OPEN" or snapshot.expire_time <= at:
        raise _closed(snapshot)
    return snapshot


def _closed(snapshot: Snapshot) -> FailedPrecondition:
    message = "The snapshot was committed, abandoned, or expired: begin a new one"
    return FailedPrecondition("SNAPSHOT_CLOSED", message, snapshot_id=str(snapshot.id))


def _operation_of(snapshot: Snapshot) -> UUID:
    if snapshot.operation_id is None:
        raise AssertionError("a task to apply a snapshot exists only once the commit began its operation")
    return snapshot.operation_id
