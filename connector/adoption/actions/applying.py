"""Plans what becomes of scanned items, and does it.

    ApplyAdoption ──▶ RUNNING ──carry_adoption, in pieces──▶ Meta's verdicts end the operation
          └──too many leave──▶ NEEDS_CONFIRMATION ──ConfirmChange──▶ RUNNING

Only what is named in the plan is touched: the item of ours that goes on under another's name, and another's item that leaves. What
became impossible since is counted as rejected and left alone.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from connector.adoption.db import scans, takeovers
from connector.adoption.db.takeovers import Takeover
from connector.adoption.model import Counts, Decision, Finding, Plan, Scanned
from connector.catalog.actions import syncs
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, NotFound
from connector.operations import db as operations
from connector.operations.actions import Held
from connector.operations.model import Draft, Kind, Operation, Rejection, State
from connector.pieces import Cursor, go_through
from connector.registry import actions as registry
from connector.registry.db import catalogue, flights, rules
from connector.registry.db.names import Name, Resolved, look_up
from connector.registry.model import ItemFault, Severity, ours, stored
from connector.runtime import Runtime

_PIECE = 500  # items taken over in one transaction
_AT_WORK = (Kind.SCAN_CATALOG, Kind.APPLY_ADOPTION)


async def list_scanned(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    after: str,
    limit: int,
    plan: Plan | None,
    finding: Finding | None,
) -> list[Scanned]:
    """List what the last scan found, in the order of the ids, behind `after`."""
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        return await scans.page(tx, connection.id, after=after, limit=limit, plan=plan, finding=finding)


async def plan_adoption(
    runtime: Runtime, store_id: str, connection_id: str, decisions: Sequence[Decision]
) -> list[Scanned]:
    """Decide about scanned items, all or none; answers with them as they are planned then, in the order given.

    Raises:
        NotFound: SCANNED_ITEM_NOT_FOUND, ITEM_NOT_FOUND.
        FailedPrecondition: ADOPTION_IMPOSSIBLE, OPERATION_RUNNING.

    """
    names = [decision.retailer_id for decision in decisions]
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        await _require_idle(tx, connection)
        found = await scans.named(tx, connection.id, names)
        meant = await _meant(tx, connection, decisions)
        wishes = []
        for decision, own in zip(decisions, meant, strict=True):
            if decision.retailer_id not in found:
                message = "No such scanned item in this connection: it was taken over, or a new scan will find it"
                raise NotFound("SCANNED_ITEM_NOT_FOUND", message, retailer_id=decision.retailer_id)
            if decision.plan is not Plan.LEAVE and not own and not found[decision.retailer_id].own_retailer_id:
                raise _impossible(decision.retailer_id)
            wishes.append((decision, own.retailer_id if own else None))
        await scans.decide(tx, connection.id, wishes)
        return await _possible(tx, connection, decisions)


async def _require_idle(tx: Tx, connection: Connection) -> None:
    for operation in await operations.running(tx, connection.id):
        if operation.kind in _AT_WORK and operation.state is State.RUNNING:
            message = "A scan or an adoption is at work on this connection's catalog: watch it or cancel it"
            raise FailedPrecondition("OPERATION_RUNNING", message, operation_id=str(operation.id))


async def _meant(tx: Tx, connection: Connection, decisions: Sequence[Decision]) -> list[Resolved | None]:
    """Find the items of ours that decisions name; None for a decision that names none."""
    asked = [Name("", decision.product_id, decision.variant_id) for decision in decisions]
    found = await look_up(tx, connection.id, asked)
    for decision, own in zip(decisions, found, strict=True):
        if decision.product_id and (own is None or not own.wanted):
            named = {"product_id": decision.product_id, "variant_id": decision.variant_id}
            raise NotFound("ITEM_NOT_FOUND", "No such item in this connection", **named)
    return found


async def _possible(tx: Tx, connection: Connection, decisions: Sequence[Decision]) -> list[Scanned]:
    """Refuse decisions that cannot be carried out; answers with the items as they are planned now."""
    names = [decision.retailer_id for decision in decisions]
    planned = await scans.named(tx, connection.id, names)
    possible = {one.retailer_id for one in await takeovers.judge(tx, connection.id, names) if one.possible}
    for one in (planned[name] for name in names):
        another = ours(one.retailer_id) and one.retailer_id != one.own_retailer_id
        if one.plan is not Plan.LEAVE and another:
            message = f"{one.retailer_id} is a name of our kind and belongs to another product, of this store or one beside it"
            raise FailedPrecondition("ADOPTION_IMPOSSIBLE", message, retailer_id=one.retailer_id)
        if one.plan is not Plan.LEAVE and one.retailer_id not in possible:
            raise _impossible(one.retailer_id)
    return [planned[name] for name in names]


async def apply_adoption(
    runtime: Runtime, store_id: str, connection_id: str, *, dry_run: bool, request_id: str
) -> tuple[Operation | None, Counts, bool]:
    """Begin to do what is planned; also the go. Tells the counts, and whether the guard holds it back. A dry run only counts.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED, META_TOKEN_INVALID, CATALOG_NOT_ATTACHED, OPERATION_RUNNING.

    """
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await syncs.ready(tx, store_id, connection_id)
        await catalogue.lock_connection(tx, connection.id)
        counts = await takeovers.count(tx, connection.id)
        limits = await rules.read(tx, connection.id)
        held = counts.replace_count > limits.most_removals(counts.standing_count)
        if dry_run:
            return None, counts, held
        if begun := await operations.of_request(tx, store_id, request_id):
            return begun, counts, begun.state is State.NEEDS_CONFIRMATION
        total = counts.adopt_count + counts.replace_count + counts.impossible_count
        state = State.NEEDS_CONFIRMATION if held else State.RUNNING
        named = Kind.APPLY_ADOPTION, store_id, connection.id, request_id or None
        operation = await syncs.begin(tx, Draft(*named, total, counts.replace_count, state), at=at)
        if not held:
            await _resume(tx, operation, at)
    return operation, counts, held


async def _removals(tx: Tx, operation: Operation) -> int:
    await catalogue.lock_connection(tx, operation.connection_id)
    return (await takeovers.count(tx, operation.connection_id)).replace_count


async def _resume(tx: Tx, operation: Operation, at: datetime) -> None:
    cursor = {"operation_id": str(operation.id), "store_id": operation.store_id}
    key, connection_id = f"{Task.CARRY_ADOPTION}:{operation.id}", operation.connection_id
    await outbox.add(tx, Task.CARRY_ADOPTION, due=at, connection_id=connection_id, key=key, arguments=cursor)


HELD = {Kind.APPLY_ADOPTION: Held(_removals, _resume)}
"""What may wait for `ConfirmChange`."""


async def carry_adoption(runtime: Runtime, task: Taken) -> None:
    """Adopt and replace what is planned, in pieces. Cancelled meanwhile: what is done stays, nothing more happens."""
    await go_through(runtime, task, _take_over)


async def _take_over(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    """Take over a piece; behind the last one the operation learns how much it has to settle, and all begins to be sent."""
    operation = await operations.get(tx, cursor["store_id"], UUID(cursor["operation_id"]))
    named = operation.store_id, operation.connection_id
    connection = await connections_db.require_live(tx, *named)
    if connection.catalog_go_time is None:  # the go changes it, and is locked before everything else, as by a sync
        connection = await connections_db.require_live(tx, *named, lock=True)
    await catalogue.lock_connection(tx, connection.id)
    if operation.state is not State.RUNNING:
        return None
    piece = await takeovers.pick(tx, connection.id, after=cursor.get("after", ""), limit=_PIECE)
    if not piece:
        await operations.plan(
            tx, operation.id, total=cursor.get("total", 0), removal_count=cursor.get("removals", 0), at=at
        )
        await syncs.go(tx, syncs.require_catalog(connection), at=at)
        return None
    removed = await _do(tx, connection, operation, piece, at=at)
    counts = {"total": cursor.get("total", 0) + len(piece), "removals": cursor.get("removals", 0) + removed}
    return cursor | counts | {"after": piece[-1].retailer_id}


async def _do(tx: Tx, connection: Connection, operation: Operation, piece: Sequence[Takeover], *, at: datetime) -> int:
    """Adopt, replace and leave the items of a piece; tells how many leave the catalog."""
    adopted = [one for one in piece if one.possible and one.plan == Plan.ADOPT]
    replaced = [one for one in piece if one.possible and one.plan == Plan.REPLACE]
    rest = [one for one in piece if not one.possible]
    await takeovers.replace(tx, connection.id, operation.id, replaced, at=at)
    names = await takeovers.adopt(tx, connection.id, operation.id, adopted, at=at)  # last: it changes names of ours
    await takeovers.leave(tx, connection.id, [one.retailer_id for one in rest])
    rejections = [Rejection(one.retailer_id, one.product_id, one.variant_id, stored([_IMPOSSIBLE])[0]) for one in rest]
    await operations.progress(tx, operation.id, at=at, rejected=len(rest), rejections=rejections)
    await registry.count(tx, await flights.at_rest(tx, connection.id, names), at=at)
    return len(replaced)


def _impossible(retailer_id: str) -> FailedPrecondition:
    return FailedPrecondition("ADOPTION_IMPOSSIBLE", _IMPOSSIBLE.message, retailer_id=retailer_id)


_IMPOSSIBLE = ItemFault(
    Severity.ERROR,
    "ADOPTION_IMPOSSIBLE",
    "",
    "The item cannot be taken over as planned: no product of ours is recognised, ours was sent under another id, or the id belongs"
    " to another; name the product, or decide otherwise, after a new scan",
)
